/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "lib/migrate/report/lane.h"

int domm_report_write(const struct domm_report *report,
                      void (*print)(FILE *out, const struct domm_report *report,
                                    unsigned int columns),
                      unsigned int columns, char **text_r, struct domm_error *err)
{
    size_t size;
    *text_r = NULL;
    FILE *out = open_memstream(text_r, &size);
    if (!out)
        return domm_no_memory(err);
    print(out, report, columns);
    bool failed = ferror(out);
    if (fclose(out) != 0 || failed) {
        free(*text_r);
        *text_r = NULL;
        return domm_no_memory(err);
    }
    return 0;
}
