/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "tests/unit/fake-baseline.h"

void fake_baseline_open(const struct fake_kernel *fake, struct baseline *baseline_r,
                        char path_r[FAKE_BASELINE_PATH])
{
    static const struct kernel_given nothing_given;
    struct domm_physical memory = fake_kernel_memory(fake);
    struct domm_error err;
    snprintf(path_r, FAKE_BASELINE_PATH, "/tmp/domm-test-baseline-XXXXXX");
    int fd = mkstemp(path_r);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "w");
    assert_non_null(stream);
    assert_int_equal(take_baseline(&memory, &nothing_given, stream, &err), 0);
    fclose(stream);
    assert_int_equal(baseline_open(path_r, baseline_r, &err), 0);
}

void fake_baseline_close(struct baseline *baseline, struct knowledge *knowledge, const char *path)
{
    knowledge_free(knowledge);
    *knowledge = (struct knowledge){.baseline = NULL};
    baseline_close(baseline);
    unlink(path);
}
