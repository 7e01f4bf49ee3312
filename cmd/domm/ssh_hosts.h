/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hosts that ssh's configuration names, see ssh_config(5): the words of its Host lines that are
 * neither patterns nor negated. */
#ifndef DOMM_CMD_SSH_HOSTS_H
#define DOMM_CMD_SSH_HOSTS_H

/* Calls `found` for each host that the user's configuration names, with the files that it includes,
 * and then for those of the system's. A host may come more than once. What cannot be read is
 * omitted. */
void cmd_ssh_hosts_each(void (*found)(void *context, const char *host), void *context);

#endif
