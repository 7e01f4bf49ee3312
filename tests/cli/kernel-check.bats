#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm-kernel-check on a memory file with a made-up kernel (tests/unit/fake-kernel.h); what real
# kernels do is seen in the lab.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

# Offsets in the file: text of do_open, an entry of the syscall table, VMCOREINFO.
text=0x40103
syscall=0x43128
vmcoreinfo=0x2000a

setup() {
    load helper
    check=$DOMM_BUILD/domm-kernel-check
    mem=$BATS_TEST_TMPDIR/mem
    base=$BATS_TEST_TMPDIR/base
    out=$BATS_TEST_TMPDIR/out
    "$DOMM_BUILD/tests/cli/fake-kernel-image" >"$mem"
}

teardown() {
    [ -z "${check_pid:-}" ] || kill -9 "$check_pid" 2>/dev/null || true
}

# put OFFSET BYTES: BYTES as printf takes them.
put() {
    # shellcheck disable=SC2059  # the bytes are the format
    printf "$2" | dd of="$mem" bs=1 seek=$(($1)) conv=notrunc status=none
}

told() {
    grep -q "$1" "$out"
}

watch() {
    "$check" check -b "$base" -i 1 "$mem" >"$out" 3>&- &
    check_pid=$!
}

@test "domm-kernel-check prints help and its version, which is domm's" {
    for word in "" baseline check; do
        # shellcheck disable=SC2086  # nothing, or one word
        run -0 "$check" $word --help
        [[ $output == "Usage: domm-kernel-check"* ]]
    done
    run -0 "$check" --version
    [ "${output#domm-kernel-check }" = "$("$domm" --version | sed 's/^domm //')" ]
}

@test "domm-kernel-check refuses wrong usage" {
    "$check" baseline -o "$base" "$mem"
    for arguments in "" "look $mem" "baseline" "baseline $mem extra" "baseline -b $base $mem" \
        "baseline --json $mem" "check $mem" "check -b $base" "check -b $base $mem extra" \
        "check -b $base -i 0 $mem" "check -b $base -i x $mem" "check -b $base -i 86401 $mem" \
        "check -b $base -o x $mem" "check -b" "--json" "-x"; do
        # shellcheck disable=SC2086  # several words
        fails 2 "$check" $arguments
    done
}

@test "domm-kernel-check(8) documents the options it takes, and no others" {
    help=$("$check" --help | grep -o -E -- '--[a-z]+' | sort -u)
    page=$(grep -o -E 'Fl Fl [a-z]+' "$man/domm-kernel-check.8" | sed 's/Fl Fl /--/' |
        grep -v -x -e --help -e --version | sort -u)
    [ "$help" = "$page" ]
    mandoc -T lint -W warning "$man/domm-kernel-check.8"
}

@test "without files or a kernel there is nothing to check" {
    fails 5 "$check" baseline -o "$base" /nonexistent/mem
    head -c 1M /dev/zero >"$BATS_TEST_TMPDIR/zero"
    fails 5 "$check" baseline -o "$base" "$BATS_TEST_TMPDIR/zero"
    says "no Linux kernel"
    [ ! -e "$base" ] && [ ! -e "$base.new" ]
    fails 5 "$check" check -b /nonexistent/base "$mem"
    fails 3 "$check" check -b "$mem" "$mem"
    says "no baseline"
    "$check" baseline -o "$base" "$mem"
    fails 5 "$check" check -b "$base" /nonexistent/mem
}

@test "a domain's memory is for dom0, a target's for a domM" {
    skip_on_xen
    "$check" baseline -o "$base" "$mem"
    fails 4 "$check" baseline -o "$base.2" xen:target1
    says "the memory of domain target1: this machine does not run on Xen"
    [ ! -e "$base.2" ]
    fails 4 "$check" check -b "$base" xen:1
    fails 4 "$check" check -b "$base" target:target1
    says "opening a channel to dommd: No such device"
    cd "$BATS_TEST_TMPDIR"
    mv mem xen:mem
    fails 4 "$check" check -b "$base" xen:mem
    run -0 "$check" check -b "$base" ./xen:mem
}

@test "a baseline is private, and the same by file and by standard output" {
    "$check" baseline -o "$base" "$mem"
    [ "$(stat -c %a "$base")" = 600 ]
    "$check" baseline "$mem" | cmp - "$base"
}

@test "a baseline that cannot be written fails" {
    [ -e /dev/full ] || skip "no /dev/full"
    run -1 --separate-stderr bash -c '"$1" baseline "$2" >/dev/full' - "$check" "$mem"
    fails 1 "$check" baseline -o /nonexistent/base "$mem"
}

@test "an unchanged kernel is told as such" {
    "$check" baseline -o "$base" "$mem"
    run -0 "$check" check -b "$base" "$mem"
    [[ $output == *" checked: 7 pages in "*" ms: 0 changes, 0 more pages with changes" ]]
}

@test "a changed byte of text is told with its symbol, until it is put back" {
    "$check" baseline -o "$base" "$mem"
    was=$(dd if="$mem" bs=1 skip=$((text)) count=1 status=none)
    put $text '\xcc'
    run -20 "$check" check -b "$base" "$mem"
    [[ ${lines[0]} == *" changed: text 0xffffffff81000103 do_open+0x3: 1 bytes: "*" -> cc" ]]
    put $text "$was"
    run -0 "$check" check -b "$base" "$mem"
}

@test "a changed entry of the syscall table is told with where it leads, in JSON" {
    "$check" baseline -o "$base" "$mem"
    put $syscall '\x00\x10\x00\xc0'
    run -20 "$check" check --baseline "$base" --json "$mem"
    python3 - "${lines[0]}" <<'PY'
import json, sys
event = json.loads(sys.argv[1])
assert event["event"] == "changed" and event["area"] == "syscall table", event
assert event["address"] == "0xffffffff81003128" and event["symbol"] == "sys_call_table+0x28", event
assert event["entry"] == 5 and event["was_target"] == "do_open+0x0", event
assert event["now_target"] == "0xffffffffc0001000", event
PY
}

@test "another kernel is told" {
    "$check" baseline -o "$base" "$mem"
    put $vmcoreinfo '7'
    run -20 "$check" check -b "$base" "$mem"
    [[ ${lines[0]} == *" changed: kernel: it is not the one of the baseline"* ]]
}

@test "over and over: a change, its end, and the memory going and coming" {
    "$check" baseline -o "$base" "$mem"
    watch
    eventually told "checked"
    put $text '\xcc'
    eventually told "changed: text .*do_open+0x3"
    "$DOMM_BUILD/tests/cli/fake-kernel-image" >"$mem"
    eventually told "restored: text .*do_open+0x3"
    mv "$mem" "$mem.away"
    eventually told "unreadable: opening the memory"
    mv "$mem.away" "$mem"
    eventually told " readable:"
    kill "$check_pid"
    wait "$check_pid"
    [ "$(grep -c ' changed:' "$out")" = 1 ]
    [ "$(grep -c ' unreadable:' "$out")" = 1 ]
}

@test "with --verbose each look is told" {
    "$check" baseline -o "$base" "$mem"
    "$check" check -v -b "$base" -i 1 "$mem" >"$out" 3>&- &
    check_pid=$!
    twice() { [ "$(grep -c ' checked: 7 pages' "$out")" -ge 2 ]; }
    eventually twice
    kill "$check_pid"
    wait "$check_pid"
}

@test "it ends with the state that it saw last" {
    "$check" baseline -o "$base" "$mem"
    put $text '\xcc'
    watch
    eventually told "changed: text"
    kill "$check_pid"
    status=0
    wait "$check_pid" || status=$?
    [ "$status" = 20 ]
}
