#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What domm-guarantees(7) and domm-protocol(7) say of tests and of the code is there.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    guarantees=$man/domm-guarantees.7
    protocol=$man/domm-protocol.7
}

# The tests that the page names, as FILE: NAME.
named() {
    sed -n -E 's/^\.Qq ([a-z0-9-]+: .*[^ ;.])( [;.])?$/\1/p' "$guarantees" | sort -u
}

# has_test FILE NAME: that test is in that file of tests/lab, tests/cli or tests/unit.
has_test() {
    case $1 in
    test-*) grep -q -E "(cmocka_unit_test[a-z_]*|EACH)\($2\b" "$DOMM_SOURCE/tests/unit/$1.c" ;;
    [0-9]*) grep -q -F "@test \"$2" "$DOMM_SOURCE/tests/lab/$1.bats" ;;
    *) grep -q -F "@test \"$2" "$DOMM_SOURCE/tests/cli/$1.bats" ;;
    esac
}

@test "every test that domm-guarantees(7) names is there" {
    [ "$(named | wc -l)" -gt 50 ]
    while IFS= read -r line; do
        has_test "${line%%: *}" "${line#*: }" || { echo "no such test: $line"; return 1; }
    done < <(named)
}

@test "each row of domm-guarantees(7) names its test, or says that there is none" {
    [ "$(grep -c '^\.It Holds' "$guarantees")" = "$(grep -c '^\.It Shown by' "$guarantees")" ]
    while IFS= read -r line; do
        [[ $line == ".Qq "*": "* || $line == "no test." ]] || { echo "$line"; return 1; }
    done < <(sed -n '/^\.It Shown by/{n;p}' "$guarantees")
}

@test "domm-protocol(7) has every message with its number and its sender" {
    while read -r name number; do
        grep -E "^\.It $number $name \((S|D|S, D)\)\$" "$protocol" || { echo "$name = $number"; return 1; }
    done < <(sed -n -E 's/^ *DOMM_MESSAGE_([A-Z_]+) = ([1-9][0-9]*),.*/\1 \2/p' "$DOMM_SOURCE/lib/migrate/fsm/message.h")
    [ "$(grep -c -E '^\.It [0-9]+ [A-Z_]+ \((S|D|S, D)\)$' "$protocol")" = \
        "$(grep -c -E '^ *DOMM_MESSAGE_[A-Z_]+ = [1-9]' "$DOMM_SOURCE/lib/migrate/fsm/message.h")" ]
}

@test "domm-protocol(7) has every state and every step" {
    page=$(tr -s '\n ' ' ' <"$protocol")
    while IFS= read -r name; do
        [[ $page == *"$name"* ]] || { echo "state: $name"; return 1; }
    done < <(sed -n -E 's/^ *\[DOMM_(SRC|DST)_[A-Z_]+\] = \{"([^"]+)".*/\2/p' "$DOMM_SOURCE/lib/migrate/fsm/state.c")
    while IFS= read -r name; do
        [[ $page =~ [\ \(]"$name"[,\)] ]] || { echo "step: $name"; return 1; }
    done < <(sed -n -E 's/^ *\[DOMM_STEP_[A-Z_]+\] = \{"([^"]+)".*/\1/p' "$DOMM_SOURCE/lib/migrate/fsm/step.c")
}

# value FILE NAME: what a header defines.
value() {
    sed -n -E "s/^#define $2 +([A-Za-z0-9_]+).*/\1/p" "$DOMM_SOURCE/$1"
}

@test "domm-protocol(7) has the limits and versions of the code" {
    messages=lib/migrate/protocol/messages.h
    [ "$(value $messages DOMM_MIGRATION_PROTOCOL) $(value $messages DOMM_MIGRATION_PROTOCOL_LOWEST)" = "2 2" ]
    grep -q "at most $(value $messages DOMM_WIRE_MAX_PAYLOAD) bytes" "$protocol"
    grep -q "At most $(value $messages DOMM_WIRE_MAX_CHUNK) bytes in a piece" "$protocol"
    link=lib/migrate/protocol/control_link.h
    grep -q "sent nothing for $(($(value $link DOMM_CONTROL_LINK_HEARTBEAT_MS) / 1000)) seconds" "$protocol"
    grep -q "silent for $(($(value $link DOMM_CONTROL_LINK_SILENCE_MS) / 1000)) seconds" "$protocol"
    grep -q "a head of $(value lib/migrate/transport/coding.h DOMM_CODING_HEAD_BYTES) bytes" "$protocol"
    acceptor=lib/migrate/transport/acceptor.h
    grep -q "has $(($(value $acceptor DOMM_ACCEPTOR_PATIENCE_MS) / 1000)) seconds to prove" "$protocol"
    ring=lib/xen/ring.h
    grep -q "has $(value $ring DOMM_RING_SLOTS) places for requests of $(value $ring DOMM_RING_REQUEST) bytes" "$protocol"
    grep -q "LONG_S $(sed -n 's/^\.It \([0-9]*\) s$/\1/p' "$protocol" | tail -n 1)" "$DOMM_SOURCE/lib/migrate/loop.c"
}
