#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm-auto, with a domm and an xl that write down what they are asked; and the units of systemd.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    auto=$DOMM_SOURCE/scripts/domm-auto
    units=$DOMM_SOURCE/debian
    mkdir "$BATS_TEST_TMPDIR/auto" "$BATS_TEST_TMPDIR/bin"
    cat >"$BATS_TEST_TMPDIR/bin/xl" <<'EOT'
#!/bin/sh
[ "$*" = "domid restored" ]
EOT
    cat >"$BATS_TEST_TMPDIR/bin/domm" <<'EOT'
#!/bin/sh
echo "domm $1 $(basename "$2")"
case $2 in *bad*) exit 6 ;; esac
EOT
    chmod +x "$BATS_TEST_TMPDIR/bin"/*
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

needs_debian() { [ -e "$units/changelog" ] || skip "no debian directory in a release tarball"; }

@test "domm-auto creates the monitors of a directory, in order, and not those that are there" {
    echo "name = 'second'" >"$BATS_TEST_TMPDIR/auto/20-b.cfg"
    echo 'name="first" # yes' >"$BATS_TEST_TMPDIR/auto/10-a.cfg"
    printf '# name = "x"\n name = "restored"\n' >"$BATS_TEST_TMPDIR/auto/15.cfg"
    run -0 "$auto" "$BATS_TEST_TMPDIR/auto"
    [ "$output" = $'domm create 10-a.cfg\nrestored exists\ndomm create 20-b.cfg' ]
}

@test "domm-auto goes on after one that fails, and says so" {
    echo 'name="a"' >"$BATS_TEST_TMPDIR/auto/1-bad.cfg"
    echo 'name="b"' >"$BATS_TEST_TMPDIR/auto/2.cfg"
    run --separate-stderr -1 "$auto" "$BATS_TEST_TMPDIR/auto"
    [ "$output" = $'domm create 1-bad.cfg\ndomm create 2.cfg' ]
    says "1-bad.cfg was not created"
}

@test "domm-auto has nothing to do in an empty directory" {
    run -0 "$auto" "$BATS_TEST_TMPDIR/auto"
    [ -z "$output" ]
    run -0 "$auto" "$BATS_TEST_TMPDIR/missing"
}

@test "a host that shuts down saves its guests before dommd ends, and creates monitors after their targets" {
    needs_debian
    grep -q '^Before=xendomains.service$' "$units/domm.dommd.service"
    grep -q '^After=.*xendomains.service' "$units/domm.domm-auto.service"
    grep -q '^After=.*dommd.service' "$units/domm.domm-auto.service"
}

@test "dommd is started again however often it ends" {
    needs_debian
    grep -q '^StartLimitIntervalSec=0$' "$units/domm.dommd.service"
    grep -q '^Restart=always$' "$units/domm.dommd.service"
}

@test "dommd is confined, and what makes guests is not" {
    needs_debian
    command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
    cp "$units/domm.dommd.service" "$BATS_TEST_TMPDIR/dommd.service"
    run -0 systemd-analyze security --offline=true --no-pager "$BATS_TEST_TMPDIR/dommd.service"
    [[ $output =~ "Overall exposure level for dommd.service: "([0-9]+)\.[0-9] ]]
    echo "exposure: ${BASH_REMATCH[0]}"
    [ "${BASH_REMATCH[1]}" -lt 4 ]
    # What a sandbox takes away, QEMU or a hotplug script may need.
    run -1 grep -E '^(Capability|NoNew|Protect|Private|Restrict|Device|SystemCall|ReadOnly|Memory)' \
        "$units/systemd/dommd-ending@.service"
}
