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
    for pid in "${check_pid:-}" "${writer_pid:-}"; do
        [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true
    done
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
        "check -b $base -o x $mem" "check -b $base -m x $mem" \
        "check -b $base -n x $mem" "baseline -m" "baseline -n" "check -b" "--json" "-x"; do
        # shellcheck disable=SC2086  # several words
        fails 2 "$check" $arguments
    done
}

@test "domm-kernel-check(8) documents the options it takes, and no others" {
    help=$("$check" --help | grep -o -E -- '--[a-z][a-z-]+' | sort -u)
    page=$(grep -o -E 'Fl Fl [a-z-]+' "$man/domm-kernel-check.8" | sed 's/Fl Fl /--/' |
        grep -v -x -e --help -e --version | sort -u)
    [ "$help" = "$page" ]
    mandoc -T lint -W warning "$man/domm-kernel-check.8"
}

@test "without files or a kernel there is nothing to check" {
    fails 5 "$check" baseline -o "$base" /nonexistent/mem
    head -c 1M /dev/zero >"$BATS_TEST_TMPDIR/zero"
    fails 5 "$check" baseline -o "$base" "$BATS_TEST_TMPDIR/zero"
    says "no Linux kernel"
    [ "$(echo "$base"*)" = "$base*" ]
    fails 5 "$check" check -b /nonexistent/base "$mem"
    fails 3 "$check" check -b "$mem" "$mem"
    says "not a baseline"
    "$check" baseline -o "$base" "$mem"
    fails 5 "$check" check -b "$base" /nonexistent/mem
}

@test "a domain's memory is for dom0, a target's for a monitor" {
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

@test "a baseline is not written to a file that somebody has put in its way" {
    echo mine >"$BATS_TEST_TMPDIR/victim"
    ln "$BATS_TEST_TMPDIR/victim" "$base.new"
    ln -s victim "$base.part"
    ln -s victim "$base"
    "$check" baseline -o "$base" "$mem"
    [ "$(cat "$BATS_TEST_TMPDIR/victim")" = mine ]
    [ ! -L "$base" ]
    run -0 "$check" check -b "$base" "$mem"
}

# Without symbols of its own, as before Linux 6.0. The name is changed in VMCOREINFO.
unpublished() {
    offset=$(grep -a -b -o 'kallsyms_names' "$mem" | head -n 1 | cut -d: -f1)
    put "$offset" 'k4llsyms'
}

map() {
    "$DOMM_BUILD/tests/cli/fake-kernel-image" map >"$BATS_TEST_TMPDIR/map"
}

info() {
    dd if="$mem" bs=4096 skip=32 count=1 status=none | tr -d '\000' >"$BATS_TEST_TMPDIR/info"
}

@test "a kernel that publishes no symbols is checked with those of its System.map" {
    unpublished
    map
    fails 1 "$check" baseline -o "$base" "$mem"
    says "symbols were not found"
    says "--system-map FILE"
    "$check" baseline -o "$base" --system-map "$BATS_TEST_TMPDIR/map" "$mem"
    rm "$BATS_TEST_TMPDIR/map"
    run -0 "$check" check -b "$base" "$mem"
    put $text '\xcc'
    run -20 "$check" check -b "$base" "$mem"
    [[ ${lines[0]} == *" changed: text 0xffffffff81000103 do_open+0x3: 1 bytes: "*" -> cc" ]]
}

@test "VMCOREINFO may be given by hand to a kernel that keeps none" {
    info
    put 0x20000 'o'
    fails 5 "$check" baseline -o "$base" "$mem"
    "$check" baseline -o "$base" --vmcoreinfo "$BATS_TEST_TMPDIR/info" "$mem"
    run -0 "$check" check -b "$base" "$mem"
    put $text '\xcc'
    run -20 "$check" check -b "$base" "$mem"
    [[ ${lines[0]} == *" changed: text 0xffffffff81000103 do_open+0x3: "* ]]
}

@test "what is given by hand is of that kernel, or is refused" {
    map
    info
    sed -i 's/_stext/_sText/' "$BATS_TEST_TMPDIR/map"
    fails 3 "$check" baseline -o "$base" -m "$BATS_TEST_TMPDIR/map" "$mem"
    says "malformed"
    map
    sed -i 's/1000000 T _stext/1000040 T _stext/' "$BATS_TEST_TMPDIR/map"
    fails 5 "$check" baseline -o "$base" -m "$BATS_TEST_TMPDIR/map" "$mem"
    says "must be of the kernel that runs now"
    fails 3 "$check" baseline -o "$base" -n "$BATS_TEST_TMPDIR/map" "$mem"
    fails 5 "$check" baseline -o "$base" -n /nonexistent/info "$mem"
    says "--vmcoreinfo: opening /nonexistent/info"
    fails 3 "$check" baseline -o "$base" -n "$mem" "$mem"
    says "more than 4095 bytes"
    [ ! -e "$base" ]
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
    [[ ${lines[0]} == *" changed: kernel: not the kernel of the baseline"* ]]
}

@test "over and over: a change, its end, and the memory going and coming" {
    "$check" baseline -o "$base" "$mem"
    watch
    eventually told "checked"
    put $text '\xcc'
    eventually told "changed: text .*do_open+0x3"
    "$DOMM_BUILD/tests/cli/fake-kernel-image" >"$mem.new"
    mv "$mem.new" "$mem"
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

# A jump that is always there, at one of 16 places in the text. It moves every 20 ms.
move_a_jump() {
    python3 - "$mem" 3>&- <<'PY' &
import os, signal, sys, time
memory = os.open(sys.argv[1], os.O_RDWR)
places = [0x40500 + 0x2a0 * i for i in range(16)]
text = [os.pread(memory, 5, place) for place in places]
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
here = 0
os.pwrite(memory, b"\xe9\x12\x34\x56\x07", places[here])
open(sys.argv[1] + ".written", "w").close()
while not stop:
    there = (here + 7) % 16
    os.pwrite(memory, b"\xe9\x12\x34\x56\x07", places[there])
    os.pwrite(memory, text[here], places[here])
    here = there
    time.sleep(0.02)
os.pwrite(memory, text[here], places[here])
PY
    writer_pid=$!
    eventually test -e "$mem.written"
}

# As Linux patches itself: a jump label, and a static call after its key, over and over.
patch_as_the_kernel_does() {
    python3 - "$mem" 3>&- <<'PY' &
import os, struct, sys, time
memory = os.open(sys.argv[1], os.O_RDWR)
def poke(place, code):
    os.pwrite(memory, b"\xcc", place)
    os.pwrite(memory, code[1:], place + 1)
    os.pwrite(memory, code[:1], place)
while True:
    for jump, call, key in (
        (b"\xe9\x3b\x00\x00\x00", b"\xe8\xfb\x00\x00\x00", 0xffffffff81000300),
        (b"\x0f\x1f\x44\x00\x00", b"\xe8\xfb\xfe\xff\xff", 0xffffffff81000100),
    ):
        poke(0x40300, jump)
        os.pwrite(memory, struct.pack("<Q", key), 0x46008)
        poke(0x40200, call)
        open(sys.argv[1] + ".written", "w").close()
        time.sleep(0.005)
PY
    writer_pid=$!
    eventually test -e "$mem.written"
}

# Checks 20 times at once; sets $statuses to the exit codes, each once.
check_20_times() {
    local pids=() codes=() code
    for _ in {1..20}; do
        "$check" check -b "$base" "$mem" >>"$out" 3>&- &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        code=0
        wait "$pid" || code=$?
        codes+=("$code")
    done
    statuses=$(printf '%s\n' "${codes[@]}" | sort -u | xargs)
}

@test "a jump that moves is found in 20 of 20 checks" {
    "$check" baseline -o "$base" "$mem"
    move_a_jump
    check_20_times
    kill "$writer_pid"
    [ "$statuses" = 21 ] || [ "$statuses" = "20 21" ]
    told " unsettled: text 0xffffffff8100.* -> e912345607"
    told " checked: .* ms: 0 changes, 0 more pages with changes, [0-9]* unsettled"
}

@test "a kernel that patches itself is unchanged in 20 of 20 checks" {
    "$check" baseline -o "$base" "$mem"
    patch_as_the_kernel_does
    check_20_times
    kill "$writer_pid"
    cat "$out"
    [ "$statuses" = 0 ]
}

@test "over and over: what moved is not forgotten when it has gone" {
    "$check" baseline -o "$base" "$mem"
    move_a_jump
    watch
    eventually told "unsettled: text"
    kill "$writer_pid"
    wait "$writer_pid" || true
    sleep 2
    kill "$check_pid"
    status=0
    wait "$check_pid" || status=$?
    cat "$out"
    [ "$status" = 21 ]
}

@test "what is unsettled is told in JSON" {
    "$check" baseline -o "$base" "$mem"
    move_a_jump
    run "$check" check -j -b "$base" "$mem"
    kill "$writer_pid"
    python3 - "${lines[@]}" <<'PY'
import json, sys
events = [json.loads(line) for line in sys.argv[1:]]
assert events[0]["event"] in ("unsettled", "changed") and events[0]["area"] == "text", events
assert events[-1]["event"] == "checked" and events[-1]["unsettled"] > 0, events
PY
}
