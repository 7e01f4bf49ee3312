/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration of a monitor. A first line "KEY=VALUE" that begins with "@" is an argument. */
#include "tests/fuzz/fuzz.h"

#include "lib/base/cleanup.h"
#include "lib/pair/config.h"

/* The parser forgets what it has read before a syntax error. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libxlutil.so";
}

static void make(struct domm_config_file *file)
{
    struct domm_error err;
    struct domm_config *config = NULL;
    if (domm_config_make(file, &config, &err))
        return;
    json_object_put(domm_config_json(config));
    domm_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct domm_error err;
    struct domm_config_file *file = NULL;
    const struct domm_config_key *keys;
    cleanup_free char *copy = fuzz_text(data, size);
    char *text = copy, *end;
    const char *argument = NULL;
    if (*text == '@' && (end = strchr(text, '\n'))) {
        *end = '\0';
        argument = text + 1;
        text = end + 1;
    }
    if (size > DOMM_CONFIG_MAX_BYTES ||
        domm_config_file_parse("file", text, strlen(text), &argument, argument ? 1 : 0, &file,
                               &err))
        return 0;
    for (size_t i = 0; i < domm_config_file_keys(file, &keys); i++)
        MUST(keys[i].where && memchr(keys[i].name, '\0', sizeof(keys[i].name)));
    make(file);
    domm_config_file_free(file);
    return 0;
}
