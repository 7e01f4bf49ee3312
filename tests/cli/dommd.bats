#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# dommd where there is no Xen.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    dommd=$DOMM_BUILD/dommd
}

@test "dommd refuses outside dom0 of a Xen host" {
    skip_on_xen
    fails 4 "$dommd" --scan
    says "does not run on Xen"
}

@test "dommd that would go to the background refuses as well, and says why" {
    skip_on_xen
    fails 4 "$dommd"
    says "does not run on Xen"
}

@test "dommd prints help and its version, which is domm's" {
    run -0 "$dommd" --help
    [[ $output == "Usage: dommd"* ]]
    run -0 "$dommd" --version
    [ "${output#dommd }" = "$("$domm" --version | sed 's/^domm //')" ]
}

@test "dommd refuses wrong usage" {
    for arguments in --nonsense -x extra "--grace" "--grace 0" "--grace x" "--grace 99999999999999" \
        "--scan one two" "-F extra"; do
        # shellcheck disable=SC2086  # several words
        fails 2 "$dommd" $arguments
    done
}

@test "the manual of dommd names every option" {
    for option in $("$dommd" --help | grep -o -E -- '--[a-z]+') --help --version; do
        grep -q "Fl Fl ${option#--}" "$man/dommd.8" || { echo "$option"; return 1; }
    done
}
