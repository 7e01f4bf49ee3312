/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes that read what strangers send, and have nothing that a stranger could want. */
#ifndef DOMM_BASE_CONFINE_H
#define DOMM_BASE_CONFINE_H

#include <stdbool.h>
#include <sys/resource.h>

#include "lib/base/error.h"

/*
 * Makes this child process nobody, for good: no privileges, no new ones, no children, no core file,
 * and no descriptor numbered `descriptors` or above, nor more than so many. low_ports: it keeps
 * CAP_NET_BIND_SERVICE, for servers that trust low ports. It is killed when its parent ends.
 */
int domm_confine(rlim_t descriptors, bool low_ports, struct domm_error *err);

#define DOMM_CONFINED_FD 3

/*
 * The same for a child process that needs one descriptor, `kept`, which becomes DOMM_CONFINED_FD.
 * All others are closed, those of the hypervisor among them; standard input and output are
 * /dev/null. It can open up to `descriptors` in all.
 */
int domm_confine_with(int kept, rlim_t descriptors, bool low_ports, struct domm_error *err);

#endif
