#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A process of a migration is killed, as by a crash: no guest is lost, none runs twice, and none runs
# unmonitored; domm recover settles what is left. Its timer is off.

load helpers
load migrate

setup_file() { lab watched; }
setup() {
	lab restore watched
	eventually 60 ready_at host1
	for host in host1 host2; do on $host 'systemctl stop domm-recover.timer'; done
}

state_of() { on "$1" "domm --json list $2" | jq -r '.domains[0].state'; }
stands() { [ "$(state_of "$1" "$2")" = suspended ]; }
in_state() { on host1 "grep -q '\"state\":\"$1\"' /run/m.out"; }

@test "the source is killed while its guests stand still: domm recover has them run again, the monitor first" {
	begin_migration host1 host2 -d tcp
	eventually 120 copying host1
	# The destination waits for its dommd, or the moment before COMMIT would be too short to hit.
	on host2 'pkill -STOP -x dommd'
	eventually 200 in_state preparing
	sleep 2
	on host1 'pkill -KILL -x domm'
	on host2 'pkill -CONT -x dommd'
	eventually 100 nothing_left_at host2
	stands host1 domm1--migratedaway
	stands host1 target1--migratedaway
	run on host1 'domm migrate domm1--migratedaway host2'
	[ "$status" = 6 ]
	[[ $output == *"domm recover"* ]]
	run on host1 'domm recover'
	echo "$output"
	[ "$status" = 0 ]
	ready_at host1
	before=$(ticks target1)
	eventually 30 eval '[ "$(ticks target1)" -gt "$before" ]'
	migrate host1 host2 -d tcp
	[ "$(figure .outcome)" = moved ]
}

@test "the destination is killed while it receives: everything is taken back, and it can be tried again" {
	begin_migration host1 host2 -d tcp
	eventually 120 copying host1
	on host2 'pkill -KILL -f "domm receive$"'
	eventually 200 ended host1
	on host1 'cat /run/m.err'
	[ "$(code host1)" = 7 ]
	eventually 60 ready_at host1
	on host2 'xl list'
	migrate host1 host2 -d tcp
	[ "$(figure .outcome)" = moved ]
	[ "$(on host2 'xl list' | grep -c -e --incoming)" = 0 ]
	[ -z "$(stray_vifs host2)" ]
}

@test "a receiver is killed while it receives: everything is taken back, and nothing is left of its vifs" {
	begin_migration host1 host2 -d tcp
	eventually 120 copying host1
	on host2 'pkill -KILL -n -f "domm receive$"'
	taken_back 7
	[[ $(on host1 'cat /run/m.err') == *"has died"* ]]
	migrate host1 host2 -d tcp
	[ "$(figure .outcome)" = moved ]
	[ -z "$(stray_vifs host2)" ]
}

@test "the destination is killed when the guests are its own: domm recover there has them run" {
	begin_migration host1 host2 -d tcp -b 6
	eventually 120 begun host1
	in_guest host1 domm1 'systemctl stop domm-agent' # or it would be ready too soon
	# The moment between the hand-over and the monitor's readiness.
	adopted() { on host2 'grep -q "\"what\":\"adopted\"" /var/lib/domm/migrations/*.destination/journal'; }
	eventually 300 adopted
	on host2 'pkill -KILL -f "domm receive$"'
	eventually 100 ended host1
	on host1 'cat /run/m.err'
	[ "$(code host1)" = 9 ]
	[ "$(state_of host2 target1)" = paused ]
	[ "$(on host1 'xl list' | grep -c -e "^target1 ")" = 0 ] # not under its name
	in_guest host2 domm1 'systemctl start domm-agent'
	run on host2 'domm recover'
	echo "$output"
	[ "$status" = 0 ]
	ready_at host2
	run on host1 'domm release domm1--migratedaway'
	echo "$output"
	[ "$status" = 9 ]
	on host1 'domm recover'
	eventually 60 nothing_left_at host1
}
