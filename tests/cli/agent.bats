#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm-agent where there is no Xen, and with a xenstored of the tests' own.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    socket=$BATS_TEST_TMPDIR/xenstored
    home=/local/domain/7
}

teardown() {
    for pid in ${agent_pid:-} ${store_pid:-}; do
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}

start_store() {
    "$DOMM_SOURCE/tests/cli/xenstored.py" "$socket" "$1" serve 3>&- &
    store_pid=$!
    eventually test -S "$socket"
    export XENSTORED_PATH=$socket
}

start_agent() {
    "$agent" "$@" 2>"$BATS_TEST_TMPDIR/log" 3>&- &
    agent_pid=$!
}

dom0() {
    "$DOMM_SOURCE/tests/cli/xenstored.py" "$socket" ask "$@"
}

logged() {
    grep -q "$1" "$BATS_TEST_TMPDIR/log"
}

alive() {
    dom0 read "$home/domm/agent/alive"
}

alive_exceeds() {
    (($(alive) > $1))
}

@test "domm-agent refuses outside a Xen guest" {
    skip_on_xen
    fails 4 "$agent"
    says "xenstore"
    says "inside a Xen guest"
}

@test "domm-agent prints help and its version, which is domm's" {
    run -0 "$agent" --help
    [[ $output == "Usage: domm-agent"* ]]
    run -0 "$agent" --version
    [ "${output#domm-agent }" = "$("$domm" --version | sed 's/^domm //')" ]
}

@test "domm-agent refuses wrong usage" {
    for arguments in --nonsense -x extra "--interval" "--interval 0" "--interval x" "--interval 1x" \
        "--interval -1" "--interval 99999999999999999999" "--interval="; do
        # shellcheck disable=SC2086  # several words
        fails 2 "$agent" $arguments
    done
}

@test "domm-agent that cannot write its help fails" {
    [ -e /dev/full ] || skip "no /dev/full"
    run -1 --separate-stderr bash -c '"$1" --help >/dev/full' - "$agent"
}

@test "domm-agent needs no library of the toolstack" {
    command -v readelf >/dev/null || skip "readelf is not installed"
    run -0 readelf -d "$agent"
    [[ $output == *libxenstore* ]]
    [[ $output != *libxenlight* ]]
    [[ $output != *readline* ]]
}

@test "domm-agent waits until dom0 has made the node, then publishes at once" {
    start_store 7
    start_agent --interval 3600
    eventually logged "waiting for dom0"
    run -1 alive
    dom0 mkdir "$home/domm"
    eventually alive
    [ "$(dom0 read "$home/domm/agent/version")" = "$("$domm" --version | sed 's/^domm //')" ]
}

@test "domm-agent renews its sign of life every interval" {
    start_store 7
    dom0 mkdir "$home/domm"
    start_agent
    eventually alive
    first=$(alive)
    eventually alive_exceeds $((first + 1))
}

@test "domm-agent publishes again when the node is made anew" {
    start_store 7
    dom0 mkdir "$home/domm"
    start_agent --interval 3600
    eventually alive
    dom0 rm "$home/domm"
    eventually logged "waiting for dom0"
    run -1 alive
    dom0 mkdir "$home/domm"
    eventually alive
    eventually dom0 read "$home/domm/agent/version"
}

@test "domm-agent removes its nodes and succeeds on SIGTERM and SIGINT" {
    start_store 7
    dom0 mkdir "$home/domm"
    for signal in TERM INT; do
        start_agent
        eventually alive
        kill -"$signal" "$agent_pid"
        wait "$agent_pid"
        run -1 dom0 read "$home/domm/agent"
        run -1 alive
        [ "$(dom0 read "$home/domm")" = "" ]
    done
}

@test "domm-agent ends cleanly on SIGTERM while it waits" {
    start_store 7
    start_agent
    eventually logged "waiting for dom0"
    kill "$agent_pid"
    wait "$agent_pid"
}

@test "domm-agent refuses to run in dom0" {
    start_store 0
    fails 4 "$agent"
    says "this is dom0"
}

@test "domm-agent fails when xenstored is gone" {
    start_store 7
    dom0 mkdir "$home/domm"
    start_agent
    eventually alive
    kill "$store_pid"
    status=0
    wait "$agent_pid" || status=$?
    [ "$status" = 1 ]
    logged "error: .*xenstore"
}

@test "domm-agent publishes all again though it never saw the node gone" {
    start_store 7
    dom0 mkdir "$home/domm"
    start_agent --interval 3600
    eventually alive
    kill -STOP "$agent_pid"
    dom0 rm "$home/domm"
    dom0 mkdir "$home/domm"
    kill -CONT "$agent_pid"
    eventually alive
    eventually dom0 read "$home/domm/agent/version"
}
