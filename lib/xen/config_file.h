/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A configuration file in xl.cfg(5)'s syntax, read by libxlutil, with KEY=VALUE arguments after
 * it that override it, as `xl create FILE KEY=VALUE` has them. What the keys mean is said
 * elsewhere (lib/pair/config.h).
 *
 * libxlutil cannot list the keys a file sets, nor tell that one is set twice. So the text, once
 * libxlutil has accepted it, is scanned for them here.
 */
#ifndef DOMM_XEN_CONFIG_FILE_H
#define DOMM_XEN_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"

#define DOMM_CONFIG_MAX_BYTES 65536

struct domm_config_file;

/* One assignment, in the order of the text; arguments come after the file. */
struct domm_config_key {
    char name[32];     /* cut if longer: no key is so long */
    bool adds;         /* += in place of = */
    const char *where; /* "FILE:LINE" or "argument KEY=VALUE", for messages */
    bool is_argument;
};

/* DOMM_NOT_FOUND if the file does not exist. DOMM_REFUSED, naming file and line or the argument, if
 * libxlutil cannot parse it (its line is too low by one where a line ends too early). *file_r is
 * freed by domm_config_file_free. */
int domm_config_file_read(const char *path, const char *const *arguments, size_t n_arguments,
                          struct domm_config_file **file_r, struct domm_error *err);

/* Parses a text; name stands for the path in messages. */
int domm_config_file_parse(const char *name, const char *text, size_t size,
                           const char *const *arguments, size_t n_arguments,
                           struct domm_config_file **file_r, struct domm_error *err);

void domm_config_file_free(struct domm_config_file *file); /* null is fine */

/* The path, or the name given in its place. */
const char *domm_config_file_name(const struct domm_config_file *file);

/* All assignments; they live as long as the file. */
size_t domm_config_file_keys(const struct domm_config_file *file,
                             const struct domm_config_key **keys_r);

/* The value of a key: its text (numbers too are text), or null if it is a list or not set. */
const char *domm_config_file_text(const struct domm_config_file *file, const char *key);

/* Whether the value is a list, and of how many items; an item that is itself a list is null. */
bool domm_config_file_list(const struct domm_config_file *file, const char *key, size_t *count_r);
const char *domm_config_file_item(const struct domm_config_file *file, const char *key,
                                  size_t item);

/* A disk specification as parsed by libxlutil; xl-disk-configuration(5). */
struct domm_disk {
    char *vdev;
    char *path; /* empty: no medium */
    bool writable;
    bool plain; /* a raw device or file, without a script or backend */
};

/* DOMM_REFUSED with the reason if it is invalid. *disk_r is freed by domm_disk_dispose, and empty
 * on failure. */
int domm_disk_parse(const char *spec, struct domm_disk *disk_r, struct domm_error *err);
void domm_disk_dispose(struct domm_disk *disk);

#endif
