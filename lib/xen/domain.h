/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Xen's domains, in domm's own types. */
#ifndef DOMM_XEN_DOMAIN_H
#define DOMM_XEN_DOMAIN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"

struct domm_xen;

enum domm_domain_type { DOMM_DOMAIN_PV, DOMM_DOMAIN_PVH, DOMM_DOMAIN_HVM };

/* One state for Xen's flags; if several are set, the later one in this list is the state. */
enum domm_domain_state {
    DOMM_DOMAIN_RUNNABLE, /* waits for a physical CPU */
    DOMM_DOMAIN_BLOCKED,  /* waits for an event: idle */
    DOMM_DOMAIN_RUNNING,  /* on a physical CPU at the moment of asking */
    DOMM_DOMAIN_PAUSED,   /* paused by the toolstack */
    DOMM_DOMAIN_SHUTDOWN, /* powered off or asked for a reboot */
    DOMM_DOMAIN_SUSPENDED,
    DOMM_DOMAIN_CRASHED,
    DOMM_DOMAIN_DYING, /* being destroyed; mappings of its memory keep it so */
};

struct domm_domain {
    uint32_t domid;
    struct domm_uuid uuid;
    char *name; /* empty if it has no name (yet) */
    enum domm_domain_type type;
    enum domm_domain_state state;
    uint64_t memory_kib;
    uint32_t vcpus;     /* online */
    uint32_t last_vcpu; /* the highest number of one, online or not */
};

/* Suffixes of a domain's name during a migration, as in xl (tools/xl/xl_migrate.c): of the copy
 * that is being made, and of the one that will be stale. */
#define DOMM_INCOMING "--incoming"
#define DOMM_AWAY "--migratedaway"

/* The length of the name without such a suffix. */
size_t domm_name_length(const char *name);

/* All domains, dom0 among them, by rising domid. *domains_r is freed by domm_domains_free. */
int domm_xen_domains(struct domm_xen *xen, struct domm_domain **domains_r, size_t *count_r,
                     struct domm_error *err);
void domm_domains_free(struct domm_domain *domains, size_t count);

/* As domm list prints them; static strings. */
const char *domm_domain_type_name(enum domm_domain_type type);
const char *domm_domain_state_name(enum domm_domain_state state);

/* CPU time used by a domain's vCPUs so far, in ns, by Xen's account. */
int domm_xen_cpu_time(struct domm_xen *xen, uint32_t domid, uint64_t *ns_r, struct domm_error *err);

/* Renames the domain. `from` is its present name. */
int domm_xen_rename(struct domm_xen *xen, uint32_t domid, const char *from, const char *to,
                    struct domm_error *err);

/* The configuration from which the guest can be restored on another host, as libxl's JSON; the
 * caller's to free. */
int domm_xen_configuration(struct domm_xen *xen, uint32_t domid, char **json_r,
                           struct domm_error *err);

/* Unpauses a domain that was created or restored. */
int domm_xen_unpause(struct domm_xen *xen, uint32_t domid, struct domm_error *err);

/* DOMM_NOT_FOUND if there is no such domain. */
int domm_xen_destroy(struct domm_xen *xen, uint32_t domid, struct domm_error *err);

#endif
