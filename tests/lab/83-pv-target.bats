#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A target that is a PV guest: watched, and moved with its monitor. Its dirty pages cannot be tracked on
# a Xen without shadow paging either, so both guests are copied by comparing.

load helpers
load migrate

setup_file() {
	lab watched
	lab ssh filer 'cat > /srv/guests/target1/root/disguise.ko' <"$(lab modules)/disguise.ko"
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

# Its tables of frames are the target's own to write: whatever it says in them, all of its pages are seen, at
# the place on which both tables agree or beyond its memory.
@test "what a PV target's kernel hides in its tables is seen" {
	in_target() { in_guest host1 target1 "$1"; }
	said() { in_guest host1 domm1 "dd if=$mem bs=4096 skip=$1 count=1 2>/dev/null" | tr -d '\0'; }
	is_beyond() { in_guest host1 domm1 "grep -a -q 'disguise: evil $1' /run/domm/target1/beyond"; }
	says() { [ "$(said "$1")" = "$2" ]; }
	act() { in_target "echo $1 >/sys/module/disguise/parameters/do" && sleep 1; }
	pages() { on host1 'domm --json monitor-status domm1' | jq -c '.monitors[0].targets[0].memory.pages'; }
	all_seen() { jq -e '.owned == .seen and .hidden == 0' <<<"$(pages)" >/dev/null; }
	in_target 'insmod /root/disguise.ko'
	read -r gfn other < <(in_target dmesg | sed -n 's/.*disguise: gfn \([0-9]*\), other \([0-9]*\)/\1 \2/p')
	[ "$(said "$gfn")" = 'disguise: clean 0' ]
	act swap
	[ "$(said "$gfn")" = 'disguise: evil 1' ]
	# dommd asks for the owner of each frame of the host, some at a time; meanwhile it counts as hidden.
	act misname
	eventually 60 is_beyond 2
	act unname
	eventually 60 is_beyond 3
	act rename
	eventually 10 says "$other" 'disguise: evil 4'
	says "$gfn" ''
	eventually 10 all_seen
	note "$(pages)"
	on host1 'domm -q monitor-status domm1' >/dev/null
	in_guest host1 domm1 "domm-kernel-check check -b /tmp/baseline $mem"
}
