#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A target that is a PV guest: watched, and moved with its monitor. Its dirty pages cannot be tracked on
# a Xen without shadow paging either, so both guests are copied by comparing.

load helpers
load migrate

setup_file() {
	lab watched
	on host1 'domm destroy domm1; xl destroy target1; xl create /etc/xen/target1.cfg "type=\"pv\""'
	eventually 300 in_guest host1 target1 'pgrep ticker'
	on host1 'domm create /etc/xen/watch.cfg'
	prepare_witness
}

@test "a PV target is watched: memory, network and storage" {
	[ "$(on host1 'domm --json list target1' | jq -r '.domains[0].type')" = pv ]
	ready_at host1
	in_guest host1 domm1 "domm-kernel-check baseline -o /tmp/baseline $mem && domm-kernel-check check -b /tmp/baseline $mem"
}

@test "it moves with its monitor, and no tick is missed" {
	start_witness host1
	before=$(identity host1)
	migrate host1 host2 -d tcp
	tell_report "a PV target, by TCP"
	[ "$(figure .outcome)" = moved ]
	[ "$(figure '.guests[1].unmonitored_cpu_ns')" = 0 ]
	ready_at host2
	eventually 60 nothing_left_at host1
	[ "$(identity host2)" = "$before" ]
	sleep 5
	stop_witness host2
}

@test "and back; what was found out about its kernel before still holds" {
	migrate host2 host1 -d tcp
	tell_report "back"
	[ "$(figure '.guests[1].unmonitored_cpu_ns')" = 0 ]
	ready_at host1
	in_guest host1 domm1 "domm-kernel-check check -b /tmp/baseline $mem"
}
