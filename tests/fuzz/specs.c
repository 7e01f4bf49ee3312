/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts of the command line and of configuration files; the first byte chooses the reader. */
#include "tests/fuzz/fuzz.h"

#include "cmd/domm/split_words.h"
#include "lib/base/cleanup.h"
#include "lib/base/uuid.h"
#include "lib/pair/config.h"
#include "lib/pair/config_spec.h"

static void split(const char *text)
{
    struct domm_error err;
    struct cmd_words words;
    if (cmd_split_words(text, &words, &err))
        return;
    MUST(!words.items[words.count]);
    cmd_words_free(&words);
}

static void parse_spec(const char *text)
{
    static const char *const keys[] = {"mac", "bridge", "ip", NULL};
    char *values[3];
    struct domm_error err;
    int rc = domm_spec_parse(text, keys, values, &err);
    for (size_t i = 0; i < 3; i++) {
        MUST(!rc || !values[i]);
        free(values[i]);
    }
}

static void parse_disk(const char *text)
{
    struct domm_disk disk;
    struct domm_error err;
    if (domm_disk_parse(text, &disk, &err) == 0)
        domm_disk_dispose(&disk);
}

static void parse_uuid(const char *text)
{
    struct domm_uuid uuid, again;
    char formatted[DOMM_UUID_TEXT];
    if (!domm_uuid_parse(text, &uuid))
        return;
    domm_uuid_format(&uuid, formatted);
    MUST(domm_uuid_parse(formatted, &again) && domm_uuid_equal(&uuid, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct domm_error err;
    struct domm_mirror_pair pair;
    struct domm_storage storage;
    unsigned int number;
    unsigned int reader = (unsigned int)fuzz_below(&input, 1, 7);
    cleanup_free char *text = fuzz_text(input.data, input.size);
    switch (reader) {
    case 0:
        split(text);
        break;
    case 1:
        parse_spec(text);
        break;
    case 2:
        parse_disk(text);
        break;
    case 3:
        parse_uuid(text);
        break;
    case 4:
        domm_mirror_parse(text, &pair, &err);
        break;
    case 5:
        domm_storage_parse(text, &storage, &err);
        break;
    default:
        if (domm_number_parse(text, 3, 70, &number, &err) == 0)
            MUST(number >= 3 && number <= 70);
        break;
    }
    return 0;
}
