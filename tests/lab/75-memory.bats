#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A target's memory in domM, on real Xen: mapped read-only by dommd, offered as a file by
# domm-agent, taken back in every way it can be. The tests build on each other, in their order.

load helpers

mem=/run/domm/target1/mem

setup_file() {
	lab up
	lab restore watched # as 70-pair.bats leaves it
	cc -O2 -Wall -Wextra -Werror -static -o "$BATS_FILE_TMPDIR/hostile" "$here/guest/hostile.c" \
		-lxenvchan -lxengnttab -lxenevtchn -lxenstore -lxentoolcore -lxentoollog
	lab ssh filer 'cat > /srv/guests/domm1/usr/local/sbin/hostile &&
		chmod 755 /srv/guests/domm1/usr/local/sbin/hostile' <"$BATS_FILE_TMPDIR/hostile"
	lab ssh filer 'cat > /srv/guests/domm1/usr/local/sbin/find-ticks' <"$here/guest/find-ticks"
	# domM's NFS client remembers for a while what was not there.
	eventually 120 in_guest host1 domm1 'test -x /usr/local/sbin/hostile -a -e /usr/local/sbin/find-ticks'
}

# How many frames of others domm1 maps, by a scan of its page tables.
mapped() { on host1 'dommd --scan domm1' | sed -n 's/^domm1 .*: \([0-9]*\) foreign.*/\1/p'; }
maps_nothing() { [ "$(mapped)" = 0 ]; }

info() { in_guest host1 domm1 "cat /run/domm/target1/info.json" | jq -r "$1"; }
complete() { [ "$(info .complete)" = true ]; }

# The live counter, at the offset that the first search has found.
tick() {
	in_guest host1 domm1 "dd if=$mem bs=8 count=1 skip=$(($(cat "$BATS_FILE_TMPDIR/offset") / 8 + 3)) |
		od -An -tu8" | tr -d ' '
}

moves() {
	local first
	first=$(tick)
	sleep 1
	[ "$(tick)" -gt "$first" ]
}

@test "the target's memory is there, and in it the page of its ticker, which moves" {
	eventually 120 complete
	[ "$(info .attached)" = true ]
	[ "$(info .frames_mapped)" -gt 30000 ]
	note "$(in_guest host1 domm1 'journalctl -u domm-agent -o cat' | grep 'frames mapped in' | tail -n 1)"
	in_guest host1 domm1 "perl /usr/local/sbin/find-ticks $mem" >"$BATS_FILE_TMPDIR/offset"
	[ -s "$BATS_FILE_TMPDIR/offset" ]
	moves
	[ "$(mapped)" = "$(info .frames_mapped)" ]
}

@test "it cannot be written" {
	run in_guest host1 domm1 "dd if=/dev/zero of=$mem bs=8 count=1 conv=notrunc"
	[ "$status" != 0 ]
	[[ $output == *"Read-only"* ]]
	[[ $(on host1 'dommd --scan domm1') == *", 0 writable"* ]]
}

@test "dommd killed and started again loses no mapping" {
	before=$(mapped)
	[ "$before" -gt 30000 ]
	on host1 'systemctl kill -s KILL dommd; systemctl stop dommd'
	[ "$(mapped)" = "$before" ]
	moves
	on host1 'systemctl start dommd'
	sleep 90 # longer than the grace: the agent has claimed them anew
	[ "$(mapped)" = "$before" ]
	moves
}

@test "malformed and greedy requests are refused, and the agent goes on" {
	before=$(mapped)
	run in_guest host1 domm1 'hostile noise 200'
	[ "$status" = 0 ]
	note "noise: $output"
	[[ $output != *" 0 channels"* ]]
	run in_guest host1 domm1 'hostile flood 500'
	[ "$status" = 0 ]
	note "flood: $output"
	on host1 'systemctl is-active dommd && journalctl -u dommd -o cat | grep -q "malformed request"'
	[ "$(mapped)" = "$before" ]
	moves
}

@test "what is taken back by detach is EIO, and attach brings it again" {
	on host1 'domm detach domm1'
	maps_nothing
	run in_guest host1 domm1 "dd if=$mem bs=4096 count=1 of=/dev/null"
	[ "$status" != 0 ]
	[[ $output == *"Input/output error"* ]]
	[ "$(info .attached)" = false ]
	note "$(on host1 'journalctl -u dommd -o cat' | grep 'taken back' | tail -n 1)"
	on host1 "domm attach domm1 target1"
	eventually 120 moves
}

@test "a target that is destroyed leaves nothing behind" {
	[ "$(mapped)" -gt 30000 ]
	free=$(on host1 'xl info | sed -n "s/^free_memory *: //p"')
	memory=$(on host1 'xl list target1 | awk "END { print \$3 }"')
	on host1 'xl destroy target1'
	eventually 60 maps_nothing
	gone() { ! on host1 'xl list' | grep -q -e '^target1 ' -e '(null)'; }
	eventually 60 gone
	after=$(on host1 'xl info | sed -n "s/^free_memory *: //p"')
	note "free memory: $free MiB, then $after MiB; the target had $memory MiB"
	[ "$after" -ge $((free + memory)) ]
	run in_guest host1 domm1 "dd if=$mem bs=4096 count=1 of=/dev/null"
	[[ $output == *"Input/output error"* ]]
}
