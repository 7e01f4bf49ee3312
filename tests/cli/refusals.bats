#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A machine that is no Xen host, and somebody who is not root.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
}

@test "list says that this is no Xen machine, and what to do" {
    skip_on_xen
    fails 4 "$domm" list
    says "list: this machine does not run on Xen"
    says "hint: run this in dom0"
}

@test "every command that needs Xen refuses without it" {
    skip_on_xen
    # With as many operands as each needs: its synopsis up to the first optional one.
    table 'print("\n".join(c["name"] + " x" * len(c["synopsis"].split("[")[0].split())
                           for c in table["commands"] if c["needs_xen"]))' > "$BATS_TEST_TMPDIR/lines"
    [ "$(wc -l < "$BATS_TEST_TMPDIR/lines")" -ge 6 ]
    while read -r -a line; do
        fails 4 "$domm" "${line[@]}"
        says "does not run on Xen"
    done < "$BATS_TEST_TMPDIR/lines"
}

@test "version prints what it knows without Xen, and fails" {
    skip_on_xen
    run -4 --separate-stderr "$domm" version
    [[ $output == "domm: "*$'\n'"libxl: "* ]]
    [[ $output != *Xen:* ]]
    says "does not run on Xen"
}

@test "version --json says null for Xen without Xen, and fails" {
    skip_on_xen
    run -4 --separate-stderr "$domm" --json version
    python3 -c 'import json, sys
v = json.loads(sys.argv[1])
assert sorted(v) == ["domm", "libxl", "xen"] and v["xen"] is None' "$output"
}

@test "somebody who is not root gets help and --version" {
    run -0 as_nobody "$domm" help
    run -0 as_nobody "$domm" --version
}

@test "somebody who is not root is refused with code 4" {
    fails 4 as_nobody "$domm" list
}
