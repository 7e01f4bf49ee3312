#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The two savers, the receiver and the mapping state, on real Xen: each guest of the pair that
# 70-pair.bats leaves is moved by hand with save-tool. The tests build on each other, in their order.

load helpers

mem=/run/domm/target1/mem

setup_file() {
	lab up
	lab restore watched
	for host in host1 host2; do
		lab ssh $host 'cat > /usr/local/sbin/save-tool && chmod 755 /usr/local/sbin/save-tool' \
			<"$DOMM_BUILD/tests/lab/save-tool"
	done
	lab ssh filer 'cat > /srv/guests/domm1/usr/local/sbin/find-ticks' <"$here/guest/find-ticks"
	eventually 120 in_guest host1 domm1 'test -e /usr/local/sbin/find-ticks'
	in_guest host1 domm1 "perl /usr/local/sbin/find-ticks $mem" >"$BATS_FILE_TMPDIR/offset"
	# It would take the mappings back from a domM that is asked to suspend.
	on host1 'systemctl stop dommd'
	on host2 'systemctl stop dommd'
}

tick() {
	in_guest "$1" domm1 "dd if=$mem bs=8 count=1 skip=$(($(cat "$BATS_FILE_TMPDIR/offset") / 8 + 3)) |
		od -An -tu8" | tr -d ' '
}

moves() {
	local first
	first=$(tick "$1")
	sleep 1
	[ "$(tick "$1")" -gt "$first" ]
}

mapped() { on "$1" 'dommd --scan domm1' | sed -n 's/^domm1 .*: \([0-9]*\) foreign.*/\1/p'; }
id() { on "$1" "xl domid $2"; }
counts() {
	local first
	first=$(ticks "$1")
	sleep 3
	[ "$(ticks "$1")" -gt "$first" ]
}

# figures HOST FILE: what save-tool has said of it, for the reader.
figures() { on "$1" "cat $2" | while read -r line; do note "$line"; done; }

@test "a save of domM given up before and after its stop leaves it as it was" {
	before=$(mapped host1)
	[ "$before" -gt 30000 ]
	for gate in abort late-abort; do
		run on host1 "save-tool save $(id host1 domm1) compared $gate state /run/m.state $(id host1 target1) >/dev/null"
		echo "$output"
		[ "$status" = 8 ]
		[[ $output == *"undone: the guest goes on"* ]]
		[ "$(mapped host1)" = "$before" ]
		moves host1
	done
}

@test "a save of the target given up before and after its stop leaves it as it was" {
	for gate in abort late-abort; do
		run on host1 "save-tool save $(id host1 target1) tracked $gate >/dev/null"
		echo "$output"
		[ "$status" = 8 ]
		counts target1
	done
}

@test "a target alone is moved while it runs, and all of its pages have arrived" {
	on host1 "save-tool config $(id host1 target2) >/run/t2.json && scp -q /run/t2.json host2:/run/"
	on host1 "set -o pipefail; save-tool save $(id host1 target2) tracked 1 verify 2>/run/t2.log |
		ssh host2 'save-tool restore target2 /run/t2.json 2>/run/t2.log >/run/t2.id'"
	figures host1 /run/t2.log
	figures host2 /run/t2.log
	[[ $(on host2 'cat /run/t2.log') != *verify*failed* ]]
	on host2 'save-tool start $(cat /run/t2.id) target2'
	on host1 'xl destroy target2'
	counts target2
}

@test "the pair is moved, the mappings with it" {
	before=$(mapped host1)
	target=$(id host1 target1) domm=$(id host1 domm1)
	boot=$(in_guest host1 domm1 'cat /proc/sys/kernel/random/boot_id; pidof domm-agent')
	on host1 "rm -f /run/stop
		save-tool config $target >/run/t.json && save-tool config $domm >/run/d.json
		scp -q /run/t.json /run/d.json host2:/run/"
	on host1 "set -o pipefail
		(save-tool save $target tracked 1 2>/run/t.log |
			ssh host2 'save-tool restore target1 /run/t.json 2>/run/t.log >/run/t.id'
		touch /run/stop) &
		save-tool save $domm compared /run/stop verify state /run/m.state $target 2>/run/d.log |
			ssh host2 'save-tool restore domm1 /run/d.json 2>/run/d.log >/run/d.id' || exit 1
		wait
		scp -q /run/m.state host2:/run/"
	for log in /run/t.log /run/d.log; do
		figures host1 $log
		figures host2 $log
		[[ $(on host2 "cat $log") != *verify*failed* ]]
	done
	run on host2 'save-tool reattach $(cat /run/d.id) /run/m.state $(cat /run/t.id)'
	note "$output"
	[ "$status" = 0 ]
	on host2 'save-tool start $(cat /run/d.id) domm1 && save-tool start $(cat /run/t.id) target1'
	on host1 'xl destroy domm1; xl destroy target1'
	[ "$(mapped host2)" -ge $((before - 64)) ] # frames of Xen in the target are not carried
	counts target1
	eventually 60 moves host2
	[ "$(in_guest host2 domm1 'cat /proc/sys/kernel/random/boot_id; pidof domm-agent')" = "$boot" ]
}

@test "a mapping state is refused for a target that lacks its frames" {
	run on host2 'save-tool reattach $(cat /run/d.id) /run/m.state $(cat /run/t2.id)'
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == *"is not the target of the state"* ]]
}
