#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm evacuate, on a host that is made up and has three monitors (fake-host.c); the migrations are too.
# With real ones it is in tests/lab/88-migrate-more.bats.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    host=$DOMM_BUILD/tests/cli/fake-host
    export FAKE_HOST=$BATS_TEST_TMPDIR/host
    mkdir "$FAKE_HOST"
    echo 'ssh_command = "false"' >"$BATS_TEST_TMPDIR/domm.conf"
    export DOMM_CONF=$BATS_TEST_TMPDIR/domm.conf
}

# became: what became of each pair, from the JSON of the last command.
became() {
    python3 -c 'import json, sys
for pair in json.load(sys.stdin)["pairs"]: print(pair["monitor"]["name"], pair["host"], pair["exit_status"])' <<<"$output"
}

@test "all pairs leave, spread over the hosts" {
    run -0 --separate-stderr "$host" evacuate host2 host3
    [ "$(sed 's/, [0-9.]* s$//' <<<"$output")" = $'ids: moved to host2\nother: moved to host3\nodd: moved to host2' ]
    says "other: migrating to host3"
}

@test "a pair that one host refuses tries the next" {
    FAKE_REFUSES=host2 run -0 --separate-stderr "$host" --json evacuate host2 host3
    says "host2 has no room"
    [ "$(became)" = $'ids host3 0\nother host3 0\nodd host3 0' ]
}

@test "what no host takes stays, and the command ends with that code" {
    FAKE_REFUSES=host2 run -6 --separate-stderr "$host" --json evacuate host2
    says "3 of 3 monitors have not left this host"
    [ "$(became)" = $'ids host2 6\nother host2 6\nodd host2 6' ]
}

@test "the failure of one pair does not stop the others, and is not tried elsewhere" {
    export FAKE_MEANWHILE="mkdir $BATS_TEST_TMPDIR/first 2>/dev/null && exit 1 || true"
    run -1 --separate-stderr "$host" --json evacuate host2 host3
    says "1 of 3 monitors has not left this host"
    [ "$(became)" = $'ids host2 1\nother host3 0\nodd host2 0' ]
}

@test "several pairs leave at a time, as many as were asked for" {
    # Each waits for a second one.
    export FAKE_MEANWHILE="touch $BATS_TEST_TMPDIR/\$\$; for i in \$(seq 100); do
        [ \$(ls -d $BATS_TEST_TMPDIR/[0-9]* | wc -l) -lt 2 ] || exit 0; sleep 0.1; done; exit 1"
    run -0 --separate-stderr "$host" --json evacuate -j 2 host2
    [ "$(became)" = $'ids host2 0\nother host2 0\nodd host2 0' ]
}

@test "-N checks whether all could leave, and migrates nothing" {
    run -0 --separate-stderr "$host" -N evacuate host2
    [ "$output" = $'ids: can migrate to host2\nother: can migrate to host2\nodd: can migrate to host2' ]
    [ ! -e "$FAKE_HOST/migrations" ]
    FAKE_REFUSES=host2 run -6 --separate-stderr "$host" -N evacuate host2
    says "3 of 3 monitors cannot leave this host"
}

@test "an interrupt is passed on to what is under way, and nothing else begins" {
    export FAKE_MEANWHILE="touch $BATS_TEST_TMPDIR/begun; until [ -e $BATS_TEST_TMPDIR/end ]; do sleep 0.1; done; exit 1"
    "$host" --json evacuate host2 >"$BATS_TEST_TMPDIR/json" 2>"$BATS_TEST_TMPDIR/said" 3>&- &
    eventually test -e "$BATS_TEST_TMPDIR/begun"
    kill -TERM $!
    eventually grep "waiting until" "$BATS_TEST_TMPDIR/said"
    touch "$BATS_TEST_TMPDIR/end"
    local status=0
    wait $! || status=$?
    [ $status = 1 ]
    grep "waiting until what is under way (1)" "$BATS_TEST_TMPDIR/said"
    output=$(<"$BATS_TEST_TMPDIR/json")
    [ "$(became)" = $'ids host2 1\nother None None\nodd None None' ]
}

@test "misuse is refused" {
    fails 2 "$host" evacuate
    says "missing operands"
    fails 2 "$host" evacuate -j 0 host2
    says "--jobs: '0' is not a number from 1 to 16"
    fails 2 "$host" evacuate -- -oProxyCommand=evil
    says "is not a host name"
}
