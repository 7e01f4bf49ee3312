#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What becomes of the target when the monitor does not get ready at the destination: what --on-not-ready says,
# or what somebody decides afterwards. (That it stands still until then: 86-migrate.bats.)

load helpers
load migrate

setup_file() { lab watched; }
setup() {
	lab restore watched
	eventually 60 ready_at host1
}

# goes_deaf SECONDS OPTION...: moves the pair with a monitor that cannot get ready within its time: its
# agent ends on the way, and only a monitor that boots anew has one.
goes_deaf() {
	local seconds=$1 id
	shift
	id=$(on host1 'xl domid domm1')
	on host1 "sed -i 's/\"ready_timeout\":[0-9]*/\"ready_timeout\":$seconds/' /var/lib/xen/userdata-d.$id.*.domm"
	begin_migration host1 host2 -d tcp -b 6 "$@"
	eventually 120 begun host1
	in_guest host1 domm1 'systemctl stop domm-agent'
	boot=$(in_guest host1 domm1 'cat /proc/sys/kernel/random/boot_id')
}

# concluded CODE: with the report in $report.
concluded() {
	eventually 600 ended host1
	on host1 'cat /run/m.err'
	[ "$(code host1)" = "$1" ]
	report=$(on host1 'grep "\"report\"" /run/m.out')
}

target_state() { on host2 'domm --json list target1' | jq -r '.domains[0].state'; }
target_runs() { [ "$(target_state)" != paused ]; }

@test "force: the target runs, and everybody is told that nobody watches it" {
	goes_deaf 10 -r force
	concluded 0
	[[ $(on host1 'cat /run/m.err') == *"target1 was run unmonitored"* ]]
	[ "$(figure '.outcome, .forced_unmonitored' | tr '\n' ' ')" = 'moved true ' ]
	[ "$(figure '.guests[1].unmonitored_wall_ns')" -gt 0 ]
	target_runs
	run on host2 'domm monitor-status domm1'
	[ "$status" -ge 10 ]
	in_guest host2 domm1 'systemctl start domm-agent'
	eventually 60 ready_at host2
}

@test "restart: a fresh monitor for the target, which waits for it" {
	goes_deaf 80 -r restart
	concluded 0
	[ "$(figure '.outcome, .monitor_replaced, .forced_unmonitored' | tr '\n' ' ')" = 'moved true false ' ]
	[ "$(figure '.guests[1].unmonitored_cpu_ns')" = 0 ]
	ready_at host2
	target_runs
	[ "$(in_guest host2 domm1 'cat /proc/sys/kernel/random/boot_id')" != "$boot" ]
	eventually 60 nothing_left_at host1
}

@test "hold, and force afterwards" {
	goes_deaf 10
	concluded 9
	[ "$(figure .outcome)" = held ]
	[ "$(target_state)" = paused ]
	on host2 'domm release --force domm1'
	eventually 30 target_runs
}
