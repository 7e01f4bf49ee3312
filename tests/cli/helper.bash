# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154  # bats sets stderr and output
# What the CLI tests share. `make check` sets DOMM_BUILD and DOMM_SOURCE.

# shellcheck disable=SC2034  # used by the tests
domm=$DOMM_BUILD/domm
agent=$DOMM_BUILD/domm-agent
man=$DOMM_SOURCE/man

# These tests are about a machine without Xen; the lab suite (tests/lab) is about one with it.
skip_on_xen() {
    if [ -e /proc/xen ] || [ -e /dev/xen ]; then
        skip "this machine runs on Xen"
    fi
}

# fails CODE COMMAND...: it ends with that exit code, and says why on stderr but nothing on stdout.
fails() {
    local code=$1
    shift
    run --separate-stderr -"$code" "$@"
    [ -z "$output" ] || { echo "unexpected output: $output"; return 1; }
    [[ $stderr == *error:* ]] || { echo "no error in: $stderr"; return 1; }
}

# says TEXT: the last command's stderr contains it.
says() {
    [[ $stderr == *"$1"* ]] || { echo "'$1' is not in: $stderr"; return 1; }
}

# The table, as the program dumps it, through a jq-like one-liner.
table() {
    "$domm" --json help | python3 -c "import json, sys; table = json.load(sys.stdin); $1"
}

public_commands() {
    table 'print("\n".join(c["name"] for c in table["commands"] if not c["internal"]))'
}

# Runs a program as somebody who is not root: a copy of it, since the build may be out of reach.
as_nobody() {
    if [ "$(id -u)" != 0 ]; then
        "$@"
        return
    fi
    local place status=0
    place=$(mktemp -d)
    chmod 755 "$place"
    install -m 755 "$1" "$place/program"
    shift
    setpriv --reuid=65534 --regid=65534 --clear-groups "$place/program" "$@" || status=$?
    rm -r "$place"
    return "$status"
}

# Waits at least 10 s for a command to succeed.
eventually() {
    for _ in {1..100}; do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    echo "in vain: $*"
    return 1
}
