/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The program domm on a host that is made up (the linker puts the functions called __wrap_… in
 * place of the real ones), so that commands that need Xen can be run without one:
 *
 *     ids (3)    monitors web (1) and a target that is not here; all is well
 *     other (4)  monitors db (2); silent, and cannot be looked at
 *     odd (5)    has a record that cannot be read
 *
 * Its state is below the directory FAKE_HOST. Migrations are those of fake-migration.c.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/domm/dispatch.h"
#include "cmd/domm/hooks.h"
#include "lib/base/paths.h"
#include "lib/mapping/scan.h"
#include "lib/pair/plan.h"
#include "lib/pair/status.h"
#include "lib/xen/userdata.h"
#include "tests/cli/fake.h"

enum { WEB = 1, IDS = 3, OTHER = 4, ODD = 5 };

/* Is not looked into. */
static struct domm_hv *const memory = (struct domm_hv *)&domm_run_directory;

#define RECORD(targets)                                                                            \
    "{\"version\":1,\"migrate\":[\"max_downtime=700\"],\"targets\":[" targets "]}"
#define TARGET(domid) "{\"uuid\":\"0" #domid "000000-0000-4000-8000-000000000000\""
#define MIRROR ",\"mirror\":[{\"vif\":0,\"to\":1}]"
#define STORAGE ",\"storage\":[{\"nfs\":\"10.0.0.3:/srv/web\"},{\"block\":\"xvdb\"}]"
static const char *const records[] = {
    [IDS] = RECORD(TARGET(1) MIRROR STORAGE "}," TARGET(9) "}"),
    [OTHER] = RECORD(TARGET(2) MIRROR "}"),
    [ODD] = "{\"version\":7}",
};

WRAP(int, domm_xen_open, struct domm_log *log, struct domm_xen **xen_r, struct domm_error *err)
{
    *xen_r = NULL;
    return 0;
}

WRAP(void, domm_xen_close, struct domm_xen *xen)
{
}

WRAP(int, domm_xen_host, struct domm_xen *xen, struct domm_host *host_r, struct domm_error *err)
{
    *host_r = (struct domm_host){4, 17, ".5", "none", "dom0_mem=512M", true};
    return 0;
}

WRAP(int, domm_xen_domains, struct domm_xen *xen, struct domm_domain **domains_r, size_t *count_r,
     struct domm_error *err)
{
    static const char *const names[] = {"Domain-0", "web", "db", "ids", "other", "odd"};
    const size_t count = sizeof(names) / sizeof(*names);
    *count_r = count;
    *domains_r = calloc(count, sizeof(**domains_r));
    for (uint32_t i = 0; *domains_r && i < count; i++) {
        (*domains_r)[i] = (struct domm_domain){.domid = i,
                                               .name = strdup(names[i]),
                                               .type = i == WEB ? DOMM_DOMAIN_PVH : DOMM_DOMAIN_PV,
                                               .state = DOMM_DOMAIN_BLOCKED,
                                               .memory_kib = 262144,
                                               .vcpus = 1};
        if (i)
            (*domains_r)[i].uuid = (struct domm_uuid){{(unsigned char)i, [6] = 0x40, [8] = 0x80}};
    }
    return 0;
}

WRAP(int, domm_xen_userdata_read, struct domm_xen *xen, uint32_t domid, const char *userid,
     char **data_r, size_t *size_r, struct domm_error *err)
{
    const char *record = domid < sizeof(records) / sizeof(*records) ? records[domid] : NULL;
    *data_r = record ? strdup(record) : NULL;
    *size_r = record ? strlen(record) : 0;
    return 0;
}

WRAP(int, domm_store_open, struct domm_store **store_r, struct domm_error *err)
{
    *store_r = NULL;
    return 0;
}

WRAP(int, domm_hv_open, struct domm_log *log, struct domm_hv **hv_r, struct domm_error *err)
{
    *hv_r = memory;
    return 0;
}

WRAP(void, domm_hv_close, struct domm_hv *hv)
{
}

WRAP(bool, domm_service_runs, void)
{
    return true;
}

WRAP(int, domm_plan_create, struct domm_xen *xen, struct nl_sock *netlink,
     const struct domm_inventory *inventory, const struct domm_config *config,
     struct domm_record *record_r, struct domm_error *err)
{
    return 0;
}

WRAP(int, domm_plan_attach, struct domm_xen *xen, struct nl_sock *netlink,
     const struct domm_inventory *inventory, const struct domm_inventory_entry *monitor,
     const struct domm_inventory_entry *target, const struct domm_record_target *record_target,
     struct domm_record *record_r, struct domm_error *err)
{
    return 0;
}

WRAP(int, domm_agents_ask, struct domm_store *store, const uint32_t *domids, size_t count,
     const struct domm_agent_word *asked, int timeout_ms, bool *answered_r, struct domm_error *err)
{
    for (size_t i = 0; i < count; i++)
        answered_r[i] = domids[i] != OTHER;
    return 0;
}

WRAP(void, domm_agent_answer_read, struct domm_store *store, uint32_t monitor,
     const struct domm_uuid *target, struct domm_agent_answer *answer_r)
{
    *answer_r = (struct domm_agent_answer){
        .given = true,
        .memory = {.ok = true},
        .n_monitor_vifs = 1,
        .monitor_devids = {1},
        .monitor_vifs = {{.ok = true}},
        .n_storage = 2,
        .storage = {{.ok = true, .age_s = 2, .path = "/run/domm-storage/web/0"},
                    {.age_s = -1, .error = "it cannot be mounted"}},
    };
}

WRAP(bool, domm_pages_read, struct domm_store *store, uint32_t monitor,
     const struct domm_uuid *target, struct domm_pages *pages_r)
{
    *pages_r = (struct domm_pages){.owned = 65536, .seen = 65536};
    return monitor == IDS;
}

WRAP(int64_t, domm_agent_silent_ms, struct domm_store *store, uint32_t monitor)
{
    return 60000;
}

WRAP(int, domm_scan_briefly, struct domm_hv *hv, uint32_t monitor, struct domm_scan *scan_r,
     uint64_t *paused_ns_r, struct domm_error *err)
{
    if (monitor == OTHER)
        return domm_fail(err, DOMM_REFUSED, "its p2m has 1 entry");
    *scan_r = (struct domm_scan){.count = 1, .foreign = calloc(1, sizeof(*scan_r->foreign))};
    *paused_ns_r = 800000;
    return 0;
}

WRAP(int, domm_mirror_ends, struct domm_xen *xen, struct nl_sock *sock, uint32_t target,
     uint32_t monitor, const struct domm_mirror_pair *pair, struct domm_mirror_ends *ends_r,
     struct domm_error *err)
{
    if (monitor == OTHER)
        return domm_fail(err, DOMM_FAILED, "its vifs cannot be listed");
    *ends_r = (struct domm_mirror_ends){.target_ifindex = 5,
                                        .monitor_ifindex = 6,
                                        .target = {.name = "vif1.0"},
                                        .monitor = {.name = "vif3.1"}};
    return 0;
}

WRAP(int, domm_mirror_measure, struct nl_sock *sock, int target, int monitor,
     const struct domm_selection *selection, struct domm_mirror_state *state_r,
     struct domm_error *err)
{
    const struct domm_tc_filter mirror = {
        .ours = true, .action = DOMM_TC_FILTER_MIRROR, .mirror_to = monitor, .packets = 7};
    *state_r = (struct domm_mirror_state){
        .selection = *selection,
        .target = {.ifindex = target, .up = true},
        .monitor = {.ifindex = monitor, .up = true, .carrier = true, .tx_packets = 14},
        .sent = mirror,
        .received = mirror,
        .guard = {.ours = true, .action = DOMM_TC_FILTER_DROP}};
    return 0;
}

int main(int argc, char **argv)
{
    const struct cmd_globals defaults = {0};
    const char *place = getenv("FAKE_HOST");
    struct domm_log log;
    struct domm_error err;
    char journals[4096], hooks[4096];
    if (!place)
        return EXIT_FAILURE;
    domm_run_directory = domm_var_directory = place;
    snprintf(journals, sizeof(journals), "%s/migrations", place);
    domm_journals_directory = journals;
    snprintf(hooks, sizeof(hooks), "%s/hooks.d", place);
    cmd_hooks_directory = hooks;
    domm_log_init(&log, stderr, "domm");
    int rc = cmd_dispatch(cmd_table, &defaults, &log, false, argc, argv, &err);
    if (rc)
        domm_log_error(&log, &err);
    return -rc;
}
