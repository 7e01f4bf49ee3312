/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules of recovery, as tables. */
#include "tests/unit/unit.h"

#include "lib/migrate/fsm/recovery.h"

#define EACH(type, name, count) for (type name = (type)0; name < (count); name++)

static struct domm_recovery_facts facts_of(unsigned bits, enum domm_owner owner)
{
    return (struct domm_recovery_facts){
        .alive = bits & 1, .over = bits & 2, .here = bits & 4, .owner = owner};
}

/* A live process, and copies that are gone, are left alone whatever is answered or assumed. */
static void a_source_settles_only_what_is_left_here(void **state)
{
    (void)state;
    EACH(enum domm_owner, owner, DOMM_OWNERS)
    EACH(enum domm_recovery_answer, answer, DOMM_ANSWERS)
    EACH(enum domm_assumption, assumed, DOMM_ASSUMPTIONS)
    for (unsigned bits = 0; bits < 8; bits++) {
        const struct domm_recovery_facts facts = facts_of(bits, owner);
        enum domm_recovery then = domm_recovery_at_source(&facts, answer, assumed);
        if (facts.alive)
            assert_int_equal(then, DOMM_RECOVERY_WAIT);
        else if (facts.over || !facts.here)
            assert_int_equal(then, DOMM_RECOVERY_NOTHING);
        else
            assert_int_not_equal(then, DOMM_RECOVERY_NOTHING);
        assert_true(domm_recovery_asks(&facts) ==
                    (!facts.alive && !facts.over && facts.here && owner != DOMM_OWNER_SOURCE));
    }
}

static void what_was_never_offered_for_good_runs_at_once(void **state)
{
    (void)state;
    const struct domm_recovery_facts facts = {.here = true, .owner = DOMM_OWNER_SOURCE};
    EACH(enum domm_recovery_answer, answer, DOMM_ANSWERS)
    EACH(enum domm_assumption, assumed, DOMM_ASSUMPTIONS)
    assert_int_equal(domm_recovery_at_source(&facts, answer, assumed), DOMM_RECOVERY_RUN);
}

/* After COMMIT may have been sent: by answer, and by what the administrator assumes. */
static void after_commit_the_destination_decides(void **state)
{
    (void)state;
    enum { N = DOMM_RECOVERY_DECIDE, W = DOMM_RECOVERY_WAIT, C = DOMM_RECOVERY_CLEAR };
    enum { R = DOMM_RECOVERY_RUN, F = DOMM_RECOVERY_RUN_FRESH };
    static const int unknown[DOMM_ANSWERS][DOMM_ASSUMPTIONS] = {
        [DOMM_ANSWER_NONE] = {N, C, F},    [DOMM_ANSWER_UNHEARD] = {N, C, R},
        [DOMM_ANSWER_BUSY] = {W, W, W},    [DOMM_ANSWER_REFUSED] = {R, R, R},
        [DOMM_ANSWER_ADOPTED] = {C, C, C}, [DOMM_ANSWER_LOST] = {N, C, F},
    };
    static const int destination[DOMM_ANSWERS][DOMM_ASSUMPTIONS] = {
        [DOMM_ANSWER_NONE] = {N, C, F},    [DOMM_ANSWER_UNHEARD] = {N, C, F},
        [DOMM_ANSWER_BUSY] = {W, W, W},    [DOMM_ANSWER_REFUSED] = {N, C, F}, /* a contradiction */
        [DOMM_ANSWER_ADOPTED] = {C, C, C}, [DOMM_ANSWER_LOST] = {N, C, F},
    };
    EACH(enum domm_recovery_answer, answer, DOMM_ANSWERS)
    EACH(enum domm_assumption, assumed, DOMM_ASSUMPTIONS)
    {
        struct domm_recovery_facts facts = {.here = true, .owner = DOMM_OWNER_UNKNOWN};
        assert_int_equal(domm_recovery_at_source(&facts, answer, assumed),
                         unknown[answer][assumed]);
        facts.owner = DOMM_OWNER_DESTINATION;
        assert_int_equal(domm_recovery_at_source(&facts, answer, assumed),
                         destination[answer][assumed]);
    }
}

/* Whatever is answered: it does not run them, or has run or kept them, as it says. */
static void a_destination_answers_as_it_acts(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 8; bits++) {
        const struct domm_recovery_facts refused = facts_of(bits, DOMM_OWNER_SOURCE),
                                         adopted = facts_of(bits, DOMM_OWNER_DESTINATION);
        enum domm_recovery then = domm_recovery_at_destination(&refused);
        assert_int_not_equal(then, DOMM_RECOVERY_RUN);
        assert_int_equal(domm_recovery_reply(&refused),
                         refused.alive ? DOMM_ANSWER_BUSY : DOMM_ANSWER_REFUSED);
        assert_true((then == DOMM_RECOVERY_CLEAR) == (!refused.alive && !refused.over));
        then = domm_recovery_at_destination(&adopted);
        assert_int_not_equal(then, DOMM_RECOVERY_CLEAR);
        assert_int_not_equal(domm_recovery_reply(&adopted), DOMM_ANSWER_REFUSED);
        if (adopted.here || adopted.over)
            assert_int_equal(domm_recovery_reply(&adopted), DOMM_ANSWER_ADOPTED);
        if (!adopted.alive && !adopted.here && !adopted.over)
            assert_int_equal(domm_recovery_reply(&adopted), DOMM_ANSWER_LOST);
        assert_true((then == DOMM_RECOVERY_RUN) ==
                    (!adopted.alive && !adopted.over && adopted.here));
    }
    assert_int_equal(domm_recovery_reply(NULL), DOMM_ANSWER_UNHEARD);
}

static void answers_have_words(void **state)
{
    (void)state;
    EACH(enum domm_recovery_answer, answer, DOMM_ANSWERS)
    assert_int_equal(domm_recovery_answer_by_word(domm_recovery_answer_word(answer)), answer);
    assert_int_equal(domm_recovery_answer_by_word("perhaps"), DOMM_ANSWERS);
    assert_int_equal(domm_recovery_answer_by_word(""), DOMM_ANSWERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_settles_only_what_is_left_here),
        cmocka_unit_test(what_was_never_offered_for_good_runs_at_once),
        cmocka_unit_test(after_commit_the_destination_decides),
        cmocka_unit_test(a_destination_answers_as_it_acts),
        cmocka_unit_test(answers_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
