#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm migrate on real Xen: the pair of "lab watched" goes to host2 and back, watched by a
# witness in the monitor that counts every tick of the target. The tests build on each other, in their order.

load helpers
load migrate

setup_file() {
	lab watched
	prepare_witness
	prepare_reader
}

@test "-N checks both hosts, and changes nothing" {
	before=$(on host1 'xl list | cut -c1-40'; on host2 'xl list | cut -c1-40')
	run on host1 'domm migrate -N target1 host2'
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"can migrate to host2"* ]]
	[ "$before" = "$(on host1 'xl list | cut -c1-40'; on host2 'xl list | cut -c1-40')" ]
	ready_at host1
}

# hooks NAME...: what host1, then host2 has run of hooks since the last time is this.
hooks() {
	for host in host1 host2; do
		on $host "sed 's,^,$host ,' /run/hooks; rm /run/hooks"
	done | diff <(printf '%s\n' "$@") -
}

@test "a hook at either host stops the migration before anything is changed" {
	for host in host1 host2; do
		on $host 'mkdir -p /etc/domm/hooks.d; cd /etc/domm/hooks.d
			echo "#!/bin/sh
			echo \$DOMM_HOOK \$DOMM_ROLE \$DOMM_PEER \$DOMM_TARGET_1 \$DOMM_STATE >>/run/hooks
			[ ! -e /run/refuse ] || { echo not in the week of the fair >&2; exit 1; }" >pre-migrate
			chmod +x pre-migrate
			for name in pre-stop post-migrate rolled-back; do ln -s pre-migrate $name; done'
	done
	before=$(state)
	on host2 'touch /run/refuse'
	refuses 6 'the hook pre-migrate: not in the week of the fair' 'domm migrate domm1 host2'
	on host2 'rm /run/refuse'
	diff <(echo "$before") <(state)
	eventually 10 on host2 'grep rolled /run/hooks'
	hooks 'host1 pre-migrate source host2 target1 checking' 'host1 rolled-back source host2 target1 rolled back' \
		'host2 pre-migrate destination 10.99.0.1 target1 admitting' 'host2 rolled-back destination 10.99.0.1 target1 gone'
}

@test "the pair moves while the monitor watches: no tick is missed, no process notices" {
	start_witness host1
	start_reader host1
	in_background host1 domm1 "ngrep -l -q -d eth1 -W single 'EVIL-[A-Z]+' udp" /tmp/packets
	before=$(identity host1)
	# As its domm.cfg could have said.
	on host1 'sed -i "s/\"targets\"/\"migrate\":[\"timeout=900\"],&/" /var/lib/xen/userdata-d.$(xl domid domm1).*.domm'
	migrate host1 host2
	tell_report "host1 to host2, by ssh"
	figure .
	[ "$(figure .outcome)" = moved ]
	[ "$(figure '.guests[1].unmonitored_cpu_ns')" = 0 ]
	[ "$(figure '.guests[1].unmonitored_wall_ns')" = 0 ]
	[ "$(figure .ptes)" -gt 30000 ]
	ready_at host2
	on host2 'domm config target1' | grep -x 'timeout = "900"  # the pair'
	[ "$(vifs host2 domm1 | tr '\n' ' ')" = '2 2 ' ]
	[ "$(vifs host2 target1 | tr '\n' ' ')" = '1 1 ' ]
	eventually 60 nothing_left_at host1
	# It is for host2 now to tell if the target is not monitored.
	[ -z "$(on host1 'ls /var/lib/domm/expected')" ]
	[ "$(on host2 'ls /var/lib/domm/expected')" = d0330000-0000-4000-8000-000000000011 ]
	[ "$(identity host2)" = "$before" ]
	for host in host1 host2; do # each has logged its end
		on $host 'journalctl --sync; journalctl -q -o json DOMM_MONITOR=domm1 -n 1' | jq -r '[.DOMM_ROLE, .DOMM_OUTCOME, .DOMM_TARGET] | @csv'
	done >"$BATS_TEST_TMPDIR/logged"
	printf '"%s","moved","target1"\n' source destination | diff - "$BATS_TEST_TMPDIR/logged"
	hooks 'host1 pre-migrate source host2 target1 checking' 'host1 pre-stop source host2 target1 stopping' \
		'host1 post-migrate source host2 target1 moved' \
		'host2 pre-migrate destination 10.99.0.1 target1 admitting' 'host2 post-migrate destination 10.99.0.1 target1 moved'
	sleep 5
	stop_reader host2
	stop_witness host2
}

@test "after it everything goes on: new mappings, packets, storage" {
	in_guest host2 domm1 "perl /usr/local/sbin/find-ticks $mem"
	on host2 'echo EVIL-INBOUND > /dev/udp/10.99.0.11/4444'
	eventually 30 in_guest host2 domm1 'grep -q EVIL-INBOUND /tmp/packets'
	in_guest host2 target1 'echo here > /root/here; sync'
	eventually 30 in_guest host2 domm1 'grep -q here /run/domm-storage/target1/0/root/here'
}

@test "it goes back, by TLS, while a program reads the memory file without a pause" {
	in_background host2 domm1 "sh -c 'until test -e /tmp/enough; do nice cat $mem; done >/dev/null'" /tmp/reader
	before=$(identity host2)
	migrate host2 host1 -d tls
	tell_report "host2 to host1, by TLS"
	[ "$(figure '.guests[1].unmonitored_cpu_ns')" = 0 ]
	ready_at host1
	eventually 60 nothing_left_at host2
	[ "$(identity host1)" = "$before" ]
	in_guest host1 domm1 'pgrep -x cat; touch /tmp/enough; while pgrep -x cat; do sleep 1; done; test ! -s /tmp/reader'
}

@test "an interrupt before the hand-over takes everything back" {
	start_witness host1
	begin_migration host1 host2 -d tcp
	eventually 120 copying host1
	on host1 'pkill -USR1 -x domm' # all of its processes; the answer is one line
	eventually 10 on host1 'grep "copying.*  domm1 \[" /run/m.err'
	on host1 'pkill -INT -x domm'
	taken_back 8
	# What libxl and libxenguest make of it is no news.
	run on host1 'grep -E "(error|warning): (libxl|xc)" /run/m.err'
	echo "$output"
	[ -z "$output" ]
	stop_witness host1
}

@test "a destination that fails after the guests have stopped gives them back, the monitor first" {
	start_witness host1
	begin_migration host1 host2 -d tcp
	eventually 120 copying host1
	on host2 'systemctl stop dommd'
	eventually 200 ended host1
	on host2 'systemctl start dommd'
	taken_back 7
	[[ $(on host1 'cat /run/m.err') == *dommd* ]]
	grep '"report"' <<<"$(on host1 'cat /run/m.out')" | jq -e '.outcome == "rolled-back" and .guests[1].unmonitored_cpu_ns == 0'
	stop_witness host1
}

@test "a vif that fails at the destination is told before the guests stop, and nothing is left of it" {
	start_witness host1
	on host2 'mkdir -p /etc/xen/scripts/vif-post.d
		echo "if [ \$command = online ]; then fatal no luck; fi" >/etc/xen/scripts/vif-post.d/fail.hook
		chmod +x /etc/xen/scripts/vif-post.d/fail.hook'
	begin_migration host1 host2 -d tcp
	eventually 200 ended host1
	on host2 'rm /etc/xen/scripts/vif-post.d/fail.hook'
	taken_back 7
	[[ $(on host1 'cat /run/m.err') == *"making vif 0: its script said: no luck"* ]]
	on host1 '! grep "\"state\":\"stopping\"" /run/m.out'
	stop_witness host1
}

@test "a link that is lost is a failure, and no wait" {
	begin_migration host1 host2 -d tcp
	eventually 120 copying host1
	lab fault cut host2
	eventually 200 ended host1
	lab fault restore
	taken_back 7
	[[ $(on host1 'cat /run/m.err') == *silent* ]]
}

@test "a monitor that is not ready leaves its target held, until it is" {
	id=$(on host1 'xl domid domm1')
	on host1 "sed -i 's/\"ready_timeout\":[0-9]*/\"ready_timeout\":20/' /var/lib/xen/userdata-d.$id.*.domm"
	begin_migration host1 host2 -d tcp -b 6 # slow enough for the agent to be stopped meanwhile
	eventually 120 begun host1
	in_guest host1 domm1 'systemctl stop domm-agent'
	eventually 300 ended host1
	on host1 'cat /run/m.err'
	[ "$(code host1)" = 9 ]
	[[ $(on host1 'cat /run/m.err') == *"so its targets are held"* ]]
	report=$(on host1 'grep "\"report\"" /run/m.out')
	[ "$(figure .outcome)" = held ]
	# Half of the limit each.
	[ "$(figure '[.guests[] | .wire_bytes <= 3145728 * (4 + (.precopy_ns + .suspend_ns + .final_copy_ns) / 1e9)] | all')" = true ]
	[ "$(on host2 'domm --json list target1' | jq -r '.domains[0].state')" = paused ]
	run on host2 'domm attach domm1 target1'
	[ "$status" = 6 ]
	run on host2 'domm release domm1'
	[ "$status" = 3 ]
	[[ $output == *"its targets run once it is ready"* ]]
	in_guest host2 domm1 'systemctl start domm-agent'
	eventually 60 ready_at host2
	runs() { [ "$(on host2 'domm --json list target1' | jq -r '.domains[0].state')" != paused ]; }
	eventually 30 runs
	eventually 60 nothing_left_at host1
}

@test "that the order is what keeps the target monitored can be seen when it is turned round" {
	run on host2 'DOMM_UNSAFE=1 domm --json migrate --no-sync -d tcp domm1 host1'
	[ "$status" = 0 ]
	report=$(grep '"event":"report"' <<<"$output")
	tell_report "out of order"
	note "unmonitored: $(figure '.guests[1] | "\(.unmonitored_cpu_ns) ns CPU, \(.unmonitored_wall_ns) ns wall"')"
	[ "$(figure '.guests[1].unmonitored_cpu_ns')" -gt 0 ]
	[ "$(figure '.guests[1].unmonitored_wall_ns')" -gt 0 ]
	eventually 60 ready_at host1
}
