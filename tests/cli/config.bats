#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm.conf: its keys, what holds, and what is refused.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    export DOMM_CONF=$BATS_TEST_TMPDIR/domm.conf
}

@test "without a file the presets hold" {
    run -0 "$domm" config
    [[ $output == *'data = "ssh"  # built in'*'# bandwidth is not set'*'timeout = "600"  # built in'* ]]
}

@test "the file counts before the presets, and its lines are named" {
    printf 'timeout = 60\n# x\ndata = "tls"\n' >"$DOMM_CONF"
    run -0 "$domm" config
    [[ $output == *"data = \"tls\"  # $DOMM_CONF:3"* ]]
    [[ $output == *"timeout = \"60\"  # $DOMM_CONF:1"* ]]
    "$domm" --json config | python3 -c 'import json, sys
s = {x["key"]: x for x in json.load(sys.stdin)["settings"]}
assert s["data"]["value"] == "tls" and s["data"]["where"].endswith(":3")
assert s["bandwidth"] == {"key": "bandwidth", "value": None, "where": None}'
}

@test "what is wrong in the file is refused with its place, by migrate too" {
    for line in 'dada = "tls"' 'data = "smoke"' 'data = ["tls"]' $'timeout = 1\ntimeout = 2'; do
        echo "$line" >"$DOMM_CONF"
        fails 3 "$domm" config
        says "$DOMM_CONF:"
        fails 3 "$domm" migrate web host2
    done
    echo 'bandwidth = 0' >"$DOMM_CONF"
    fails 3 "$domm" migrate web host2
    says "$DOMM_CONF:1: --bandwidth: '0' is not a number from 1"
}

@test "the command line counts before the file" {
    skip_on_xen
    echo 'bandwidth = 0' >"$DOMM_CONF"
    fails 3 "$domm" migrate -b 5 web host2
    echo 'bandwidth = 7' >"$DOMM_CONF"
    fails 4 "$domm" migrate web host2
    fails 2 "$domm" migrate -b 0 web host2
}

@test "domm.conf(5) describes exactly the keys, and the example names them" {
    keys=$("$domm" --json config | python3 -c 'import json, sys
print("\n".join(s["key"] for s in json.load(sys.stdin)["settings"]))')
    [ "$(sed -n '/^\.Sh KEYS/,/^\.Sh EX/s/^\.It Va //p' "$man/domm.conf.5")" = "$keys" ]
    [ "$(sed -n 's/^#\([a-z_]*\) = .*/\1/p' "$DOMM_SOURCE/debian/examples/domm.conf")" = "$keys" ]
    sed -n 's/^#\([a-z_]* = .*\)/\1/p' "$DOMM_SOURCE/debian/examples/domm.conf" >"$DOMM_CONF"
    run -0 "$domm" config
}

@test "what a pair has set counts before the file, and the command line before that" {
    host=$DOMM_BUILD/tests/cli/fake-host
    export FAKE_HOST=$BATS_TEST_TMPDIR/host
    mkdir "$FAKE_HOST"
    printf 'max_downtime = 5\ntimeout = 60\n' >"$DOMM_CONF"
    for guest in ids web; do
        run -0 "$host" config $guest
        [[ $output == *'max_downtime = "700"  # the pair'*"timeout = \"60\"  # $DOMM_CONF:2"* ]]
    done
    run -0 "$host" config
    [[ $output == *"max_downtime = \"5\"  # $DOMM_CONF:1"* ]]
}

@test "what a pair cannot set is refused before anything is made of it" {
    printf 'name = "ids"\nkernel = "/bin/sh"\nmemory = 64\n' >"$BATS_TEST_TMPDIR/cfg"
    while IFS='|' read -r setting text; do
        echo "$setting" | cat "$BATS_TEST_TMPDIR/cfg" - >"$BATS_TEST_TMPDIR/with"
        run -3 "$domm" check --config "$BATS_TEST_TMPDIR/with"
        [[ $output == *"$text"* ]] || { echo "$setting: $output"; return 1; }
    done <<'END'
migrate = [ "ssh_command=rsh" ]|a pair cannot set ssh_command
migrate = [ "colour=blue" ]|a pair cannot set colour
migrate = [ "data=smoke" ]|data: 'smoke' is not a value of it
migrate = [ "timeout=soon" ]|timeout: 'soon' is not a value of it
migrate = [ "timeout" ]|"timeout" is not KEY=VALUE
migrate = [ "timeout=1", "timeout=2" ]|timeout is set twice
END
    echo 'migrate = [ "data=tls", "bandwidth=50", "on_not_ready=restart" ]' >>"$BATS_TEST_TMPDIR/cfg"
    run -0 "$domm" check --config "$BATS_TEST_TMPDIR/cfg"
    [[ $output == *"the pair's own settings"* ]]
}
