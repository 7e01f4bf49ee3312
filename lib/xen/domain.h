/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Xen knows of its domains, in domm's own types. */
#ifndef DOMM_XEN_DOMAIN_H
#define DOMM_XEN_DOMAIN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"

struct domm_xen;

enum domm_domain_type { DOMM_TYPE_PV, DOMM_TYPE_PVH, DOMM_TYPE_HVM };

/* One word for Xen's flags; where several are set, the later one here is the state. */
enum domm_domain_state {
    DOMM_STATE_RUNNABLE, /* waits for a physical CPU */
    DOMM_STATE_BLOCKED,  /* waits for an event: idle */
    DOMM_STATE_RUNNING,  /* on a physical CPU at the moment of asking */
    DOMM_STATE_PAUSED,   /* by the toolstack */
    DOMM_STATE_SHUTDOWN, /* powered off or asked for a reboot */
    DOMM_STATE_SUSPENDED,
    DOMM_STATE_CRASHED,
    DOMM_STATE_DYING, /* being destroyed; a mapping of its memory keeps it so */
};

struct domm_domain {
    uint32_t domid;
    struct domm_uuid uuid;
    char *name; /* empty if it has none (yet) */
    enum domm_domain_type type;
    enum domm_domain_state state;
    uint64_t memory_kib;
    uint32_t vcpus; /* online */
};

/* What a domain's name ends with while it is migrated, as xl has it (tools/xl/xl_migrate.c): the
 * copy that is being made, and the one that is about to be stale. */
#define DOMM_INCOMING "--incoming"
#define DOMM_AWAY "--migratedaway"

/* The length of the name without that. */
size_t domm_name_length(const char *name);

/* All domains, dom0 among them, by rising domid. *domains_r is freed by domm_domains_free. */
int domm_xen_domains(struct domm_xen *xen, struct domm_domain **domains_r, size_t *count_r,
                     struct domm_error *err);
void domm_domains_free(struct domm_domain *domains, size_t count);

/* The userdata called `userid` that is kept with a domain: *data_r is the caller's to free, or
 * null and *size_r 0 if there is none. DOMM_NOT_FOUND if the domain has gone. */
int domm_xen_userdata(struct domm_xen *xen, uint32_t domid, const char *userid, char **data_r,
                      size_t *size_r, struct domm_error *err);

const char *domm_domain_type_name(enum domm_domain_type type);
const char *domm_domain_state_name(enum domm_domain_state state);

#endif
