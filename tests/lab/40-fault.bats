#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Faults of the lab: what they look like from inside, and that they can be undone.

load helpers

setup_file() {
	lab up
	lab reset
}

teardown() {
	keep_failure
	lab fault restore
}

carrier() { on host2 'cat /sys/class/net/eth1/carrier'; }

@test "cut: host2 sees its carrier go, nobody reaches it; restore: both come back" {
	[ "$(carrier)" = 1 ]
	on host1 'ping -c 1 -W 5 host2'
	lab fault cut host2
	eventually 10 eval '[ "$(carrier)" = 0 ]'
	note "cut: host2 eth1 carrier $(carrier); $(on host1 'ping -c 2 -W 2 host2 | grep loss')"
	run on host1 'ping -c 2 -W 2 host2'
	[ "$status" != 0 ]
	lab fault restore
	eventually 10 eval '[ "$(carrier)" = 1 ]'
	eventually 20 on host1 'ping -c 1 -W 2 host2'
	note "restored: host2 eth1 carrier $(carrier); $(on host1 'ping -c 2 -W 2 host2 | grep loss')"
}

@test "cut: a transfer in flight stands still, and goes on after restore" {
	on host1 'rm -f /tmp/ended
		setsid sh -c "head -c 60000000 /dev/zero | ssh host2 \"cat > /tmp/sink\"; echo \$? > /tmp/ended" >/dev/null 2>&1 &'
	eventually 60 on host2 'test -s /tmp/sink'
	lab fault cut host2
	a=$(on host2 'sleep 1; stat -c %s /tmp/sink')
	b=$(on host2 'sleep 2; stat -c %s /tmp/sink')
	[ "$a" = "$b" ]
	lab fault restore
	eventually 120 eval '[ "$(on host1 "cat /tmp/ended 2>/dev/null")" = 0 ]'
	[ "$(on host2 'stat -c %s /tmp/sink')" = 60000000 ]
}

@test "slow: the round trip takes longer by the delay" {
	lab fault slow host2 --delay 300
	rtt=$(on host1 'ping -c 3 host2' | sed -n 's|.*= \([0-9]*\)\..*|\1|p')
	[ "$rtt" -ge 300 ]
	lab fault restore
	[ "$(on host2 'tc qdisc show dev eth1' | grep -c netem)" = 0 ]
}

@test "kill: the machine is off at once; restore boots it" {
	lab fault kill host2
	[[ $(lab status) =~ host2\ *off ]]
	run lab up
	[ "$status" = 1 ]
	[[ $output == *"not host2"*"fault restore"* ]]
	run on host1 'ping -c 1 -W 2 host2'
	[ "$status" != 0 ]
	lab fault restore
	on host2 'xl list'
	on host1 'ping -c 1 -W 5 host2'
}

@test "a killed machine comes back in a snapshot too" {
	lab fault kill host1
	lab restore booted
	[ "$(on host1 'ssh host2 hostname')" = host2 ]
}
