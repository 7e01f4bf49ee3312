/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libxl's configuration of a guest, as the other host sends it; the part behind the first NUL is
 * what libxl has stored here. */
#include "tests/fuzz/fuzz.h"

#include "lib/base/cleanup.h"
#include "lib/xen/restore_vifs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct domm_error err;
    cleanup_free char *source = fuzz_text(data, size);
    cleanup_free char *merged = NULL;
    size_t length = strlen(source);
    const char *stored = length < size ? source + length + 1 : "{\"b_info\": {\"max_memkb\": 1}}";
    if (domm_restore_merge_vifs(stored, source, &merged, &err) == 0)
        MUST(merged);
    return 0;
}
