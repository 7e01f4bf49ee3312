#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What commands print with --json is valid by their schemas. Most run on a host that is made up
# (fake-host.c); what no command prints there is the end "destination" of jobs, recover and release.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    schemas=$DOMM_SOURCE/schemas
    host=$DOMM_BUILD/tests/cli/fake-host
    export FAKE_HOST=$BATS_TEST_TMPDIR/host
    mkdir -p "$FAKE_HOST/expected"
    uuid=0000000-0000-4000-8000-000000000000
    echo "{\"name\":\"lost\",\"monitor\":{\"uuid\":\"8$uuid\",\"name\":\"past\"}}" >"$FAKE_HOST/expected/7$uuid"
    migration=abcd0000-0000-0000-0000-000000000000
}

# valid SCHEMA [--lines]: standard input is. Debian's package of jsonschema is for Debian's Python.
valid() {
    /usr/bin/python3 -c 'import jsonschema' 2>/dev/null || skip "python3-jsonschema is not installed"
    /usr/bin/python3 -B "$DOMM_SOURCE/tests/cli/valid.py" "$schemas/$1.schema.json" "${@:2}"
}

# prints CODE COMMAND...: on the made-up host it ends with that exit code, and prints what is valid.
prints() {
    run --separate-stderr -"$1" "$host" --json "${@:2}"
    valid "${schema:-$2}" <<<"$output"
}

# tells EXPRESSION: of the last output, in Python.
tells() {
    python3 -c "import json, sys; o = json.load(sys.stdin); assert $1, o" <<<"$output"
}

@test "each command that prints JSON has a schema, and is in domm(1)'s list" {
    # What prints no JSON.
    commands=$(public_commands | grep -v -x -e abort -e set -e shell -e completion | sort)
    [ "$(basename -s .schema.json -a "$schemas"/* | sort)" = "$commands" ]
    [ "$(sed -n '/^\.Sh JSON/,/^print JSON/s/^\.Cm //p' "$man/domm.1" | tr -s ', ' '\n' | sort)" = "$commands" ]
}

@test "what a host is asked is valid: domains, their status, the host itself, defaults, help" {
    prints 0 list
    prints 11 monitor-status
    tells '{m["presence"] for m in o["monitors"]} == {"present", "unreadable", "gone"}'
    prints 0 version
    prints 0 config
    prints 0 help
    schema=help prints 0 help migrate
    run --separate-stderr "$host" --json check # as this machine is
    valid check <<<"$output"
}

@test "what is said away from Xen is valid" {
    skip_on_xen
    run -4 --separate-stderr "$domm" --json version
    valid version <<<"$output"
    run -4 --separate-stderr "$domm" --json check
    valid check <<<"$output"
}

@test "what changes pairs is valid" {
    for line in "attach ids db" "detach ids" "destroy ids" "acknowledge lost"; do
        # shellcheck disable=SC2086  # several words
        schema=${line%% *} prints 0 -N $line
    done
    truncate -s 1M "$BATS_TEST_TMPDIR"/{ids,web}.img
    cat >"$BATS_TEST_TMPDIR/ids.cfg" <<END
name = "ids"
kernel = "/dev/null"
memory = 256
disk = [ '$BATS_TEST_TMPDIR/ids.img,raw,xvda,w', '$BATS_TEST_TMPDIR/web.img,raw,xvdb,r' ]
vif = [ "bridge=xenbr0,mac=00:16:3e:00:00:01", "script=vif-domm-monitor" ]
target = "web"
mirror = [ "vif=0,to=1,vlan=100,protocol=ipv6" ]
storage = [ "nfs=10.0.0.3:/srv/web,port=2049,check=0", "block=xvdb" ]
END
    schema=create prints 0 -N create "$BATS_TEST_TMPDIR/ids.cfg"
    tells 'o["disk"] and o["vif"] and o["mirror"] and len(o["storage"]) == 2'
}

@test "a migration's events, its report and its jobs are valid" {
    prints 0 jobs
    export FAKE_MEANWHILE="'$host' --json jobs >'$BATS_TEST_TMPDIR/jobs'"
    run -0 --separate-stderr "$host" --json migrate -s false web host2
    valid migrate --lines <<<"$output"
    [[ $output == *'"event":"report"}' ]]
    output=$(<"$BATS_TEST_TMPDIR/jobs")
    valid jobs <<<"$output"
    tells 'o["jobs"][0]["running"] and o["jobs"][0]["progress"]'
    prints 0 jobs
    tells 'not o["jobs"][0]["running"]'
    prints 0 report
    prints 0 report --list
    tells 'len(o["reports"]) == 1'
    run -0 --separate-stderr "$host" --json -N migrate -s false web host2
    valid migrate --lines <<<"$output"
}

@test "what an evacuation prints is valid" {
    echo 'ssh_command = "false"' >"$BATS_TEST_TMPDIR/domm.conf"
    export DOMM_CONF=$BATS_TEST_TMPDIR/domm.conf FAKE_REFUSES=host3
    prints 0 evacuate host2
    tells '[p["exit_status"] for p in o["pairs"]] == [0, 0, 0]'
    schema=evacuate prints 6 -N evacuate host3
}

@test "what a dump prints is valid" {
    "$DOMM_BUILD/tests/cli/fake-kernel-image" >"$FAKE_HOST/memory"
    prints 0 dump web "$BATS_TEST_TMPDIR/core"
    tells 'o["name"] == "web" and not o["live"] and 0 < o["pages"] < o["frames"] and o["release"]'
    tells 'o["left_out"] == 3'
    head -c 1000000 /dev/urandom >"$FAKE_HOST/memory"
    prints 0 dump --live 1 "$BATS_TEST_TMPDIR/core"
    tells 'o["live"] and o["paused_ns"] == 0 and o["release"] is None and o["pages"] == 244'
}

@test "jobs --watch follows migrations until the last one has ended" {
    export FAKE_MEANWHILE='sleep 5'
    "$host" -q migrate -s false web host2 3>&- &
    local under_way=$!
    until "$host" jobs | grep -q running; do sleep 0.1; done
    run -0 timeout 30 "$host" jobs --watch
    wait $under_way
    [ "$(grep -c ' running .* [0-9.]* host2 ' <<<"$output")" -ge 2 ]
    [[ ${lines[-1]} == *" unfinished "* ]] # as this program leaves it
    run -0 timeout 30 "$host" --json jobs --watch
    valid jobs <<<"$output"
}

@test "what recovery does with a migration, and what it leaves, is valid" {
    prints 0 recover
    run -0 "$host" migrate -s false web host2
    schema=recover prints 0 -N recover
    tells 'o["migrations"][0]["asks"] and o["migrations"][0]["action"] == "decide" and not o["migrations"][0]["reason"]'
    schema=recover prints 0 -N recover --assume-rolled-back ids
    tells 'o["migrations"][0]["asks"] and o["migrations"][0]["action"] != "decide"'
    run -0 "$host" -N recover
    [[ $output == "ids and its target"*" depend on what host2 would answer; without an answer they would stay as they are (migration $migration)" ]]
    prints 9 release ids
    tells 'not o["migrations"][0]["settled"]'
    prints 9 recover
    tells 'o["migrations"][0]["action"] == "decide"'
    # The copies have ended meanwhile.
    sed -i 's/"domid":[ 0-9]*/"domid":77/g' "$FAKE_HOST/migrations/$migration.source/journal"
    schema=recover prints 0 -N recover
    tells 'o["migrations"][0]["action"] in ("nothing", "decide")'
    prints 0 recover
    tells 'o["migrations"][0]["settled"]'
}

@test "the states are those of the state machine" {
    python3 - "$schemas" "$DOMM_SOURCE/lib/migrate/fsm/state.c" <<'END'
import json, re, sys
def states(name, *path):
    value = json.load(open(f"{sys.argv[1]}/{name}.schema.json"))["$defs"]
    for member in path:
        value = value[member]
    return set(value["enum"])
rows = re.findall(r'\[DOMM_(SRC|DST)_\w+\] = \{"([^"]+)"', open(sys.argv[2]).read())
assert states("migrate", "state", "properties", "state") == {name for end, name in rows if end == "SRC"}
assert states("jobs", "job", "properties", "state") == {name for _, name in rows} | {"begun"}
END
}
