#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A target's memory in domM, on real Xen: mapped read-only by dommd, offered as a file by
# domm-agent, taken back in every way it can be. The tests build on each other, in their order.

load helpers

mem=/run/domm/target1/mem
target1=d0330000-0000-4000-8000-000000000011

setup_file() {
	lab up
	lab restore pair
	lab push
	cc -O2 -Wall -Wextra -Werror -static -o "$BATS_FILE_TMPDIR/hostile" "$here/guest/hostile.c" \
		-lxenvchan -lxengnttab -lxenevtchn -lxenstore -lxentoolcore -lxentoollog
	lab ssh filer 'cat > /srv/guests/domm1/usr/local/sbin/hostile &&
		chmod 755 /srv/guests/domm1/usr/local/sbin/hostile' <"$BATS_FILE_TMPDIR/hostile"
	lab ssh filer 'cat > /srv/guests/domm1/usr/local/sbin/find-ticks' <"$here/guest/find-ticks"
	on host1 'modprobe -a xen-gntdev xen-evtchn xen-privcmd; systemctl restart dommd'
	in_guest host1 domm1 'modprobe -a xen-gntalloc xen-evtchn xen-privcmd fuse
		systemctl daemon-reload; systemctl restart domm-agent'
}

# The record that makes a domain a domM, as libxl keeps its userdata.
record() {
	on host1 "id=\$(xl domid domm1); uuid=\$(xl list -l domm1 | jq -r '.[0].config.c_info.uuid')
		printf %s '{\"version\":1,\"targets\":[$1]}' > /var/lib/xen/userdata-d.\$id.\$uuid.domm"
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

@test "without a record nothing is mapped and no file is there" {
	[ "$(mapped)" = 0 ]
	run in_guest host1 domm1 "ls $mem"
	[ "$status" != 0 ]
}

@test "the target's memory is there, and in it the page of its ticker, which moves" {
	record "\"$target1\""
	eventually 120 complete
	[ "$(info .attached)" = true ]
	[ "$(info .frames_mapped)" -gt 60000 ]
	note "$(in_guest host1 domm1 'journalctl -u domm-agent -o cat' | grep 'frames mapped in')"
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
	[ "$before" -gt 60000 ]
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

@test "an empty record takes everything back, and reading is EIO" {
	record ""
	eventually 60 maps_nothing
	run in_guest host1 domm1 "dd if=$mem bs=4096 count=1 of=/dev/null"
	[ "$status" != 0 ]
	[[ $output == *"Input/output error"* ]]
	[ "$(info .attached)" = false ]
	note "$(on host1 'journalctl -u dommd -o cat' | grep 'taken back' | tail -n 1)"
	record "\"$target1\""
	eventually 120 moves
}

@test "a target that is destroyed leaves nothing behind" {
	[ "$(mapped)" -gt 60000 ]
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
