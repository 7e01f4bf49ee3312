/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Directories of domm on a host. They are variables only so that unit tests can use directories of
 * their own. */
#ifndef DOMM_BASE_PATHS_H
#define DOMM_BASE_PATHS_H

#define DOMM_RUN_DIRECTORY "/run/domm"
#define DOMM_VAR_DIRECTORY "/var/lib/domm"

extern const char *domm_run_directory;      /* locks and sockets; empty after a boot */
extern const char *domm_var_directory;      /* state that survives a boot */
extern const char *domm_journals_directory; /* below domm_var_directory */

#endif
