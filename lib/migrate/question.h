/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The question that the source of a migration asks the destination after a crash, by the UUID of
 * the migration: it runs
 *
 *     ssh HOST domm receive --settle MIGRATION
 *
 * whose output is one line with a word of fsm/recovery.h, see domm-protocol(7). What else a login
 * shell prints is ignored. Once the source has settled the migration it says so by `domm receive
 * --agreed MIGRATION`, and asks no more.
 */
#ifndef DOMM_MIGRATE_QUESTION_H
#define DOMM_MIGRATE_QUESTION_H

#include <stddef.h>

#include "lib/base/log.h"
#include "lib/migrate/journal/facts.h"

/* At the source: asks. ssh are the words that run a command at the destination, ending with null.
 * DOMM_ANSWER_NONE, and the reason in *why_r, if there is no answer within a minute and a half. */
enum domm_recovery_answer domm_question_ask(char *const *ssh, const struct domm_uuid *migration,
                                            struct domm_error *why_r);

/* At the source: tells the destination that it will not ask again. Whether that is heard does not
 * matter much. */
void domm_question_agree(char *const *ssh, const struct domm_uuid *migration);

/* At the destination: finds the answer, which is on the disk when this returns. If a process of the
 * migration lives that may still take the guests over, it is told to give up, and is waited for, a
 * minute at most. */
int domm_question_reply(struct domm_log *log, const struct domm_uuid *migration,
                        enum domm_recovery_answer *answer_r, struct domm_error *err);

/* At the destination: the source will not ask again. */
int domm_question_close(const struct domm_uuid *migration, struct domm_error *err);

/* The line, with its end; and what a line says: DOMM_ANSWERS if it is not such a line, or is about
 * another migration. */
void domm_question_format(const struct domm_uuid *migration, enum domm_recovery_answer answer,
                          char *line_r, size_t size);
enum domm_recovery_answer domm_question_parse(const char *line, const struct domm_uuid *migration);

#endif
