/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes the memory of tests/unit/fake-kernel.h to standard output. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/fake-kernel.h"

int main(void)
{
    struct fake_kernel *kernel = fake_kernel_new(4);
    size_t written = fwrite(kernel->memory, 1, FAKE_BYTES, stdout);
    free(kernel);
    return written == FAKE_BYTES && fflush(stdout) == 0 ? 0 : 1;
}
