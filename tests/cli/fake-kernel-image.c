/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes the memory of tests/unit/fake-kernel.h to standard output; with the word "map", its
 * System.map. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/fake-kernel.h"

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "map") == 0) {
        char *map = fake_kernel_map(0);
        int rc = fputs(map, stdout);
        free(map);
        return rc < 0 || fflush(stdout) ? 1 : 0;
    }
    struct fake_kernel *kernel = fake_kernel_new(4);
    size_t written = fwrite(kernel->memory, 1, FAKE_BYTES, stdout);
    free(kernel);
    return written == FAKE_BYTES && fflush(stdout) == 0 ? 0 : 1;
}
