/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DOMM_BASE_TEXT_H
#define DOMM_BASE_TEXT_H

/* Replaces each byte that is not printable ASCII by '?', so that names and messages from others
 * cannot control the administrator's terminal or forge lines: a terminal takes C1 control
 * characters (U+0080 to U+009F) and bytes that are not UTF-8 for commands as well. Returns the
 * text. */
char *domm_make_printable(char *text);

/* Replaces ASCII control characters only: for names that are used as names, of which a domain's may
 * be any UTF-8. What is printed of them goes through domm_make_printable. Returns the text. */
char *domm_replace_controls(char *text);

#endif
