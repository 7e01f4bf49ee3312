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

# As start_agent, with mounts that only the agent sees.
start_agent_apart() {
    local unshare=(unshare --mount)
    "${unshare[@]}" true 2>/dev/null || unshare+=(--map-root-user)
    "${unshare[@]}" true 2>/dev/null || skip "no mount namespace can be made here"
    "${unshare[@]}" "$agent" 2>"$BATS_TEST_TMPDIR/log" 3>&- &
    agent_pid=$!
}

target=d0330000-0000-4000-8000-000000000011

# list_storage NUMBER TYPE SOURCE MAX_AGE: as dom0 does it.
list_storage() {
    local node=$home/domm/targets/$target/storage/$1
    dom0 write "$node/type" "$2"
    dom0 write "$node/source" "$3"
    dom0 write "$node/max_age" "$4"
}

ping() {
    dom0 write "$home/domm/ping" "$1"
}

ponged() {
    [ "$(dom0 read "$home/domm/agent/pong")" = "$1" ]
}

# says_of_target PYTHON: an expression about the answer.
says_of_target() {
    dom0 read "$home/domm/agent/targets/$target" |
        python3 -c "import json, sys; a = json.load(sys.stdin); sys.exit(not ($1))"
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
    start_agent --interval 1
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
        run -1 dom0 read "$home/domm/agent/version"
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

@test "domm-agent tells the service manager when it is ready" {
    start_store 7
    python3 -c '
import socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
print(manager.recv(64).decode(), flush=True)' "$BATS_TEST_TMPDIR/manager" >"$BATS_TEST_TMPDIR/told" 3>&- &
    eventually test -S "$BATS_TEST_TMPDIR/manager"
    NOTIFY_SOCKET=$BATS_TEST_TMPDIR/manager start_agent
    eventually grep -q '^READY=1$' "$BATS_TEST_TMPDIR/told"
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

@test "domm-agent answers a ping, and each that follows" {
    start_store 7
    dom0 mkdir "$home/domm"
    start_agent
    eventually alive
    run -1 dom0 read "$home/domm/agent/pong"
    for text in one two "three words"; do
        ping "$text"
        eventually ponged "$text"
    done
    run -1 dom0 read "$home/domm/agent/targets"
}

@test "domm-agent answers a ping that was there before it, or before the node was made anew" {
    start_store 7
    dom0 mkdir "$home/domm"
    ping early
    start_agent
    eventually ponged early
    dom0 rm "$home/domm"
    run -1 dom0 read "$home/domm/agent/pong"
    dom0 mkdir "$home/domm"
    ping again
    eventually ponged again
}

@test "domm-agent answers about each target, and no longer about one that is gone" {
    start_store 7
    dom0 mkdir "$home/domm"
    dom0 write "$home/domm/targets/$target/name" web
    ping one
    start_agent
    eventually ponged one
    says_of_target 'a["memory"]["ok"] is False and a["memory"]["error"] and a["storage"] == []'
    dom0 rm "$home/domm/targets/$target"
    dom0 mkdir "$home/domm/targets"
    ping two
    eventually ponged two
    run -1 dom0 read "$home/domm/agent/targets/$target"
}

@test "domm-agent says what storage it cannot mount, and where it would be" {
    start_store 7
    dom0 mkdir "$home/domm"
    dom0 write "$home/domm/targets/$target/name" web
    list_storage 0 block xvdzz 3
    list_storage 1 nfs 127.0.0.1:/nowhere 3
    start_agent_apart
    eventually logged "mounting 127.0.0.1:/nowhere at /run/domm-storage/web/1"
    sleep 1
    ping one
    eventually ponged one
    says_of_target '[s["ok"] for s in a["storage"]] == [False, False]'
    says_of_target '[s["age"] for s in a["storage"]] == [None, None]'
    says_of_target '[s["path"][-6:] for s in a["storage"]] == ["/web/0", "/web/1"]'
    says_of_target 'all(s["error"] for s in a["storage"])'
    kill "$agent_pid"
    wait "$agent_pid"
}

@test "domm-agent waits for the name of a target, which dom0 writes last: it is the directory's" {
    start_store 7
    dom0 mkdir "$home/domm"
    list_storage 0 block xvdzz 3
    start_agent_apart
    sleep 4
    run -1 logged mounting
    dom0 write "$home/domm/targets/$target/name" web
    eventually logged "mounting xvdzz at /run/domm-storage/web/0"
}

@test "domm-agent unmounts what is not listed any more, but not when the list is away" {
    start_store 7
    dom0 mkdir "$home/domm"
    list_storage 0 block xvdzz 3
    dom0 write "$home/domm/targets/$target/name" web
    start_agent_apart
    eventually logged "mounting xvdzz"
    dom0 rm "$home/domm"
    sleep 4
    run -1 logged unmounting
    dom0 mkdir "$home/domm"
    dom0 mkdir "$home/domm/targets"
    eventually logged unmounting
}

@test "domm-agent refuses hostile nodes with a line for each, and goes on" {
    start_store 7
    dom0 mkdir "$home/domm"
    list_storage 0 nfs '10.0.0.1:/a,rw' 3
    list_storage 1 nfs '-orw:/a' 3
    list_storage 2 block ../../etc/shadow 3
    list_storage 3 block xvdb -1
    list_storage 4 cifs 10.0.0.1:/a 3
    list_storage 08 block xvdb 3
    dom0 write "$home/domm/targets/$target/name" ../../etc
    dom0 write "$home/domm/targets/no-uuid/name" web
    start_agent_apart
    for n in 0 1 2 3 4; do
        eventually logged "ignoring domm/targets/$target/storage/$n: "
    done
    logged "ignoring domm/targets/$target/storage/08: "
    logged "ignoring domm/targets/$target/name: "
    logged "ignoring domm/targets/no-uuid: "
    run -1 logged mounting
    ping "$(printf 'two\nlines')"
    eventually logged "ignoring domm/ping"
    ping "$(printf '%065d' 1)"
    ping fine
    eventually ponged fine
    says_of_target 'a["storage"] == []'
}
