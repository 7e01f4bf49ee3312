/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/xen/room.h"
#include "lib/xen/xen_internal.h"

#include <libxlutil.h>

int domm_xen_new_uuid(struct domm_uuid *uuid_r, struct domm_error *err)
{
    if (getrandom(uuid_r->bytes, sizeof(uuid_r->bytes), 0) != sizeof(uuid_r->bytes))
        return domm_fail_errno(err, DOMM_FAILED, errno, "creating a UUID");
    uuid_r->bytes[6] = (uuid_r->bytes[6] & 0x0f) | 0x40;
    uuid_r->bytes[8] = (uuid_r->bytes[8] & 0x3f) | 0x80;
    return 0;
}

static libxl_action_on_shutdown action(enum domm_on_event event)
{
    static const libxl_action_on_shutdown actions[] = {
        [DOMM_ON_DESTROY] = LIBXL_ACTION_ON_SHUTDOWN_DESTROY,
        [DOMM_ON_RESTART] = LIBXL_ACTION_ON_SHUTDOWN_RESTART,
        [DOMM_ON_RENAME_RESTART] = LIBXL_ACTION_ON_SHUTDOWN_RESTART_RENAME,
        [DOMM_ON_PRESERVE] = LIBXL_ACTION_ON_SHUTDOWN_PRESERVE,
        [DOMM_ON_COREDUMP_DESTROY] = LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_DESTROY,
        [DOMM_ON_COREDUMP_RESTART] = LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_RESTART,
    };
    return actions[event];
}

/* libxl frees the strings of the configuration, so each text is a copy. */
static int guest_copy(char **to, const char *text)
{
    *to = text ? strdup(text) : NULL;
    return !text || *to ? 0 : -1;
}

static int set_domain(const struct domm_guest *guest, libxl_domain_config *config)
{
    libxl_domain_create_info *create = &config->c_info;
    libxl_domain_build_info *build = &config->b_info;
    create->type = LIBXL_DOMAIN_TYPE_PV;
    memcpy(create->uuid.uuid, guest->uuid.bytes, sizeof(guest->uuid.bytes));
    libxl_domain_build_info_init_type(build, LIBXL_DOMAIN_TYPE_PV);
    build->max_vcpus = (int)guest->vcpus;
    build->max_memkb = build->target_memkb = (uint64_t)guest->memory_mib * 1024;
    if (guest->max_grant_frames)
        build->max_grant_frames = guest->max_grant_frames;
    config->on_poweroff = action(guest->on_poweroff);
    config->on_reboot = config->on_soft_reset = action(guest->on_reboot);
    config->on_crash = config->on_watchdog = action(guest->on_crash);
    return guest_copy(&create->name, guest->name) || guest_copy(&build->kernel, guest->kernel) ||
           guest_copy(&build->ramdisk, guest->ramdisk) ||
           guest_copy(&build->cmdline, guest->cmdline);
}

/* All vCPUs are online from the start. */
static int set_vcpus(struct domm_xen *xen, const struct domm_guest *guest,
                     libxl_domain_config *config)
{
    libxl_bitmap *online = &config->b_info.avail_vcpus;
    if (libxl_cpu_bitmap_alloc(xen->libxl, online, (int)guest->vcpus))
        return -1;
    for (int i = 0; i < (int)guest->vcpus; i++)
        libxl_bitmap_set(online, i);
    return 0;
}

static int set_rate(const char *rate, libxl_device_nic *nic, struct domm_error *err)
{
    FILE *silence = fopen("/dev/null", "we");
    XLU_Config *xlu = silence ? xlu_cfg_init(silence, "rate") : NULL;
    int rc = xlu ? 0 : domm_no_memory(err);
    if (!rc && xlu_vif_parse_rate(xlu, rate, nic))
        rc =
            domm_fail(err, DOMM_REFUSED, "\"%s\" is not a rate such as 10Mb/s or 1MB/s@20ms", rate);
    if (xlu)
        xlu_cfg_destroy(xlu);
    if (silence)
        fclose(silence);
    return rc;
}

int domm_vif_rate_check(const char *rate, struct domm_error *err)
{
    libxl_device_nic nic;
    libxl_device_nic_init(&nic);
    int rc = set_rate(rate, &nic, err);
    libxl_device_nic_dispose(&nic);
    return rc;
}

static int set_vifs(const struct domm_guest *guest, libxl_domain_config *config)
{
    config->nics = calloc(guest->n_vifs + 1, sizeof(*config->nics));
    if (!config->nics)
        return -1;
    for (size_t i = 0; i < guest->n_vifs; i++) {
        const struct domm_guest_vif *vif = &guest->vifs[i];
        libxl_device_nic *nic = &config->nics[config->num_nics++];
        libxl_device_nic_init(nic);
        nic->devid = (int)i;
        nic->nictype = LIBXL_NIC_TYPE_VIF;
        if (vif->mac &&
            sscanf(vif->mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &nic->mac[0], &nic->mac[1],
                   &nic->mac[2], &nic->mac[3], &nic->mac[4], &nic->mac[5]) != 6)
            return -1;
        if (guest_copy(&nic->bridge, vif->bridge) || guest_copy(&nic->script, vif->script) ||
            guest_copy(&nic->ip, vif->ip) || guest_copy(&nic->ifname, vif->vifname) ||
            guest_copy(&nic->backend_domname, vif->backend))
            return -1;
        struct domm_error checked; /* by domm_vif_rate_check */
        if (vif->rate && set_rate(vif->rate, nic, &checked))
            return -1;
        if (vif->mtu)
            nic->mtu = (int)vif->mtu;
    }
    return 0;
}

static int set_disks(const struct domm_guest *guest, libxl_domain_config *config,
                     struct domm_error *err)
{
    config->disks = calloc(guest->n_disks + 1, sizeof(*config->disks));
    if (!config->disks)
        return domm_no_memory(err);
    for (size_t i = 0; i < guest->n_disks; i++) {
        libxl_device_disk *disk = &config->disks[config->num_disks++];
        libxl_device_disk_init(disk);
        int rc = domm_libxl_disk(guest->disks[i].spec, disk, err);
        if (rc)
            return rc;
        if (!disk->script && guest_copy(&disk->script, guest->disks[i].script))
            return domm_no_memory(err);
    }
    return 0;
}

static int guest_fill(struct domm_xen *xen, const struct domm_guest *guest,
                      libxl_domain_config *config, struct domm_error *err)
{
    if (set_domain(guest, config) || set_vcpus(xen, guest, config) || set_vifs(guest, config))
        return domm_no_memory(err);
    return set_disks(guest, config, err);
}

static int guest_make_room(struct domm_xen *xen, libxl_domain_config *config,
                           struct domm_error *err)
{
    uint64_t kib;
    int libxl_rc = libxl_domain_need_memory(xen->libxl, config, (uint32_t)INVALID_DOMID, &kib);
    if (libxl_rc)
        return domm_fail(err, DOMM_FAILED, "asking how much memory %s needs: error %d",
                         config->c_info.name, libxl_rc);
    return domm_xen_make_room(xen, kib, err);
}

int domm_xen_create(struct domm_xen *xen, const struct domm_guest *guest, uint32_t *domid_r,
                    struct domm_error *err)
{
    libxl_domain_config config;
    libxl_domain_config_init(&config);
    uint32_t domid = 0;
    int rc = guest_fill(xen, guest, &config, err);
    if (!rc)
        rc = guest_make_room(xen, &config, err);
    if (!rc) {
        /* libxl destroys the domain if it fails (domcreate_complete, libxl_create.c). */
        int libxl_rc = libxl_domain_create_new(xen->libxl, &config, &domid, NULL, NULL);
        if (libxl_rc) {
            rc = domm_fail(err, DOMM_FAILED, "libxl could not create the guest %s: error %d",
                           guest->name, libxl_rc);
            domm_hint(err, "see libxl's messages above; domm -v shows more of them");
        }
    }
    libxl_domain_config_dispose(&config);
    *domid_r = domid;
    return rc;
}
