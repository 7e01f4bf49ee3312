/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DOMM_BASE_TEXT_H
#define DOMM_BASE_TEXT_H

/* Replaces each ASCII control character by '?', so that names and messages which somebody else
 * chose cannot drive the administrator's terminal or forge a second line. Returns the text. */
char *domm_make_printable(char *text);

#endif
