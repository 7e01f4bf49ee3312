/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/config_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/text.h"
#include "lib/xen/config_scan.h"
#include "lib/xen/xen_internal.h"

#include <libxlutil.h>

struct domm_config_file {
    char *name;
    XLU_Config *xlu;
    FILE *report; /* libxlutil writes its messages here until xlu is destroyed */
    char *messages;
    size_t messages_size;
    struct domm_config_keys keys;
};

/* Only the first line: later errors are mostly consequences. */
static int config_file_refuse(struct domm_config_file *file, const char *name,
                              struct domm_error *err)
{
    fflush(file->report);
    char *end = strchr(file->messages, '\n');
    if (end)
        *end = '\0';
    if (!file->messages[0])
        return domm_fail(err, DOMM_REFUSED, "%s: syntax error", name);
    return domm_fail(err, DOMM_REFUSED, "%s", domm_make_printable(file->messages));
}

static struct domm_config_file *new_file(const char *name)
{
    struct domm_config_file *file = calloc(1, sizeof(*file));
    if (!file)
        return NULL;
    file->report = open_memstream(&file->messages, &file->messages_size);
    file->xlu = file->report ? xlu_cfg_init(file->report, name) : NULL;
    if (file->xlu && fflush(file->report) == 0)
        return file;
    domm_config_file_free(file);
    return NULL;
}

void domm_config_file_free(struct domm_config_file *file)
{
    if (!file)
        return;
    xlu_cfg_destroy(file->xlu);
    if (file->report)
        fclose(file->report);
    free(file->messages);
    free(file->name);
    domm_config_keys_free(&file->keys);
    free(file);
}

static int config_file_parse(const char *name, const char *text, size_t size,
                             struct domm_config_file **file_r, struct domm_error *err)
{
    *file_r = new_file(name);
    if (!*file_r)
        return domm_no_memory(err);
    if (xlu_cfg_readdata((*file_r)->xlu, text, (int)size) == 0)
        return 0;
    int rc = config_file_refuse(*file_r, name, err);
    /* After a failure xlu may only be destroyed (libxlutil.h). */
    domm_config_file_free(*file_r);
    *file_r = NULL;
    return rc;
}

/* Parses the part for its errors only, which then name this part and its line. */
static int check_part(const char *name, const char *text, size_t size, struct domm_error *err)
{
    struct domm_config_file *part;
    int rc = config_file_parse(name, text, size, &part, err);
    domm_config_file_free(part);
    return rc;
}

/* Exactly one assignment, so that a message can name the argument. */
static bool is_one_assignment(const char *argument)
{
    struct domm_config_keys keys = {0};
    bool one = domm_config_scan(&keys, argument, argument, strlen(argument), true) &&
               keys.count == 1 && !strchr(argument, '\n');
    domm_config_keys_free(&keys);
    return one;
}

static int check_argument(const char *argument, struct domm_error *err)
{
    char name[128];
    snprintf(name, sizeof(name), "argument %s", argument);
    domm_make_printable(name);
    int rc = strlen(argument) <= DOMM_CONFIG_MAX_BYTES && is_one_assignment(argument)
                 ? check_part(name, argument, strlen(argument), err)
                 : domm_fail(err, DOMM_REFUSED, "%s: expected one KEY=VALUE", name);
    if (rc)
        return domm_hint(err, "a value is a number, a \"string\" or a [list], with its quotes: %s",
                         "'name=\"web\"'");
    return 0;
}

/* libxlutil calls them a lexical error, and does not show what it means. */
static int check_lines(const char *name, const char *text, size_t size, struct domm_error *err)
{
    const char *cr = memchr(text, '\r', size);
    unsigned line = 1;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        domm_fail(err, DOMM_REFUSED, "%s:1: begins with a byte order mark", name);
        return domm_hint(err, "remove it: sed -i '1s/^\\xef\\xbb\\xbf//' %s", name);
    }
    if (!cr)
        return 0;
    for (const char *c = text; c < cr; c++)
        line += *c == '\n';
    domm_fail(err, DOMM_REFUSED, "%s:%u: a line ends with a carriage return, as on Windows", name,
              line);
    return domm_hint(err, "change the line ends: sed -i 's/\\r$//' %s", name);
}

static int check_parts(const char *name, const char *text, size_t size,
                       const char *const *arguments, size_t n_arguments, struct domm_error *err)
{
    if (size > DOMM_CONFIG_MAX_BYTES)
        return domm_fail(err, DOMM_REFUSED, "%s: more than %d bytes", name, DOMM_CONFIG_MAX_BYTES);
    if (memchr(text, '\0', size))
        return domm_fail(err, DOMM_REFUSED, "%s: contains a NUL byte", name);
    int rc = check_lines(name, text, size, err);
    if (rc)
        return rc;
    rc = check_part(name, text, size, err);
    for (size_t i = 0; i < n_arguments && !rc; i++)
        rc = check_argument(arguments[i], err);
    return rc;
}

/* The file and the arguments as one text, so that += in an argument extends the file's list. */
static char *config_file_join(const char *text, size_t size, const char *const *arguments,
                              size_t n_arguments, size_t *size_r)
{
    char *whole = NULL;
    FILE *out = open_memstream(&whole, size_r);
    if (!out)
        return NULL;
    fwrite(text, 1, size, out);
    for (size_t i = 0; i < n_arguments; i++)
        fprintf(out, "\n%s", arguments[i]);
    bool complete = !ferror(out);
    if (fclose(out) == 0 && complete)
        return whole;
    free(whole);
    return NULL;
}

static int config_file_scan(struct domm_config_file *file, const char *name, const char *text,
                            size_t size, const char *const *arguments, size_t n_arguments,
                            struct domm_error *err)
{
    file->name = strdup(name);
    bool enough = file->name && domm_config_scan(&file->keys, name, text, size, false);
    for (size_t i = 0; i < n_arguments && enough; i++)
        enough =
            domm_config_scan(&file->keys, arguments[i], arguments[i], strlen(arguments[i]), true);
    return enough ? 0 : domm_no_memory(err);
}

int domm_config_file_parse(const char *name, const char *text, size_t size,
                           const char *const *arguments, size_t n_arguments,
                           struct domm_config_file **file_r, struct domm_error *err)
{
    size_t whole_size;
    *file_r = NULL;
    int rc = check_parts(name, text, size, arguments, n_arguments, err);
    if (rc)
        return rc;
    cleanup_free char *whole = config_file_join(text, size, arguments, n_arguments, &whole_size);
    if (!whole)
        return domm_no_memory(err);
    /* All parts are valid: if the whole is not, an argument adds a value that does not fit. */
    if (config_file_parse("arguments", whole, whole_size, file_r, err) ||
        config_file_scan(*file_r, name, text, size, arguments, n_arguments, err)) {
        domm_config_file_free(*file_r);
        *file_r = NULL;
        return -(int)err->code;
    }
    return 0;
}

int domm_config_file_read(const char *path, const char *const *arguments, size_t n_arguments,
                          struct domm_config_file **file_r, struct domm_error *err)
{
    *file_r = NULL;
    cleanup_free char *text = malloc(DOMM_CONFIG_MAX_BYTES + 1);
    if (!text)
        return domm_no_memory(err);
    FILE *in = fopen(path, "re");
    if (!in)
        return domm_fail_errno(err, errno == ENOENT ? DOMM_NOT_FOUND : DOMM_FAILED, errno,
                               "opening the configuration %s", path);
    size_t size = fread(text, 1, DOMM_CONFIG_MAX_BYTES + 1, in);
    int reason = ferror(in) ? errno : 0;
    fclose(in);
    if (reason)
        return domm_fail_errno(err, DOMM_FAILED, reason, "reading the configuration %s", path);
    return domm_config_file_parse(path, text, size, arguments, n_arguments, file_r, err);
}

const char *domm_config_file_name(const struct domm_config_file *file)
{
    return file->name;
}

size_t domm_config_file_keys(const struct domm_config_file *file,
                             const struct domm_config_key **keys_r)
{
    *keys_r = file->keys.keys;
    return file->keys.count;
}

const char *domm_config_file_text(const struct domm_config_file *file, const char *key)
{
    const char *text = NULL;
    return xlu_cfg_get_string(file->xlu, key, &text, 1) == 0 ? text : NULL;
}

bool domm_config_file_list(const struct domm_config_file *file, const char *key, size_t *count_r)
{
    int count = 0;
    if (xlu_cfg_get_list(file->xlu, key, NULL, &count, 1))
        return false;
    *count_r = (size_t)count;
    return true;
}

const char *domm_config_file_item(const struct domm_config_file *file, const char *key, size_t item)
{
    XLU_ConfigList *list;
    if (xlu_cfg_get_list(file->xlu, key, &list, NULL, 1))
        return NULL;
    return xlu_cfg_get_listitem(list, (int)item);
}

/* libxlutil's scanner of disks ends the program at a line break, which no rule of
 * tools/libs/util/libxlu_disk_l.l fits. */
static bool has_control_character(const char *spec)
{
    while (*spec && !iscntrl((unsigned char)*spec))
        spec++;
    return *spec != '\0';
}

int domm_libxl_disk(const char *spec, libxl_device_disk *disk, struct domm_error *err)
{
    if (has_control_character(spec))
        return domm_fail(err, DOMM_REFUSED, "disk: a line break or another control character");
    struct domm_config_file *parser = new_file("disk");
    if (!parser)
        return domm_no_memory(err);
    int rc =
        xlu_disk_parse(parser->xlu, 1, &spec, disk) ? config_file_refuse(parser, "disk", err) : 0;
    domm_config_file_free(parser);
    return rc;
}

int domm_disk_parse(const char *spec, struct domm_disk *disk_r, struct domm_error *err)
{
    *disk_r = (struct domm_disk){0};
    libxl_device_disk disk;
    libxl_device_disk_init(&disk);
    int rc = domm_libxl_disk(spec, &disk, err);
    if (!rc) {
        disk_r->vdev = strdup(disk.vdev ? disk.vdev : "");
        disk_r->path = strdup(disk.pdev_path ? disk.pdev_path : "");
        disk_r->writable = disk.readwrite;
        disk_r->plain =
            (disk.format == LIBXL_DISK_FORMAT_RAW || disk.format == LIBXL_DISK_FORMAT_UNKNOWN) &&
            (disk.backend == LIBXL_DISK_BACKEND_PHY ||
             disk.backend == LIBXL_DISK_BACKEND_UNKNOWN) &&
            !disk.script && !disk.backend_domid && !disk.backend_domname;
        if (!disk_r->vdev || !disk_r->path)
            rc = domm_no_memory(err);
    }
    if (rc)
        domm_disk_dispose(disk_r);
    libxl_device_disk_dispose(&disk);
    return rc;
}

void domm_disk_dispose(struct domm_disk *disk)
{
    free(disk->vdev);
    free(disk->path);
    *disk = (struct domm_disk){0};
}
