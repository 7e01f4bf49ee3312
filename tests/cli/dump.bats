#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm dump, on a host that is made up (fake-host.c) and whose guests all have the same memory: that of a
# Linux kernel that is made up as well. A real one is in tests/lab/82-kernel-check.bats.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    host=$DOMM_BUILD/tests/cli/fake-host
    export FAKE_HOST=$BATS_TEST_TMPDIR/host
    mkdir "$FAKE_HOST"
    "$DOMM_BUILD/tests/cli/fake-kernel-image" >"$FAKE_HOST/memory"
    core=$BATS_TEST_TMPDIR/core
}

memory_of() { tail -c "$(stat -c %s "$FAKE_HOST/memory")" "$1"; }
nothing_beside() { [ "$(ls "$BATS_TEST_TMPDIR" | grep -c core)" = "$1" ]; }

@test "the file is an ELF core with the memory, its VMCOREINFO and the registers" {
    run -0 --separate-stderr "$host" dump web "$core"
    [[ $output == *"$core: "*" pages of web (6."*"), which was paused for "*" s; 3 pages elsewhere are left out" ]]
    memory_of "$core" | cmp - "$FAKE_HOST/memory"
    run -0 readelf -W --program-headers --notes "$core"
    echo "$output"
    [[ $output == *"CORE (Core file)"* ]]
    [[ $output =~ LOAD\ +0x001000\ 0xffff8880[0-9a-f]+\ 0x0000000000000000 ]]
    # The kernel's text where the kernel has it, which is the same memory: drgn begins there.
    [[ $output =~ LOAD\ +0x([0-9a-f]+)\ 0xffffffff8[0-9a-f]+\ 0x([0-9a-f]+) ]]
    [ $((0x${BASH_REMATCH[1]} - 0x${BASH_REMATCH[2]})) = $((0x1000)) ]
    [[ $output == *"CORE "*NT_PRSTATUS* ]]
    [[ $output == *VMCOREINFO* ]]
    grep -a -q '^SYMBOL(_stext)=' "$core"
    [ "$(stat -c %a "$core")" = 600 ]
    [ "$(stat -c %b "$core")" -lt $(($(stat -c %s "$core") / 512)) ]
}

@test "a memory without a kernel is written, with a warning" {
    head -c 1000000 /dev/urandom >"$FAKE_HOST/memory"
    run -0 --separate-stderr "$host" dump web "$core"
    says "no Linux kernel is found in web"
    [[ $output == *": 244 of 244 pages of web (no Linux kernel found)"* ]]
    tail -c $((244 * 4096)) "$core" | cmp -n $((244 * 4096)) - "$FAKE_HOST/memory"
    run -0 readelf -W --notes "$core"
    [[ $output != *VMCOREINFO* ]]
}

@test "a file that is there is replaced when all is written, and kept if that fails" {
    echo old >"$core"
    FAKE_MEANWHILE=false fails 1 "$host" dump web "$core"
    [ "$(<"$core")" = old ]
    nothing_beside 1
    run -0 "$host" dump web "$core"
    memory_of "$core" | cmp - "$FAKE_HOST/memory"
    nothing_beside 1
}

@test "an interrupt ends it, and leaves nothing" {
    FAKE_MEANWHILE='kill -INT $PPID' fails 8 "$host" dump web "$core"
    says interrupted
    nothing_beside 0
}

@test "a disk that is full is told of, and leaves nothing" {
    run -1 --separate-stderr bash -c 'trap "" XFSZ; ulimit -f 100; "$@"' sh "$host" dump web "$core"
    [[ $stderr == *"writing $core."*"File too large"* ]]
    nothing_beside 0
}

@test "what cannot be dumped is refused" {
    fails 3 "$host" dump ids "$core"
    says "PV guest"
    says "xl dump-core"
    fails 5 "$host" dump nobody "$core"
    fails 5 "$host" dump web "$BATS_TEST_TMPDIR/nowhere/core"
    fails 3 "$host" dump web /dev/null
    says "is not a regular file"
    [ -c /dev/null ]
    fails 3 "$host" dump web "$BATS_TEST_TMPDIR"
    fails 2 "$host" dump web
    fails 2 "$host" -N dump web "$core"
    nothing_beside 0
}
