/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/fsm/recovery.h"

#include <stddef.h>
#include <string.h>

/* Sets of what a column may be. */
#define ANY 0xffu
#define NO (1u << false)
#define YES (1u << true)
#define OWNER(o) (1u << DOMM_OWNER_##o)
#define SAID(a) (1u << DOMM_ANSWER_##a)
#define ASSUMED(a) (1u << DOMM_ASSUME_##a)
#define GIVEN_AWAY (OWNER(UNKNOWN) | OWNER(DESTINATION))

static bool has(unsigned set, unsigned value)
{
    return set >> value & 1;
}

struct source_rule {
    unsigned alive, over, here, owner, answer, assumed;
    enum domm_recovery then;
};

/* The first row that fits counts. */
static const struct source_rule source_rules[] = {
    /* alive over here owner         answer         assumed */
    {YES, ANY, ANY, ANY, ANY, ANY, DOMM_RECOVERY_WAIT},
    {NO, YES, ANY, ANY, ANY, ANY, DOMM_RECOVERY_NOTHING},
    {NO, NO, NO, ANY, ANY, ANY, DOMM_RECOVERY_NOTHING}, /* they ended with an earlier boot */
    {NO, NO, YES, OWNER(SOURCE), ANY, ANY, DOMM_RECOVERY_RUN},
    {NO, NO, YES, GIVEN_AWAY, SAID(ADOPTED), ANY, DOMM_RECOVERY_CLEAR},
    {NO, NO, YES, GIVEN_AWAY, SAID(BUSY), ANY, DOMM_RECOVERY_WAIT},
    {NO, NO, YES, OWNER(UNKNOWN), SAID(REFUSED), ANY, DOMM_RECOVERY_RUN},
    {NO, NO, YES, GIVEN_AWAY, ANY, ASSUMED(COMMITTED), DOMM_RECOVERY_CLEAR},
    /* What was never taken over has not run elsewhere. */
    {NO, NO, YES, OWNER(UNKNOWN), SAID(UNHEARD), ASSUMED(ROLLED_BACK), DOMM_RECOVERY_RUN},
    /* It may have been: the monitor may have written to its disk there. */
    {NO, NO, YES, GIVEN_AWAY, ANY, ASSUMED(ROLLED_BACK), DOMM_RECOVERY_RUN_FRESH},
    {NO, NO, YES, GIVEN_AWAY, ANY, ANY, DOMM_RECOVERY_DECIDE},
};

struct destination_rule {
    unsigned alive, over, here, owner;
    enum domm_recovery_answer answer;
    enum domm_recovery then;
};

static const struct destination_rule destination_rules[] = {
    /* alive over here owner */
    {YES, ANY, ANY, OWNER(SOURCE), DOMM_ANSWER_BUSY, DOMM_RECOVERY_WAIT},
    {NO, YES, ANY, OWNER(SOURCE), DOMM_ANSWER_REFUSED, DOMM_RECOVERY_NOTHING},
    {NO, NO, ANY, OWNER(SOURCE), DOMM_ANSWER_REFUSED, DOMM_RECOVERY_CLEAR},
    {YES, ANY, YES, OWNER(DESTINATION), DOMM_ANSWER_ADOPTED, DOMM_RECOVERY_WAIT},
    {YES, YES, NO, OWNER(DESTINATION), DOMM_ANSWER_ADOPTED, DOMM_RECOVERY_WAIT},
    {YES, NO, NO, OWNER(DESTINATION), DOMM_ANSWER_BUSY, DOMM_RECOVERY_WAIT},
    {NO, YES, ANY, OWNER(DESTINATION), DOMM_ANSWER_ADOPTED, DOMM_RECOVERY_NOTHING},
    {NO, NO, YES, OWNER(DESTINATION), DOMM_ANSWER_ADOPTED, DOMM_RECOVERY_RUN},
    {NO, NO, NO, OWNER(DESTINATION), DOMM_ANSWER_LOST, DOMM_RECOVERY_NOTHING},
};

enum domm_recovery domm_recovery_at_source(const struct domm_recovery_facts *facts,
                                           enum domm_recovery_answer answer,
                                           enum domm_assumption assumed)
{
    for (size_t i = 0; i < sizeof(source_rules) / sizeof(*source_rules); i++) {
        const struct source_rule *rule = &source_rules[i];
        if (has(rule->alive, facts->alive) && has(rule->over, facts->over) &&
            has(rule->here, facts->here) && has(rule->owner, facts->owner) &&
            has(rule->answer, answer) && has(rule->assumed, assumed))
            return rule->then;
    }
    return DOMM_RECOVERY_DECIDE;
}

bool domm_recovery_asks(const struct domm_recovery_facts *facts)
{
    return !facts->alive && !facts->over && facts->here && facts->owner != DOMM_OWNER_SOURCE;
}

static const struct destination_rule *rule_for(const struct domm_recovery_facts *facts)
{
    for (size_t i = 0; i < sizeof(destination_rules) / sizeof(*destination_rules); i++) {
        const struct destination_rule *rule = &destination_rules[i];
        if (has(rule->alive, facts->alive) && has(rule->over, facts->over) &&
            has(rule->here, facts->here) && has(rule->owner, facts->owner))
            return rule;
    }
    return NULL;
}

enum domm_recovery domm_recovery_at_destination(const struct domm_recovery_facts *facts)
{
    const struct destination_rule *rule = rule_for(facts);
    return rule ? rule->then : DOMM_RECOVERY_DECIDE;
}

enum domm_recovery_answer domm_recovery_reply(const struct domm_recovery_facts *facts)
{
    const struct destination_rule *rule = facts ? rule_for(facts) : NULL;
    return rule ? rule->answer : DOMM_ANSWER_UNHEARD;
}

static const char *const words[DOMM_ANSWERS] = {
    [DOMM_ANSWER_NONE] = "none",       [DOMM_ANSWER_UNHEARD] = "unheard",
    [DOMM_ANSWER_BUSY] = "busy",       [DOMM_ANSWER_REFUSED] = "refused",
    [DOMM_ANSWER_ADOPTED] = "adopted", [DOMM_ANSWER_LOST] = "lost",
};

const char *domm_recovery_answer_word(enum domm_recovery_answer answer)
{
    return words[answer];
}

enum domm_recovery_answer domm_recovery_answer_by_word(const char *word)
{
    enum domm_recovery_answer answer = DOMM_ANSWER_NONE;
    while (answer < DOMM_ANSWERS && strcmp(word, words[answer]) != 0)
        answer++;
    return answer;
}
