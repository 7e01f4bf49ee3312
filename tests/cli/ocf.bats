#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The resource agent, with the functions of Debian's resource-agents, and a domm and an xl that keep the
# names and states of domains as files. tests/lab/93-cluster.bats has it in a cluster on real Xen.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    cd "$BATS_TEST_TMPDIR"
    sed "s#@pkglibexecdir@#$DOMM_SOURCE/scripts#; s/^REBOOT_S=.*/REBOOT_S=1/; s/^XEN_TRIES=.*/XEN_TRIES=1/" \
        "$DOMM_SOURCE/scripts/pair.in" >pair
    mkdir domains bin
    export DOMAINS=$PWD/domains
    cat >bin/xl <<'EOT'
#!/bin/sh
echo "xl $*" >>"$DOMAINS/../asked"
[ ! -e "$DOMAINS/../xenstored-hangs" ] || exit 1
case $1 in
create) echo r----- >"$DOMAINS/$(basename "$2" .cfg)" ;;
shutdown) [ -e "$DOMAINS/../hangs" ] || rm "$DOMAINS/$2" ;;
destroy) rm "$DOMAINS/$2" ;;
list)
    echo Name ID Mem VCPUs State Time
    echo Domain-0 0 768 1 r----- 1.0
    for file in "$DOMAINS"/*; do [ ! -e "$file" ] || echo "${file##*/} 1 160 1 $(cat "$file") 1.0"; done
    ;;
esac
EOT
    cat >bin/domm <<'EOT'
#!/bin/sh
echo "domm $*" >>"$DOMAINS/../asked"
for last; do :; done
case $1 in
create) echo r----- >"$DOMAINS/$(basename "$2" .cfg)" ;;
destroy) rm "$DOMAINS/$last" ;;
monitor-status) [ ! -e "$DOMAINS/../blind" ] ;;
migrate)
    code=$(cat "$DOMAINS/../migration" 2>/dev/null || echo 0)
    if [ "$code" = 0 ] || [ "$code" = 9 ]; then rm "$DOMAINS"/*; fi
    exit "$code"
    ;;
recover) exit "$(cat "$DOMAINS/../recovery" 2>/dev/null || echo 5)" ;;
esac
EOT
    chmod +x bin/* pair
    PATH=$PWD/bin:$PATH
    for guest in web db ids; do echo "name = '$guest'" >$guest.cfg; done
    export OCF_ROOT=/usr/lib/ocf OCF_RESKEY_monitor=$PWD/ids.cfg OCF_RESKEY_targets="$PWD/web.cfg $PWD/db.cfg"
    export OCF_RESOURCE_INSTANCE=pair HA_RSCTMP=$PWD/names HA_debug=0
    export OCF_RESKEY_CRM_meta_timeout=10000 OCF_RESKEY_CRM_meta_interval=30000
}

# there GUEST...: they run.
there() { for guest; do echo -b---- >"domains/$guest"; done; }
asked() { grep -v -E '^(xl list|domm monitor-status)' asked; }

@test "its description is XML, and names all actions" {
    run -0 ./pair meta-data
    python3 -c 'import sys, xml.etree.ElementTree as tree
actions = {a.get("name") for a in tree.fromstring(sys.argv[1]).iter("action")}
assert actions == {"start", "stop", "monitor", "migrate_to", "migrate_from", "validate-all", "meta-data"}, actions' "$output"
}

@test "start creates targets before their monitor; stop ends the monitor last" {
    ./pair start
    [ "$(asked)" = "domm recover -- ids
xl create $PWD/web.cfg
xl create $PWD/db.cfg
domm create $PWD/ids.cfg" ]
    ./pair monitor
    rm asked
    ./pair start
    [ "$(asked)" = "domm recover -- ids" ]
    ./pair stop
    [ "$(asked | tail -n 3)" = $'xl shutdown web\nxl shutdown db\ndomm destroy -- ids' ]
    run -7 ./pair monitor
    ./pair stop
}

@test "a target that does not shut down in time is destroyed" {
    there web db ids
    touch hangs
    OCF_RESKEY_CRM_meta_timeout=4000 run -0 ./pair stop
    [ "$(asked | tail -n 3)" = $'xl destroy web\nxl destroy db\ndomm destroy -- ids' ]
}

@test "a pair is running, degraded without its monitor, or failed without a target" {
    there web db
    run --separate-stderr -190 ./pair monitor
    says 'their monitor ids is gone'
    there ids
    run -0 ./pair monitor
    touch blind
    run --separate-stderr -190 ./pair monitor
    says 'not monitored as they should be'
    echo --ps-- >domains/web
    run --separate-stderr -1 ./pair monitor
    says 'not running: web'
    rm domains/db
    run --separate-stderr -1 ./pair monitor
    says 'web is here, but no target runs'
}

@test "that Xen cannot be asked is never taken for a guest that does not run" {
    there web db ids
    touch xenstored-hangs
    for action in monitor stop start; do
        run --separate-stderr -1 ./pair $action
        says 'it cannot be said which guests run'
    done
    [ -z "$(grep -e create -e destroy asked)" ]
}

@test "a pair of which a migration holds a copy is neither started nor called stopped" {
    there web--incoming
    run --separate-stderr -1 ./pair start
    says 'holds web--incoming'
    run --separate-stderr -1 ./pair stop
    says 'holds web--incoming'
    mv domains/web--incoming domains/ids--migratedaway
    run --separate-stderr -1 ./pair stop
    says 'holds ids--migratedaway'
    rm domains/*
    there web--other # nobody's copy
    echo 9 >recovery
    run --separate-stderr -1 ./pair stop
    says 'a migration is unfinished here; '
    echo 0 >recovery
    run -0 ./pair stop
    [ -z "$(grep -e create -e destroy asked)" ]
}

@test "migrate_to migrates, and says if the pair has stayed" {
    there web db ids
    export OCF_RESKEY_CRM_meta_migrate_target=host2
    echo 6 >migration
    run -1 ./pair migrate_to
    echo 0 >migration
    run -0 ./pair migrate_to
    [ "$(asked | tail -n 1)" = "domm migrate -- ids host2" ]
    run -1 ./pair migrate_from
    there web db ids
    run -0 ./pair migrate_from
}

@test "a migration of unknown outcome is settled, and has succeeded if nothing is left here" {
    export OCF_RESKEY_CRM_meta_migrate_target=host2
    there web db ids
    echo 9 >migration
    echo 0 >recovery
    run -0 ./pair migrate_to
    [ "$(asked | tail -n 1)" = "domm recover -- ids" ]
    there web db ids
    echo 9 >recovery
    run --separate-stderr -1 ./pair migrate_to
    says 'a migration is unfinished here'
}

@test "a configuration that is missing makes the node unfit; what runs is stopped by the names it started with" {
    OCF_RESKEY_targets='' run -6 ./pair monitor
    there web db ids
    ./pair monitor
    rm web.cfg
    echo 'name = "other"' >db.cfg
    ./pair monitor
    OCF_RESKEY_CRM_meta_interval=0 run --separate-stderr -5 ./pair monitor
    says "web.cfg gives no domain a name"
    run -0 ./pair stop
    [ -z "$(ls domains)" ]
    run -3 ./pair promote
}
