/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the fuzz targets: programs that give any bytes to code which reads what others wrote. Each
 * defines LLVMFuzzerTestOneInput. `make fuzz` links them with libFuzzer, `make check` with
 * replay.c, which runs the corpus only.
 */
#ifndef DOMM_TESTS_FUZZ_FUZZ_H
#define DOMM_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"

/* Must return 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A part of the input that the target reads values from. */
struct fuzz_input {
    const uint8_t *data;
    size_t size;
};

/* Zero at the end of the input. */
static inline uint64_t fuzz_number(struct fuzz_input *input, size_t bytes)
{
    uint64_t number = 0;
    size_t taken = bytes < input->size ? bytes : input->size;
    if (taken)
        memcpy(&number, input->data, taken);
    input->data += taken;
    input->size -= taken;
    return number;
}

static inline uint64_t fuzz_below(struct fuzz_input *input, size_t bytes, uint64_t limit)
{
    return fuzz_number(input, bytes) % limit;
}

/* The input as a text, which ends at its first NUL; the caller's to free. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    MUST(text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

#endif
