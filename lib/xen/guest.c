/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/xen/internal.h"

int domm_xen_new_uuid(struct domm_uuid *uuid_r, struct domm_error *err)
{
    if (getrandom(uuid_r->bytes, sizeof(uuid_r->bytes), 0) != sizeof(uuid_r->bytes))
        return domm_fail_errno(err, DOMM_FAILED, errno, "making up a UUID");
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

/* libxl frees what the configuration holds, so that every text is a copy. */
static int copy(char **to, const char *text)
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
    config->on_poweroff = action(guest->on_poweroff);
    config->on_reboot = config->on_soft_reset = action(guest->on_reboot);
    config->on_crash = config->on_watchdog = action(guest->on_crash);
    return copy(&create->name, guest->name) || copy(&build->kernel, guest->kernel) ||
           copy(&build->ramdisk, guest->ramdisk) || copy(&build->cmdline, guest->cmdline);
}

/* All are online from the start. */
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
        if (copy(&nic->bridge, vif->bridge) || copy(&nic->script, vif->script) ||
            copy(&nic->ip, vif->ip) || copy(&nic->ifname, vif->vifname))
            return -1;
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
        if (!disk->script && copy(&disk->script, guest->disks[i].script))
            return domm_no_memory(err);
    }
    return 0;
}

static int fill(struct domm_xen *xen, const struct domm_guest *guest, libxl_domain_config *config,
                struct domm_error *err)
{
    if (set_domain(guest, config) || set_vcpus(xen, guest, config) || set_vifs(guest, config))
        return domm_no_memory(err);
    return set_disks(guest, config, err);
}

int domm_xen_create(struct domm_xen *xen, const struct domm_guest *guest, uint32_t *domid_r,
                    struct domm_error *err)
{
    libxl_domain_config config;
    libxl_domain_config_init(&config);
    uint32_t domid = 0;
    int rc = fill(xen, guest, &config, err);
    if (!rc) {
        /* It destroys what it has made if it fails (domcreate_complete, libxl_create.c). */
        int libxl_rc = libxl_domain_create_new(xen->libxl, &config, &domid, NULL, NULL);
        if (libxl_rc) {
            rc = domm_fail(err, DOMM_FAILED, "libxl could not make the guest %s: error %d",
                           guest->name, libxl_rc);
            domm_hint(err, "libxl's messages above say why; domm -v shows more of them");
        }
    }
    libxl_domain_config_dispose(&config);
    *domid_r = domid;
    return rc;
}

int domm_xen_unpause(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    int libxl_rc = libxl_domain_unpause(xen->libxl, domid, NULL);
    return libxl_rc ? domm_fail(err, DOMM_FAILED, "unpausing domain %u: error %d", domid, libxl_rc)
                    : 0;
}

int domm_xen_destroy(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    int libxl_rc = libxl_domain_destroy(xen->libxl, domid, NULL);
    if (!libxl_rc)
        return 0;
    enum domm_code code = libxl_rc == ERROR_DOMAIN_NOTFOUND ? DOMM_NOT_FOUND : DOMM_OUTCOME_UNKNOWN;
    return domm_fail(err, code, "destroying domain %u: error %d", domid, libxl_rc);
}

int domm_xen_userdata_store(struct domm_xen *xen, uint32_t domid, const char *userid,
                            const char *text, struct domm_error *err)
{
    int libxl_rc = libxl_userdata_store(xen->libxl, domid, userid, (const uint8_t *)text,
                                        text ? (int)strlen(text) : 0);
    if (!libxl_rc)
        return 0;
    return domm_fail(err, DOMM_FAILED, "keeping the userdata \"%s\" of domain %u: error %d", userid,
                     domid, libxl_rc);
}

int domm_xen_free_mib(struct domm_xen *xen, uint64_t *mib_r, struct domm_error *err)
{
    uint64_t kib = 0;
    int libxl_rc = libxl_get_free_memory(xen->libxl, &kib);
    if (libxl_rc)
        return domm_fail(err, DOMM_FAILED, "asking Xen for its free memory: error %d", libxl_rc);
    *mib_r = kib / 1024;
    return 0;
}
