#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What a monitor sees follows what its target does with its memory: a balloon in both directions, all
# of it mapped. Xen's count of the target's pages is the proof. The tests build on each other, in
# their order.

load helpers

mem=/run/domm/target1/mem
at=host1

setup_file() {
	lab watched
	eventually 120 in_domm "dd if=$mem bs=4096 count=1 of=/dev/null"
}

in_domm() { in_guest $at domm1 "$1"; }
in_target() { in_guest $at target1 "$1"; }

info() { in_domm 'cat /run/domm/target1/info.json' | jq -r "$1"; }
pages() { on $at 'domm --json monitor-status domm1' | jq -c ".monitors[0].targets[0].memory.pages$1"; }
all_seen() {
	local numbers
	numbers=$(pages '')
	jq -e '.owned == .seen and .hidden == 0' <<<"$numbers" >/dev/null || { echo "$numbers"; return 1; }
}
xen_has() { on $at "xl list target1 | awk 'END { print \$3 }'"; }
at_most() { [ "$(xen_has)" -le "$1" ]; }
at_least() { [ "$(xen_has)" -ge "$1" ]; }
ready() { on $at 'domm -q monitor-status domm1' >/dev/null; }

@test "every page that the target owns is seen" {
	eventually 60 all_seen
	note "$(info .pages | tr -d ' \n')"
	[ "$(info .pages.hidden)" = 0 ]
	[ "$(info .pages.beyond)" -gt 0 ]
	[ "$(info .pages.owned)" = "$(pages .owned)" ]
	[ "$(in_domm 'wc -c </run/domm/target1/beyond')" = $((4096 * $(info .pages.beyond))) ]
	ready
}

@test "the target gives memory back and gets it again, five times, with everything mapped" {
	for round in 1 2 3 4 5; do
		on $at 'xl mem-set target1 110'
		eventually 60 at_most 112
		eventually 30 all_seen
		on $at 'xl mem-set target1 160'
		eventually 60 at_least 158
		eventually 30 all_seen
		note "round $round: $(xen_has) MB; $(pages '')"
	done
	ready
	[ "$(info .frames)" -ge $((160 * 256)) ]
	[ "$(info .pages.hidden)" = 0 ]
}

@test "what the target writes afterwards is in the memory file, all of it" {
	# Each page has numbers of its own.
	in_target 'mkdir -p /tmp/marks && mount -t tmpfs -o size=64m none /tmp/marks && seq 1000000 5194303 >/tmp/marks/marks'
	[ "$(in_target 'wc -c </tmp/marks/marks')" = 33554432 ]
	run in_domm "perl -e '
		open(F, \"<:raw\", \"$mem\") or die;
		while (sysread(F, \$p, 4096)) {
			next unless \$p =~ /^(\\d{7})\\n/ && (\$1 - 1000000) % 512 == 0;
			\$seen{\$1} = 1 if substr(\$p, 4088) eq (\$1 + 511) . \"\\n\";
		}
		print scalar keys %seen;'"
	note "$output of 8192 pages"
	[ "$output" = 8192 ]
	in_target 'umount /tmp/marks'
}

@test "a target that boots with less memory than it may have is mapped once its balloon has settled, and lives" {
	on $at "xl destroy target2; xl create /etc/xen/target2.cfg memory=110 maxmem=160"
	run on $at 'domm attach domm1 target2'
	echo "$output"
	[ "$status" = 0 ]
	on $at 'journalctl -b -u dommd --no-pager' | grep 'target2.*on demand'
	in_domm 'wc -c </run/domm/target2/mem && cat /run/domm/target2/mem >/dev/null'
	in_guest $at target2 'pgrep ticker'
	ready
	on $at 'domm detach domm1 target2 && xl destroy target2'
}

@test "the pair moves with all of it mapped, and every page is seen again" {
	on $at 'domm migrate domm1 host2'
	at=host2
	eventually 60 ready
	eventually 60 all_seen
	note "$(pages '')"
}
