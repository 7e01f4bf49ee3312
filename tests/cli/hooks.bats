#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Hooks, on a host that is made up (fake-host.c). At both ends of a real migration they are in
# tests/lab/86-migrate.bats.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    host=$DOMM_BUILD/tests/cli/fake-host
    export FAKE_HOST=$BATS_TEST_TMPDIR/host
    mkdir -p "$FAKE_HOST/hooks.d"
    ran=$BATS_TEST_TMPDIR/ran
}

# hook NAME [LINE]...: it notes its name and its facts; then it does what the lines say.
hook() {
    printf '%s\n' '#!/bin/sh' "echo \"--\$DOMM_HOOK\" >>$ran" "env | grep ^DOMM_ | sort >>$ran" "${@:2}" >"$FAKE_HOST/hooks.d/$1"
    chmod +x "$FAKE_HOST/hooks.d/$1"
}
hooks() { for name in pre-migrate pre-stop post-migrate rolled-back; do hook $name; done; }

migrates() { run --separate-stderr -"$1" "$host" -q migrate -s false web host2; }

@test "a migration runs its hooks in their order, with facts in their environment" {
    hooks
    migrates 0
    [ "$(grep ^-- "$ran")" = $'--pre-migrate\n--pre-stop\n--post-migrate' ]
    diff - <(sed -n '/^--pre-migrate/,/^--pre-stop/p' "$ran" | grep -v ^--) <<END
DOMM_HOOK=pre-migrate
DOMM_MIGRATION=abcd0000-0000-0000-0000-000000000000
DOMM_MONITOR=ids
DOMM_MONITOR_DOMID=3
DOMM_MONITOR_UUID=03000000-0000-4000-8000-000000000000
DOMM_PEER=host2
DOMM_ROLE=source
DOMM_STATE=checking
DOMM_TARGETS=1
DOMM_TARGET_1=web
DOMM_TARGET_1_DOMID=1
DOMM_TARGET_1_UUID=01000000-0000-4000-8000-000000000000
END
    sed -n '/^--post-migrate/,$p' "$ran" | grep -x DOMM_STATE=moved
    ! sed -n '/^--post-migrate/,$p' "$ran" | grep DOMID
}

@test "a hook that fails stops the migration, and its last words are the reason" {
    hooks
    hook pre-stop 'echo so >&2; echo "not today" >&2; exit 3'
    migrates 6
    says "the hook pre-stop: not today"
    [ "$(grep ^-- "$ran")" = $'--pre-migrate\n--pre-stop\n--rolled-back' ]
    grep -x 'DOMM_ERROR=the hook pre-stop: not today' "$ran"
}

@test "a hook is waited for, wherever its output goes, and what it leaves behind is not" {
    hook pre-migrate "exec >>$BATS_TEST_TMPDIR/log 2>&1" 'sleep 1; echo done'
    hook pre-stop 'sleep 300 &'
    SECONDS=0
    migrates 0
    [ "$(<"$BATS_TEST_TMPDIR/log")" = "done" ]
    [ $SECONDS -lt 50 ]
    pkill -f 'sleep 300'
}

@test "a hook that comes too late to stop anything only warns" {
    hook post-migrate 'exit 1'
    run --separate-stderr -0 "$host" migrate -s false web host2
    says "warning: the hook post-migrate: "
    says "failed without a message"
}

@test "a hook that cannot be run is not passed over" {
    echo '#!/bin/sh' >"$FAKE_HOST/hooks.d/pre-migrate"
    migrates 6
    says "pre-migrate: Permission denied"
    says "chmod +x"
    echo nonsense >"$FAKE_HOST/hooks.d/pre-migrate"
    chmod +x "$FAKE_HOST/hooks.d/pre-migrate"
    migrates 6
    says "Exec format error"
}

@test "a preflight runs no hook, and no hook is needed" {
    hooks
    run -0 "$host" -N migrate -s false web host2
    [ ! -e "$ran" ]
    rm -r "$FAKE_HOST/hooks.d"
    migrates 0
}

@test "a changed verdict is told of once" {
    for name in ready degraded blind; do hook $name; done
    run -11 --separate-stderr "$host" monitor-status --changes
    [ "$(grep ^-- "$ran" | sort | uniq -c | tr -s ' ')" = $' 2 --blind\n 1 --degraded' ]
    grep -x 'DOMM_VERDICT_BEFORE=none' "$ran"
    grep -x 'DOMM_TARGET=web' "$ran"
    rm "$ran"
    run -11 "$host" monitor-status --changes
    [ ! -e "$ran" ]
    sed -i 's,/01000000-[-0-9]*":"[a-z]*",/01000000-0000-4000-8000-000000000000":"ready",' "$FAKE_HOST/verdicts"
    run -11 "$host" monitor-status -c
    [ "$(grep -x -c 'DOMM_VERDICT_BEFORE=ready' "$ran")" = 1 ]
    rm "$ran"
    run -11 "$host" monitor-status # others do not look for changes
    [ ! -e "$ran" ]
}

@test "what was kept of verdicts is not trusted" {
    hook degraded
    for kept in '[1]' '{"x":3}' nonsense '' '{"03000000-0000-4000-8000-000000000000/01000000-0000-4000-8000-000000000000":null}' '{"03000000-0000-4000-8000-000000000000/01000000-0000-4000-8000-000000000000":{}}'; do
        rm -f "$ran"
        echo "$kept" >"$FAKE_HOST/verdicts"
        run -11 "$host" monitor-status -c
        grep -x -e --degraded "$ran"
    done
}

@test "changes are looked for in all targets" {
    fails 2 "$host" monitor-status -c web
    says "give no DOMAIN"
}
