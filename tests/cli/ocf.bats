#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The resource agent, with the functions of Debian's resource-agents, and a domm and an xl that keep the
# names of domains as files. tests/lab/93-cluster.bats has it in a cluster on real Xen.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    cd "$BATS_TEST_TMPDIR"
    sed "s#@pkglibexecdir@#$DOMM_SOURCE/scripts#" "$DOMM_SOURCE/scripts/pair.in" >pair
    mkdir domains bin
    export DOMAINS=$PWD/domains
    cat >bin/xl <<'EOT'
#!/bin/sh
echo "xl $*" >>"$DOMAINS/../asked"
case $1 in
domid) [ -e "$DOMAINS/$2" ] ;;
create) touch "$DOMAINS/$(basename "$2" .cfg)" ;;
shutdown) [ -e "$DOMAINS/../hangs" ] || rm "$DOMAINS/$2" ;;
destroy) rm "$DOMAINS/$2" ;;
list) echo Name; ls "$DOMAINS" ;;
esac
EOT
    cat >bin/domm <<'EOT'
#!/bin/sh
echo "domm $*" >>"$DOMAINS/../asked"
for last; do :; done
case $1 in
create) touch "$DOMAINS/$(basename "$2" .cfg)" ;;
destroy) rm "$DOMAINS/$last" ;;
monitor-status) [ -e "$DOMAINS/ids" ] ;;
migrate) [ "$last" != bad ] && rm "$DOMAINS/$3" "$DOMAINS/web" "$DOMAINS/db" ;;
esac
EOT
    chmod +x bin/* pair
    PATH=$PWD/bin:$PATH
    for guest in web db ids; do echo "name = '$guest'" >$guest.cfg; done
    export OCF_ROOT=/usr/lib/ocf OCF_RESKEY_monitor=$PWD/ids.cfg OCF_RESKEY_targets="$PWD/web.cfg $PWD/db.cfg"
    export OCF_RESKEY_CRM_meta_timeout=31000 HA_debug=0
}

asked() { grep -v -E '^(xl (domid|list)|domm monitor-status)' asked; }

@test "its description is XML, and names all actions" {
    run -0 ./pair meta-data
    python3 -c 'import sys, xml.etree.ElementTree as tree
actions = {a.get("name") for a in tree.fromstring(sys.argv[1]).iter("action")}
assert actions == {"start", "stop", "monitor", "migrate_to", "migrate_from", "validate-all", "meta-data"}, actions' "$output"
}

@test "start creates targets before their monitor; stop ends the monitor last" {
    ./pair start
    [ "$(asked)" = "domm recover
xl create $PWD/web.cfg
xl create $PWD/db.cfg
domm create $PWD/ids.cfg" ]
    ./pair monitor
    rm asked
    ./pair start
    [ "$(asked)" = "domm recover" ]
    ./pair stop
    [ "$(asked | tail -n 3)" = $'xl shutdown web\nxl shutdown db\ndomm destroy -- ids' ]
    run -7 ./pair monitor
    ./pair stop
}

@test "a target that does not shut down in time is destroyed" {
    touch domains/web domains/db domains/ids hangs
    run -0 ./pair stop
    [ "$(asked | tail -n 3)" = $'xl destroy web\nxl destroy db\ndomm destroy -- ids' ]
}

@test "a pair is running, degraded without its monitor, or failed without a target" {
    touch domains/web domains/db
    run --separate-stderr -190 ./pair monitor
    says 'db runs, but is not monitored' || says 'web runs, but is not monitored'
    touch domains/ids
    run -0 ./pair monitor
    rm domains/web
    run --separate-stderr -1 ./pair monitor
    says 'not running: web'
    rm domains/db
    run --separate-stderr -1 ./pair monitor
    says 'ids is here without its targets'
}

@test "a pair of which a migration holds a copy is not started" {
    touch domains/web--incoming
    run --separate-stderr -1 ./pair start
    says 'holds web--incoming'
    [ "$(asked)" = "domm recover" ]
}

@test "migrate_to migrates, and says if it could not" {
    touch domains/web domains/db domains/ids
    OCF_RESKEY_CRM_meta_migrate_target=bad run --separate-stderr -1 ./pair migrate_to
    OCF_RESKEY_CRM_meta_migrate_target=host2 run -0 ./pair migrate_to
    [ "$(asked | tail -n 1)" = "domm migrate -- ids host2" ]
    run --separate-stderr -1 ./pair migrate_from
    touch domains/web domains/db domains/ids
    run -0 ./pair migrate_from
}

@test "a configuration that is missing makes the node unfit" {
    OCF_RESKEY_targets='' run -6 ./pair monitor
    rm web.cfg
    run --separate-stderr -5 ./pair monitor
    says "web.cfg gives no domain a name"
    run -3 ./pair promote
}
