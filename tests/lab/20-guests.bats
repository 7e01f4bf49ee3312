#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A target and a monitor run from NFS; the target survives plain xl migrate. This is the
# baseline that later figures are compared with. Leaves the snapshot "pair".

load helpers

setup_file() {
	lab targets
	lab start domm1
	lab snapshot pair
}

@test "the target is PVH, has its root on the filer and counts ticks there" {
	on host1 'xl list -l target1 | jq -e ".[0].config.c_info.type == \"pvh\""'
	[[ $(in_guest host1 target1 'findmnt -no FSTYPE,SOURCE /') =~ nfs.*10.99.0.3:/srv/guests/target1 ]]
	before=$(ticks target1)
	sleep 5
	after=$(ticks target1)
	note "ticks $before, 5 s later $after"
	[ "$after" -gt "$before" ]
}

@test "the target sends its ticks in UDP packets" {
	run on filer 'timeout 100 tcpdump -c 3 -Anni eth1 udp port 7777 and src 10.99.0.11 2>/dev/null'
	[ "$status" = 0 ]
	[[ $output == *"10.99.0.3.7777: UDP"* ]]
}

@test "the monitor is PV, has its root on the filer, and privcmd" {
	on host1 'xl list -l domm1 | jq -e ".[0].config.c_info.type == \"pv\""'
	[[ $(in_guest host1 domm1 'findmnt -no FSTYPE,SOURCE /') =~ nfs.*10.99.0.3:/srv/guests/domm1 ]]
	in_guest host1 domm1 'modprobe xen-privcmd; test -c /dev/xen/privcmd'
}

@test "the target survives xl migrate to host2 and back" {
	lab restore pair
	boot_id=$(in_guest host1 target1 'cat /proc/sys/kernel/random/boot_id')
	at=host1
	for to in host2 host1; do
		before=$(ticks target1)
		start=$(date +%s%N)
		on $at "xl migrate target1 $to"
		note "xl migrate target1 $at -> $to: $((($(date +%s%N) - start) / 1000000)) ms"
		[ "$(on $at 'xl list | grep -c target1')" = 0 ]
		[ "$(in_guest $to target1 'cat /proc/sys/kernel/random/boot_id')" = "$boot_id" ]
		eventually 60 eval '[ "$(ticks target1)" -gt "$before" ]'
		at=$to
	done
}

@test "xl cannot live-migrate the monitor on this Xen: what domm must do better" {
	lab restore pair
	run on host1 'xl migrate domm1 host2'
	[ "$status" != 0 ]
	[[ $output == *"Failed to enable logdirty"* ]]
}
