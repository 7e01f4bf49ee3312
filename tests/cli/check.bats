#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm check away from Xen: of a host that is none, of configurations, and wrong usage.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    config=$BATS_TEST_TMPDIR/ids.cfg
    printf '%s\n' 'name = "ids"' 'kernel = "/dev/null"' 'memory = 256' 'target = "web"' >"$config"
}

# finding CHECK LEVEL: it is in the JSON of the last command.
finding() {
    python3 -c 'import json, sys
f = json.loads(sys.argv[1])["findings"]
assert any(x["check"] == sys.argv[2] and x["level"] == sys.argv[3] for x in f), f' "$output" "$@"
}

@test "a machine without Xen is not fit, and all else is checked all the same" {
    skip_on_xen
    run -4 --separate-stderr "$domm" check
    [[ $output == *"fail  xen "*"does not run on Xen"*"do: run this in dom0"* ]]
    [[ $output == *"fail  dommd"*"do: systemctl start dommd"* ]]
    [[ $output == *"module "*"script "*"disk-space"* ]]
    says "failed"
}

@test "check prints JSON" {
    skip_on_xen
    run -4 --separate-stderr "$domm" --json check
    finding xen fail
    finding dommd fail
}

@test "a configuration is checked away from Xen" {
    run -0 --separate-stderr "$domm" check --config "$config"
    [[ $output == "ok    config "*"ok    monitor "*"ids: 256 MiB, 1 vCPUs"*"ok    target "*"web: memory"* ]]
}

@test "a wrong configuration fails with its place, and a missing one is not found" {
    echo 'mmeory = 1' >>"$config"
    run -3 --separate-stderr "$domm" check -c "$config"
    [[ $output == *"fail  config "*"ids.cfg:5: mmeory: no such key"* ]]
    run -5 --separate-stderr "$domm" check -c "$config.not"
}

@test "what a migration would miss is a warning" {
    truncate -s 1M "$BATS_TEST_TMPDIR/root.img"
    printf '%s\n' "disk = [ '$BATS_TEST_TMPDIR/root.img,raw,xvda,w' ]" \
        'vif = [ "bridge=no-such-bridge" ]' >>"$config"
    run -0 --separate-stderr "$domm" --json check -c "$config"
    finding disk warn
    finding vif warn
}

@test "wrong usage of check is refused before anything is looked at" {
    fails 2 "$domm" check web
    says "PAIR is given without HOST"
    fails 2 "$domm" check -c "$config" web host2
    fails 2 "$domm" check web host2 host3
}

@test "a pair that cannot be looked at fails as migrate does" {
    skip_on_xen
    run -4 --separate-stderr "$domm" check web host2
    [[ $output == "fail  pair "*"does not run on Xen"* ]]
}
