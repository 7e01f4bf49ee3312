#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The model of migrations and their recovery, at small bounds; DEVELOPERS.md has larger ones.

bats_require_minimum_version 1.5.0

setup() {
    load helper
}

@test "one migration with two faults keeps every property" {
    run -0 "$DOMM_SOURCE"/tests/model/run --migrations 1 --faults 2
    [[ $output == *"all properties hold"* ]]
}

@test "the model finds the release of copies that are not at the other host now" {
    run -0 "$DOMM_SOURCE"/tests/model/run --old-rule 1 --migrations 1 --faults 2
    [[ $output == *"a property is violated"* ]]
}

@test "the model finds the journal that hides an older one" {
    run -0 "$DOMM_SOURCE"/tests/model/run --old-rule 2 --migrations 2 --faults 2
    [[ $output == *"a property is violated"* ]]
}

@test "the model finds that nothing brings back what was lost after it was taken over" {
    run -0 "$DOMM_SOURCE"/tests/model/run --old-rule 7 --migrations 1 --faults 1
    [[ $output == *"a property is violated"* ]]
}
