/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where domm keeps things on a host. Variables for the sake of the unit tests, which have places of
 * their own; nothing else assigns them. */
#ifndef DOMM_BASE_PLACE_H
#define DOMM_BASE_PLACE_H

#define DOMM_RUN_DIRECTORY "/run/domm"
#define DOMM_STATE_DIRECTORY "/var/lib/domm"

extern const char *domm_run_directory;      /* locks and sockets; gone after a boot */
extern const char *domm_state_directory;    /* what must survive it */
extern const char *domm_journals_directory; /* below that */

#endif
