#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The structure and the words of the source tree.
# shellcheck disable=SC2154  # helper.bash and bats set the variables

setup() {
    load helper
}

house() {
    python3 -B "$DOMM_SOURCE/tests/house.py" "$1" "$DOMM_SOURCE"
}

@test "no files depend on each other in a circle" {
    house circles
}

@test "types and functions have names of their own" {
    house names
}

@test "every function that a header declares has a comment" {
    house comments
}

@test "words that were given up do not come back" {
    house words
}
