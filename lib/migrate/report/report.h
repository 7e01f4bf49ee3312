/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The record of a migration. All times are in ns; marks count from the beginning of the migration,
 * on the source's clock. Times that the destination measures since it received PREPARE are put on
 * that clock by adding the time at which PREPARE was sent. They are early by the latency of one
 * message, which is far below the measured times.
 */
#ifndef DOMM_MIGRATE_REPORT_REPORT_H
#define DOMM_MIGRATE_REPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/json.h"
#include "lib/base/uuid.h"
#include "lib/migrate/fsm/state.h"
#include "lib/migrate/protocol/messages.h"

#define DOMM_NEVER UINT64_MAX
#define DOMM_REPORT_HOST_BYTES 256

/* Marks in the life of a guest, in this order; some are never reached. */
enum domm_mark {
    DOMM_MARK_COPY,      /* pre-copy begins */
    DOMM_MARK_CONVERGED, /* it has converged; pre-copy continues until all guests have */
    DOMM_MARK_STOP,      /* it is told to suspend */
    DOMM_MARK_STOPPED,   /* it no longer runs; the final copy begins */
    DOMM_MARK_SENT,      /* everything is sent */
    DOMM_MARK_RESTORED,  /* it is restored at the destination */
    DOMM_MARK_RESUMED,   /* it runs again, at either end */
    DOMM_MARK_READY,     /* the monitor: it monitors again */
    DOMM_MARKS
};

#define DOMM_REPORT_ROUNDS 64 /* of a guest; later ones are counted and not kept */

/* A round of pre-copy, when it ended. */
struct domm_report_round {
    uint64_t at, bytes; /* bytes: of the stream, since its beginning */
    uint64_t dirty_pages;
};

/* Their names in JSON. */
extern const char *const domm_mark_names[DOMM_MARKS];

struct domm_report_guest {
    char name[DOMM_WIRE_NAME_BYTES];
    struct domm_uuid uuid;
    uint64_t rounds, bytes; /* bytes: of its stream, in all */
    uint64_t final_bytes;   /* part of bytes, sent after the guest stopped */
    uint64_t wire_bytes;    /* of its coded stream, in all */
    uint64_t marks[DOMM_MARKS];
    unsigned int n_history;
    struct domm_report_round history[DOMM_REPORT_ROUNDS];
    /* Targets: CPU time and wall time while the monitor was not running and ready. */
    uint64_t unmonitored_cpu, unmonitored_wall;
};

struct domm_report {
    struct domm_uuid migration;
    char source[DOMM_REPORT_HOST_BYTES], destination[DOMM_REPORT_HOST_BYTES];
    struct timespec began; /* UTC */
    uint64_t total;
    enum domm_migration_state state;     /* of the source, at the end */
    enum domm_migration_outcome outcome; /* at the destination, if the state is DOMM_SRC_MOVED */
    bool unmonitored, restarted;         /* as in struct domm_machine, of whichever end it was */
    uint64_t downtime_limit;             /* the targets'; 0: none */
    uint64_t predicted_copies; /* of the targets' downtime, at their stop (prediction.h) */
    uint64_t predicted_rest;   /* the same; 0: not known */
    uint64_t ptes;                       /* mappings written back at the destination */
    unsigned int n_targets;
    struct domm_report_guest guests[1 + DOMM_RECORD_MAX_TARGETS]; /* the monitor first */
};

/* Initialises a report: zeroes, and marks never reached. */
void domm_report_begin(struct domm_report *report_r);

/* Adds the destination's measurements of one guest. prepare_ns: when PREPARE was sent. No mark
 * becomes later than now. */
void domm_report_add_figures(struct domm_report *report, const struct domm_message_figures *figures,
                             uint64_t prepare_ns, uint64_t now);

/* Keeps a round of a guest, while there is room. */
void domm_report_add_round(struct domm_report_guest *guest, uint64_t at, uint64_t bytes,
                           uint64_t dirty_pages);

/* The time between two marks; DOMM_NEVER if one of them was never reached, 0 if they are the wrong
 * way round. */
uint64_t domm_report_span(const struct domm_report_guest *guest, enum domm_mark from,
                          enum domm_mark to);

/* From the guest's stop until it runs again. */
uint64_t domm_report_downtime(const struct domm_report_guest *guest);

/* The longest of the targets'; DOMM_NEVER if one does not run again. */
uint64_t domm_report_targets_downtime(const struct domm_report *report);

/* One word for the outcome: moved, held, impaired, unconfirmed, unknown, rolled-back, … */
const char *domm_report_outcome(const struct domm_report *report);

/* The caller's to put. Times in ns, null for never. */
struct json_object *domm_report_json(const struct domm_report *report);

/* As text: a table, and time lines as bars of the given columns (at least 40); the second shows the
 * time around the stop. *text_r is the caller's to free. */
int domm_report_text(const struct domm_report *report, unsigned int columns, char **text_r,
                     struct domm_error *err);

/* As a picture: the time lines of all guests at both hosts. *text_r is the caller's to free. */
int domm_report_svg(const struct domm_report *report, char **text_r, struct domm_error *err);

/* As one page that needs no other file, for screens of any size and for paper. It is well-formed
 * XML too. *text_r is the caller's to free. */
int domm_report_html(const struct domm_report *report, char **text_r, struct domm_error *err);

/* Reads what domm_report_json has made. The text is untrusted: DOMM_REFUSED if it is something
 * else; names that are too long are cut. */
int domm_report_parse(const char *text, struct domm_report *report_r, struct domm_error *err);

#endif
