#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm-agent where there is no Xen.
bats_require_minimum_version 1.5.0

setup() {
    load helper
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
