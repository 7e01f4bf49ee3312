#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm recover after the moments in which only the other host knows who has the guests: COMMIT or its
# answer is lost on the way, and the source is killed; and domm abort. The timer is off, except in its own test.

load helpers
load migrate

setup_file() { lab watched; }
setup() {
	lab restore watched
	eventually 60 ready_at host1
	for host in host1 host2; do on $host 'systemctl stop domm-recover.timer'; done
	lab ssh host1 'cat > /usr/local/sbin/wire && chmod 755 /usr/local/sbin/wire' <"$here/host/wire"
}

state_of() { on "$1" "domm --json list $2" | jq -r '.domains[0].state'; }
in_state() { on host1 "grep -q '\"state\":\"$1\"' /run/m.out"; }
recover() {
	run on "$1" "domm recover ${2:-}"
	echo "$output"
}
job() { on "$1" 'domm --json jobs' | jq -r ".jobs[0].$2"; }

# loses FAULT: moves the pair by a link with that fault, and kills the source once it has happened.
loses() {
	on host1 "rm -f /run/wire.cut; echo $1 > /run/wire"
	begin_migration host1 host2 -d tcp -s wire
	eventually 300 on host1 'test -e /run/wire.cut'
	sleep 2
	on host1 'pkill -KILL -x domm'
	[ "$(job host1 running)" = false ]
	[ "$(job host1 state)" = committing ]
}

# The original as it was, and monitored.
runs_at() {
	eventually 120 ready_at "$1"
	before=$(ticks target1)
	eventually 30 eval '[ "$(ticks target1)" -gt "$before" ]'
}

@test "COMMITTED is lost and host2 runs the guests: host1 asks, and destroys its stale copies" {
	loses drop-committed
	runs_at host2
	run on host1 'domm release domm1--migratedaway'
	[ "$status" = 9 ]
	[[ $output == *"run domm recover"* ]]
	recover host1
	[ "$status" = 0 ]
	[[ $output == *"stale copies here are destroyed"* ]]
	eventually 60 nothing_left_at host1
	recover host1
	[ "$status" = 0 ]
	[ -z "$output" ]
	ready_at host2
}

@test "COMMIT is held up and the receiver waits for it: it gives up when asked, and host1 runs the guests" {
	loses hold-commit
	[ "$(job host2 state)" = prepared ]
	[ "$(job host2 running)" = true ]
	recover host1
	[ "$status" = 0 ]
	[[ $output == *"run here"* ]]
	runs_at host1
	eventually 60 nothing_left_at host2
	on host1 'pkill -f [/]usr/local/sbin/wire; true' # if it still holds COMMIT
	sleep 5
	runs_at host1
	nothing_left_at host2
}

@test "COMMITTED is lost, the guests ran at host2 and host2 is reset: they are not run at host1 again" {
	loses drop-committed
	runs_at host2
	eventually 60 on host2 'ls /var/lib/domm/migrations/*.destination/over'
	on host2 sync
	lab fault kill host2
	recover host1
	[ "$status" = 9 ]
	[[ $output == *"does not answer"* ]]
	[ "$(state_of host1 target1--migratedaway)" = suspended ]
	lab fault restore
	recover host1
	[ "$status" = 0 ]
	[[ $output == *"stale copies here are destroyed"* ]]
	eventually 60 nothing_left_at host1
}

@test "COMMITTED is lost, and the pair has left host2 again: they are not run at host1 again" {
	loses drop-committed
	runs_at host2
	eventually 60 on host2 'ls /var/lib/domm/migrations/*.destination/over'
	on host2 'xl destroy domm1; xl destroy target1' # as after a migration to a third host
	recover host1
	[ "$status" = 0 ]
	[[ $output == *"stale copies here are destroyed"* ]]
}

@test "host2 is reset before the target ran there: it is asked in vain, and an assumption decides" {
	on host1 "sed -i 's/\"ready_timeout\":[0-9]*/\"ready_timeout\":600/' /var/lib/xen/userdata-d.$(on host1 'xl domid domm1').*.domm"
	on host1 "rm -f /run/wire.cut; echo drop-committed > /run/wire"
	begin_migration host1 host2 -d tcp -s wire -b 6
	eventually 120 begun host1
	in_guest host1 domm1 'systemctl stop domm-agent' # or it would be ready too soon
	eventually 400 on host1 'test -e /run/wire.cut'
	on host1 'pkill -KILL -x domm'
	[ "$(state_of host2 target1)" = paused ]
	lab fault kill host2
	lab fault restore
	recover host1
	[ "$status" = 9 ]
	[[ $output == *"has taken them over and no longer has them"*"--assume-rolled-back"* ]]
	recover host1 '--assume-rolled-back domm1'
	[ "$status" = 0 ]
	[[ $output == *"with a fresh monitor"* ]]
	runs_at host1
}

@test "a source that is killed and owns its guests runs them again by itself" {
	on host1 'systemctl start domm-recover.timer'
	begin_migration host1 host2 -d tcp
	eventually 120 copying host1
	on host2 'pkill -STOP -x dommd'
	eventually 200 in_state preparing
	on host1 'pkill -KILL -x domm'
	on host2 'pkill -CONT -x dommd'
	runs_at host1
	[ "$(on host1 'domm --json jobs' | jq '.jobs | length')" = 0 ]
	on host2 'systemctl start domm-recover.timer'
	eventually 120 nothing_left_at host2
}

@test "abort from another terminal, at the other host, takes everything back" {
	begin_migration host1 host2 -d tcp -b 3
	eventually 120 copying host1
	[ "$(job host1 state)" = copying ]
	run on host2 'domm abort target1'
	echo "$output"
	[ "$status" = 0 ]
	taken_back 8
	run on host1 'domm abort target1'
	[ "$status" = 5 ]
}
