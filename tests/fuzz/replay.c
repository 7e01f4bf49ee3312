/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a fuzz target over its corpus, and over the beginnings of each file of it. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define MAX_BYTES (1u << 20)

static void run_file(int directory, const char *name)
{
    static uint8_t bytes[MAX_BYTES];
    cleanup_fd int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, bytes, sizeof(bytes));
    MUST(size >= 0);
    for (size_t part = (size_t)size; part; part /= 2) {
        /* A copy of its own: an access behind its end is found by sanitizers. */
        uint8_t *copy = malloc(part);
        MUST(copy);
        memcpy(copy, bytes, part);
        LLVMFuzzerTestOneInput(copy, part);
        free(copy);
    }
}

int main(void)
{
    char path[512];
    const char *source = getenv("DOMM_SOURCE");
    unsigned int count = 0;
    snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", source ? source : ".",
             program_invocation_short_name);
    DIR *corpus = opendir(path);
    struct dirent *entry;
    printf("1..1\n");
    while (corpus && (entry = readdir(corpus))) {
        if (entry->d_name[0] == '.')
            continue;
        run_file(dirfd(corpus), entry->d_name);
        count++;
    }
    if (corpus)
        closedir(corpus);
    printf("%sok 1 - the corpus of %s\n", count ? "" : "not ", program_invocation_short_name);
    return count ? 0 : 1;
}
