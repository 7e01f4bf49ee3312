/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dom0 wants monitored, as the agent reads it from a xenstore that is made up here: each
 * answer is the next line of the input. */
#include "tests/fuzz/fuzz.h"

#include "cmd/agent/wanted.h"
#include "lib/base/cleanup.h"

static struct fuzz_input input;

static char *next_line(void)
{
    const uint8_t *end = input.size ? memchr(input.data, '\n', input.size) : NULL;
    size_t length = end ? (size_t)(end - input.data) : input.size;
    char *line = fuzz_text(input.data, length);
    input.data += length + (end ? 1 : 0);
    input.size -= length + (end ? 1 : 0);
    return line;
}

/* The part of xenstore that wanted_read uses. Lines that begin with "!" are errors. */
int __wrap_domm_store_read(struct domm_store *store, const char *path, char **value_r,
                           struct domm_error *err);
int __wrap_domm_store_read(struct domm_store *store, const char *path, char **value_r,
                           struct domm_error *err)
{
    (void)store;
    MUST(strlen(path) < 256);
    *value_r = next_line();
    if (**value_r != '!')
        return 0;
    free(*value_r);
    *value_r = NULL;
    return domm_fail(err, DOMM_NOT_FOUND, "%s", path);
}

int __wrap_domm_store_list(struct domm_store *store, const char *path, char ***names_r,
                           size_t *count_r, struct domm_error *err);
int __wrap_domm_store_list(struct domm_store *store, const char *path, char ***names_r,
                           size_t *count_r, struct domm_error *err)
{
    (void)store;
    (void)path;
    (void)err;
    cleanup_free char *line = next_line();
    char *rest = line, *name;
    size_t room = strlen(line) + 1;
    char **names = malloc((room + 1) * sizeof(*names) + room);
    MUST(names);
    char *text = (char *)(names + room + 1);
    for (*count_r = 0; (name = strsep(&rest, " "));) {
        names[(*count_r)++] = text;
        text = stpcpy(text, name) + 1;
    }
    *names_r = names;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wanted wanted;
    struct domm_error err;
    input = (struct fuzz_input){data, size};
    wanted_read(NULL, &wanted, &err);
    MUST(wanted.n_targets <= DOMM_RECORD_MAX_TARGETS);
    for (size_t i = 0; i < wanted.n_targets; i++) {
        MUST(wanted.targets[i].n_monitor_vifs <= DOMM_RECORD_MAX_ITEMS);
        MUST(!wanted.targets[i].name[0] || wanted_name_fits(wanted.targets[i].name));
    }
    return 0;
}
