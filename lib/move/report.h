/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The record of a migration. All times are in ns; marks count from the beginning of the migration,
 * on the source's clock. What the destination measured since it received GO is put on that clock by
 * adding the time at which GO was sent, so it is early by the message's way, which is far less than
 * what is measured.
 */
#ifndef DOMM_MOVE_REPORT_H
#define DOMM_MOVE_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/json.h"
#include "lib/base/uuid.h"
#include "lib/move/state.h"
#include "lib/move/wire.h"

#define DOMM_NEVER UINT64_MAX
#define DOMM_REPORT_HOST_BYTES 256

/* What happens to a guest, in this order; some of it never. */
enum domm_mark {
    DOMM_MARK_COPY,      /* pre-copy begins */
    DOMM_MARK_CONVERGED, /* little is left; pre-copy goes on until all guests are so far */
    DOMM_MARK_STOP,      /* it is told to suspend */
    DOMM_MARK_STOPPED,   /* it no longer runs; the final copy begins */
    DOMM_MARK_SENT,      /* all of it is sent */
    DOMM_MARK_RESTORED,  /* it is whole at the destination */
    DOMM_MARK_RESUMED,   /* it runs again, here or there */
    DOMM_MARK_READY,     /* domM: it monitors again */
    DOMM_MARKS
};

struct domm_report_guest {
    char name[DOMM_WIRE_NAME_BYTES];
    struct domm_uuid uuid;
    uint64_t rounds, bytes; /* bytes: over the link, in all */
    uint64_t final_bytes;   /* of them, after the guest stopped */
    uint64_t marks[DOMM_MARKS];
    /* Targets: what they ran, by Xen's account and by the clock, while domM was not running and
     * ready. */
    uint64_t unmonitored_cpu, unmonitored_wall;
};

struct domm_report {
    struct domm_uuid migration;
    char source[DOMM_REPORT_HOST_BYTES], destination[DOMM_REPORT_HOST_BYTES];
    struct timespec began; /* UTC */
    uint64_t total;
    enum domm_move_state state;     /* of the source, at the end */
    enum domm_wire_outcome outcome; /* at the destination, if the state is DOMM_SRC_MOVED */
    bool unmonitored, restarted;    /* as in struct domm_machine, of whichever end it was */
    uint64_t ptes;                  /* carried from one page table to the other */
    unsigned int n_targets;
    struct domm_report_guest guests[1 + DOMM_RECORD_MAX_TARGETS]; /* domM first */
};

/* Zeroed, but for the marks: never. */
void domm_report_begin(struct domm_report *report_r);

/* Takes over what the destination measured of one guest. go: when GO was sent. Nothing it says can
 * put a mark later than now. */
void domm_report_add_figures(struct domm_report *report, const struct domm_wire_figures *figures,
                             uint64_t go, uint64_t now);

/* The time between two marks; DOMM_NEVER if one of them was never reached, 0 if they are the wrong
 * way round. */
uint64_t domm_report_span(const struct domm_report_guest *guest, enum domm_mark from,
                          enum domm_mark to);

/* From the guest's stop to its running again. */
uint64_t domm_report_downtime(const struct domm_report_guest *guest);

/* One word for how it ended: moved, held, impaired, unconfirmed, unknown, rolled-back, … */
const char *domm_report_outcome(const struct domm_report *report);

/* The caller's to put. Times in ns, null for never. */
struct json_object *domm_report_json(const struct domm_report *report);

/* For people: a table, and time lines drawn as bars over so many columns (at least 40), the second
 * of them the time around the stop. *text_r is the caller's to free. */
int domm_report_text(const struct domm_report *report, unsigned int columns, char **text_r,
                     struct domm_error *err);

#endif
