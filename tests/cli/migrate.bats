#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The command lines of domm migrate, receive and release. What they do, tests/lab/86-migrate.bats shows.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
}

@test "migrate wants a pair and a host" {
    fails 2 "$domm" migrate web
    says "missing operands: expected"
    says "PAIR HOST"
    fails 2 "$domm" migrate web host2 host3
    says "unexpected argument 'host3'"
}

@test "migrate refuses values that an option does not have" {
    fails 2 "$domm" migrate --data smoke web host2
    says "--data: 'smoke' is not one of ssh, tls, tcp"
    fails 2 "$domm" migrate --on-busy wait web host2
    says "is not one of abort, force"
    fails 2 "$domm" migrate --on-not-ready pray web host2
    says "is not one of hold, restart, force"
    for option in --bandwidth --max-downtime --timeout; do
        for value in 0 -1 many 1x 99999999999 ''; do
            fails 2 "$domm" migrate "$option=$value" web host2
            says "is not a number from 1 to"
        done
    done
    fails 2 "$domm" migrate --ssh-command 'ssh "-p' web host2
    says "missing closing \""
    fails 2 "$domm" migrate web -- -oProxyCommand=evil
    says "is not a host name"
}

@test "what makes targets run unmonitored is for tests that say so" {
    fails 2 "$domm" migrate --no-sync web host2
    says "runs targets unmonitored"
    skip_on_xen
    DOMM_UNSAFE=1 fails 4 "$domm" migrate --no-sync web host2
}

@test "away from Xen a migration is not begun" {
    skip_on_xen
    fails 4 "$domm" migrate web host2
    fails 4 "$domm" -N migrate web host2
    fails 4 "$domm" release web
}

@test "receive is not listed, and refuses incomplete options" {
    [[ $("$domm" help) != *receive* ]]
    fails 2 "$domm" receive --stream nonsense --guest 0 </dev/null
    says "the UUID of a migration"
    fails 2 "$domm" receive --guest 0 </dev/null
    uuid=6ba7b810-9dad-11d1-80b4-00c04fd430c8
    for guest in x -1 33 1x ''; do
        fails 2 "$domm" receive --stream "$uuid" --guest="$guest" </dev/null
        says "is not a number from 0 to 32"
    done
    fails 5 "$domm" receive --stream "$uuid" --guest 1 </dev/null
    says "no migration expects a stream"
}

@test "what is asked about a migration is its UUID" {
    fails 2 "$domm" receive --settle nonsense </dev/null
    says "the UUID of a migration"
    fails 2 "$domm" receive --agreed nonsense </dev/null
}

@test "a host without journals knows nothing of a migration, and says so in one line" {
    [ ! -e /var/lib/domm/migrations ] || skip "this host has migrated guests"
    uuid=6ba7b810-9dad-11d1-80b4-00c04fd430c8
    run -0 "$domm" receive --settle "$uuid" </dev/null
    [ "$output" = "{\"version\": 1, \"migration\": \"$uuid\", \"answer\": \"unheard\"}" ]
    run -0 "$domm" recover
    [ -z "$output" ]
    run -0 "$domm" --json jobs
    [ "$(python3 -c 'import json, sys; print(json.load(sys.stdin))' <<<"$output")" = "{'jobs': []}" ]
    fails 5 "$domm" abort web
    says "no migration of 'web' is under way"
}

@test "recover assumes nothing of all migrations at once, and one thing of one" {
    fails 2 "$domm" recover --assume-committed
    says "needs the MIGRATION"
    uuid=6ba7b810-9dad-11d1-80b4-00c04fd430c8
    fails 2 "$domm" recover --assume-committed --assume-rolled-back "$uuid"
    says "cannot be combined"
    fails 2 "$domm" recover --ssh-command rsh
    says "needs --host"
    fails 2 "$domm" recover --host=-oProxyCommand=evil
    says "is not a host name"
    fails 5 "$domm" recover no-such-guest
}

@test "release decides one thing" {
    fails 2 "$domm" release --force --restart web
    says "cannot be combined"
    fails 2 "$domm" release
}

@test "who asks with SIGUSR1 is told on standard error how far it is" {
    export FAKE_HOST=$BATS_TEST_TMPDIR FAKE_ASKED=1
    run -0 --separate-stderr "$DOMM_BUILD/tests/cli/fake-host" migrate -s false web host2
    says "  ids [=====     ] 134/268 MB  web [==========] 314 MB"
}

@test "SIGUSR1 ends no process of domm" {
    mkfifo "$BATS_TEST_TMPDIR/lines"
    "$domm" shell <"$BATS_TEST_TMPDIR/lines" 3>&- &
    exec 4>"$BATS_TEST_TMPDIR/lines"
    eventually grep -q . /proc/$!/cmdline
    eventually grep -q '^SigIgn:.*[2367abef]..$' /proc/$!/status
    kill -USR1 $!
    exec 4>&-
    wait $!
}

@test "set changes a limit of a migration that is under way, and says so" {
    export FAKE_HOST=$BATS_TEST_TMPDIR/host
    mkdir "$FAKE_HOST"
    host=$DOMM_BUILD/tests/cli/fake-host
    # In place of the migration's process, which would take the request.
    export FAKE_MEANWHILE="(set=$FAKE_HOST/set-bandwidth-abcd0000-0000-0000-0000-000000000000
        until cat \$set >$FAKE_HOST/taken 2>/dev/null; do sleep 0.1; done; rm \$set) &
        $host set web bandwidth 5 >$FAKE_HOST/said"
    run -0 "$host" -q migrate -s false ids host2
    [ "$(<"$FAKE_HOST/taken")" = $((5 << 20)) ]
    [ "$(<"$FAKE_HOST/said")" = "bandwidth of the migration of ids: 5 MiB/s" ]
    rm -r "$FAKE_HOST"/*
    export FAKE_MEANWHILE="$host set ids max-downtime none >$FAKE_HOST/said 2>&1 || echo \$? >$FAKE_HOST/code"
    run -0 "$host" -q migrate -s false ids host2
    grep "does not change it" "$FAKE_HOST/said"
    [ "$(<"$FAKE_HOST/code")" = 1 ]
    [ -z "$(find "$FAKE_HOST" -name 'set-*')" ]
    fails 5 "$host" set web bandwidth 5
    says "no migration of 'web' is under way from this host"
    fails 2 "$domm" set web bandwidth 0
    says "is not a number from 1 to 1000000"
    says "none removes the limit"
    fails 2 "$domm" set web memory 5
    says "neither bandwidth nor max-downtime"
}
