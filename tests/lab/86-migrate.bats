#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm migrate on real Xen: the pair that 70-pair.bats leaves goes to host2 and back, watched by a
# witness in domM that counts every tick of the target. The tests build on each other, in their order.

load helpers

mem=/run/domm/target1/mem
ticks=/run/domm-storage/target1/0/var/lib/ticker/ticks

setup_file() {
	lab up
	lab restore watched
	cc -O2 -Wall -Wextra -Werror -static -o "$BATS_FILE_TMPDIR/ambush" "$here/guest/ambush.c"
	put "$DOMM_BUILD/tests/lab/guest/witness" domm1 witness
	put "$here/guest/find-ticks" domm1 find-ticks
	put "$BATS_FILE_TMPDIR/ambush" target1 ambush
	# The guests' NFS clients remember for a while what was not there.
	eventually 120 in_guest host1 domm1 'test -x /usr/local/sbin/witness -a -e /usr/local/sbin/find-ticks'
	eventually 120 in_guest host1 target1 'test -x /usr/local/sbin/ambush'
	ready() { on host1 'domm -q monitor-status domm1' >/dev/null; }
	eventually 60 ready
	in_guest host1 domm1 "perl /usr/local/sbin/find-ticks $mem" >"$BATS_FILE_TMPDIR/offset"
}

# put FILE GUEST NAME: a program for a guest, into its root on the filer.
put() {
	lab ssh filer "cat > /srv/guests/$2/usr/local/sbin/$3 && chmod 755 /srv/guests/$2/usr/local/sbin/$3" <"$1"
}

# in_background HOST GUEST COMMAND OUTPUT: a program in a guest that goes on wherever the guest is.
in_background() { in_guest "$1" "$2" "setsid $3 >$4 2>&1 </dev/null &"; }

# The filer sees what has left the target's vif, wherever the target is.
start_witness() {
	on filer 'rm -f /tmp/ticks.pcap; (timeout 1200 tcpdump -U -i any -w /tmp/ticks.pcap src 10.99.0.11 and udp port 7777 >/dev/null 2>&1 &)'
	in_background "$1" domm1 "witness $(cat "$BATS_FILE_TMPDIR/offset") eth1 /tmp/packets.seen" /tmp/witness
	eventually 60 in_guest "$1" domm1 'grep -q watching /tmp/witness'
}

# stop_witness HOST: fails if a tick was missed: in memory; of the packets that the filer has seen,
# from when the witness saw its first; in the file, as domM sees it.
stop_witness() {
	in_guest "$1" domm1 'pkill -TERM witness; while pgrep witness >/dev/null; do sleep 0.2; done'
	on filer 'pkill tcpdump; sleep 1; tcpdump -nr /tmp/ticks.pcap -A 2>/dev/null' | grep -o '[0-9]*$' |
		sort -n -u >"$BATS_TEST_TMPDIR/filer"
	in_guest "$1" domm1 'cat /tmp/packets.seen' | sort -n -u >"$BATS_TEST_TMPDIR/domm"
	said=$(in_guest "$1" domm1 'grep "^{" /tmp/witness')
	first=$(head -n 1 "$BATS_TEST_TMPDIR/domm") last=$(tail -n 1 "$BATS_TEST_TMPDIR/domm")
	awk -v first="$first" -v last="$last" '$1 >= first && $1 <= last' "$BATS_TEST_TMPDIR/filer" >"$BATS_TEST_TMPDIR/left"
	unseen=$(grep -c -v -x -F -f "$BATS_TEST_TMPDIR/domm" "$BATS_TEST_TMPDIR/left" || true)
	file=$(in_guest "$1" domm1 "awk 'NR > 1 && \$1 != last + 1 { n++ } { last = \$1 } END { print n + 0, NR }' $ticks")
	note "memory: $said; packets: $(wc -l <"$BATS_TEST_TMPDIR/left") left the target, $unseen not seen; file: $file (gaps, lines)"
	[ "$(jq .missed <<<"$said")" = 0 ]
	[ "$(jq .failed_reads <<<"$said")" = 0 ]
	[ "$(jq .seen <<<"$said")" -gt 50 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/left")" -gt 50 ]
	[ "$unseen" = 0 ]
	[ "${file% *}" = 0 ]
}

# The processes of domM's user space, and since when its kernel runs.
identity() { in_guest "$1" domm1 "pgrep -a 'witness|domm-agent|ngrep'; cat /proc/sys/kernel/random/boot_id"; }

# migrate FROM TO OPTION...: with its report in $report.
migrate() {
	local from=$1 to=$2
	shift 2
	run on "$from" "domm --json migrate $* domm1 $to 2>/run/migrate.err"
	[ "$status" = 0 ] || on "$from" 'cat /run/migrate.err'
	report=$(grep '"event":"report"' <<<"$output" || true)
	[ "$status" = 0 ]
}

figure() { jq -r "$1" <<<"$report"; }

# tell_report HOW: the figures of the last migration, for the reader.
tell_report() {
	note "$1: $(figure '"total \(.total_ns/1e6|round) ms, \(.ptes) entries; " + ([.guests[] |
		"\(.name) \(.rounds) rounds \(.bytes/1e6|round) MB (last \(.final_bytes/1e6*10|round/10)), downtime \(.downtime_ns/1e6|round) ms"]
		| join("; ")) + "; unmonitored \(.guests[1].unmonitored_cpu_ns) ns"')"
}

ready_at() { [ "$(on "$1" 'domm --json monitor-status domm1 2>/dev/null; true' | jq -r '.domms[0].targets[0].verdict')" = ready ]; }
nothing_left_at() {
	[ "$(on "$1" "xl list" | grep -c -e domm1 -e target1)" = 0 ] &&
		[ -z "$(on "$1" 'ls /var/lib/xen/userdata-d.*.domm /run/domm/receive-* 2>/dev/null')" ]
}

@test "-N checks both hosts, and changes nothing" {
	before=$(on host1 'xl list | cut -c1-40'; on host2 'xl list | cut -c1-40')
	run on host1 'domm migrate -N target1 host2'
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"could be migrated to host2"* ]]
	[ "$before" = "$(on host1 'xl list | cut -c1-40'; on host2 'xl list | cut -c1-40')" ]
	ready_at host1
}

@test "the pair moves while domM watches: no tick is missed, no process notices" {
	start_witness host1
	in_background host1 domm1 "ngrep -l -q -d eth1 -W single 'EVIL-[A-Z]+' udp" /tmp/packets
	before=$(identity host1)
	migrate host1 host2
	tell_report "host1 to host2, by ssh"
	figure .
	[ "$(figure .outcome)" = moved ]
	[ "$(figure '.guests[1].unmonitored_cpu_ns')" = 0 ]
	[ "$(figure '.guests[1].unmonitored_wall_ns')" = 0 ]
	[ "$(figure .ptes)" -gt 30000 ]
	ready_at host2
	eventually 60 nothing_left_at host1
	[ "$(identity host2)" = "$before" ]
	sleep 5
	stop_witness host2
}

@test "after it everything goes on: new mappings, packets, storage" {
	in_guest host2 domm1 "perl /usr/local/sbin/find-ticks $mem"
	on host2 'echo EVIL-INBOUND > /dev/udp/10.99.0.11/4444'
	eventually 30 in_guest host2 domm1 'grep -q EVIL-INBOUND /tmp/packets'
	in_guest host2 target1 'echo here > /root/here; sync'
	eventually 30 in_guest host2 domm1 'grep -q here /run/domm-storage/target1/0/root/here'
}

@test "an intruder who waits for the moment of arrival is seen in the first interval" {
	in_guest host2 domm1 "domm-kernel-check baseline -o /tmp/baseline $mem"
	in_background host2 domm1 "domm-kernel-check check -b /tmp/baseline -i 5 -j $mem" /tmp/kernel
	in_guest host2 target1 'mount -t tracefs none /sys/kernel/tracing 2>/dev/null; cd /sys/kernel/tracing
		for at in 9 10 11 12 13 14 15 16 17 18 20 24; do
			echo "p:evil __x64_sys_sethostname+$at" > kprobe_events 2>/dev/null && break
		done'
	in_background host2 target1 'ambush /sys/kernel/tracing/events/kprobes/evil/enable 1' /tmp/ambush
	migrate host2 host1 -d tls
	eventually 30 in_guest host1 target1 'grep struck /tmp/ambush'
	tell_report "host2 to host1, by TLS"
	[ "$(figure '.guests[1].unmonitored_cpu_ns')" = 0 ]
	eventually 30 in_guest host1 domm1 'grep -q "changed.*__x64_sys_sethostname" /tmp/kernel'
	note "$(in_guest host1 target1 'cat /tmp/ambush'); $(in_guest host1 domm1 'grep -m 1 changed /tmp/kernel')"
	in_guest host1 target1 'echo 0 > /sys/kernel/tracing/events/kprobes/evil/enable'
	in_guest host1 domm1 'pkill -x domm-kernel-che'
	ready_at host1
}

# begin_migration FROM TO OPTION...: in the background; wait_for_copying waits until pre-copy runs.
begin_migration() {
	local from=$1 to=$2
	shift 2
	on "$from" "rm -f /run/m.*; (setsid domm --json migrate $* domm1 $to >/run/m.out 2>/run/m.err </dev/null
		echo \$? >/run/m.code) >/dev/null 2>&1 &"
}
copying() { on "$1" 'grep -q "\"event\":\"round\"" /run/m.out'; }
ended() { on "$1" 'test -s /run/m.code'; }
code() { on "$1" 'cat /run/m.code'; }
taken_back() {
	eventually 200 ended host1
	on host1 'cat /run/m.err'
	[ "$(code host1)" = "$1" ]
	eventually 60 ready_at host1
	eventually 60 nothing_left_at host2
}

@test "an interrupt before the hand-over takes everything back" {
	start_witness host1
	begin_migration host1 host2 -d tcp
	eventually 120 copying host1
	on host1 'pkill -INT -x domm'
	taken_back 8
	stop_witness host1
}

@test "a destination that fails after the guests have stopped gives them back, domM first" {
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

@test "a link that is lost is a failure, and no wait" {
	begin_migration host1 host2 -d tcp
	eventually 120 copying host1
	lab fault cut host2
	eventually 200 ended host1
	lab fault restore
	taken_back 7
	[[ $(on host1 'cat /run/m.err') == *silent* ]]
}

@test "a domM that is not ready leaves its target held, until it is" {
	id=$(on host1 'xl domid domm1')
	on host1 "sed -i 's/\"ready_timeout\":[0-9]*/\"ready_timeout\":20/' /var/lib/xen/userdata-d.$id.*.domm"
	begin_migration host1 host2 -d tcp
	eventually 120 copying host1
	in_guest host1 domm1 'systemctl stop domm-agent'
	eventually 300 ended host1
	on host1 'cat /run/m.err'
	[ "$(code host1)" = 9 ]
	[[ $(on host1 'cat /run/m.err') == *"stand still"* ]]
	grep '"report"' <<<"$(on host1 'cat /run/m.out')" | jq -e '.outcome == "held"'
	[ "$(on host2 'domm --json list target1' | jq -r '.domains[0].state')" = paused ]
	run on host2 'domm attach domm1 target1'
	[ "$status" = 6 ]
	run on host2 'domm release domm1'
	[ "$status" = 3 ]
	[[ $output == *"held until it is ready"* ]]
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

@test "a domM moves with both of its targets" {
	on host1 'domm attach domm1 target2 -m vif=0,to=1'
	migrate host1 host2 -d tcp
	tell_report "two targets, by TCP"
	[ "$(figure '.guests | length')" = 3 ]
	[ "$(figure '[.guests[1,2].unmonitored_cpu_ns] | add')" = 0 ]
	[ "$(on host2 'domm --json monitor-status domm1' | jq -r '.domms[0].targets | map(.verdict) | join(",")')" = ready,ready ]
	[ "$(on host1 'xl list' | grep -c -e domm -e target)" = 0 ]
	on host2 'domm detach domm1 target2'
}

# What both hosts have of domains, nodes, filters and records, without what changes all the time.
state() {
	for host in host1 host2; do
		on $host 'xl list | cut -c1-45
			xenstore-ls -f /local/domain | grep -v -e /agent/ -e /domm/ping -e /memory/meminfo -e uptime -e /domm/channel
			for d in $(ls /sys/class/net | grep ^vif); do tc filter show dev $d ingress; tc filter show dev $d egress; done
			ls /var/lib/xen; ls /run/domm'
	done
}

# refuses CODE TEXT COMMAND: what it says on host1.
refuses() {
	run on host1 "$3"
	[ "$status" = "$1" ] || { echo "$3: exit $status, not $1: $output"; return 1; }
	[[ $output == *"$2"* ]] || { echo "$3: no \"$2\" in: $output"; return 1; }
}

@test "what cannot be migrated is refused before anything moves, with a reason and a code" {
	lab restore watched
	eventually 60 ready_at host1
	before=$(state)
	refuses 5 "no domain has the name 'nobody'" 'domm migrate nobody host2'
	refuses 6 'neither a domM nor the target of one' 'domm migrate target2 host2'
	refuses 6 'domm receive has to work' 'domm migrate domm1 no-such-host'
	refuses 6 'does not begin as one of domm' "domm migrate -s 'sh -c \"echo nonsense, all of it\"' domm1 host2"
	diff <(echo "$before") <(state)

	on host1 'xl pause target1'
	refuses 6 'has to run to suspend itself' 'domm migrate domm1 host2'
	on host1 'xl unpause target1'
	in_guest host1 domm1 'systemctl stop domm-agent'
	refuses 6 'gives no sign of life' 'domm migrate domm1 host2'
	in_guest host1 domm1 'systemctl start domm-agent'
	eventually 60 ready_at host1
	on host1 'systemctl stop dommd'
	refuses 6 'dommd does not run on this host' 'domm migrate domm1 host2'
	on host1 'systemctl start dommd'
	eventually 60 ready_at host1
	on host2 'systemctl stop dommd'
	refuses 6 'dommd does not run there' 'domm migrate domm1 host2'
	on host2 'systemctl start dommd'

	# make NAME UUID MEMORY: a guest of host2's own.
	make() { on host2 "xl create -q -p /etc/xen/target2.cfg 'name=\"$1\"' 'uuid=\"d0330000-0000-4000-8000-0000000000$2\"' memory=$3"; }
	make target1 99 32
	refuses 6 'there is a domain target1 already' 'domm migrate domm1 host2'
	on host2 'xl destroy target1'
	make other 11 32
	refuses 6 'has the UUID of target1 already' 'domm migrate domm1 host2'
	on host2 'xl destroy other'
	make large 98 900
	refuses 6 'MiB of memory' 'domm migrate domm1 host2'
	on host2 'xl destroy large; mv /etc/xen/scripts/vif-domm-monitor /root/'
	refuses 6 'vif-domm-monitor' 'domm migrate domm1 host2'
	on host2 'mv /root/vif-domm-monitor /etc/xen/scripts/'

	on host1 'ip link add onlyhere type bridge; ip link set onlyhere up; xl network-attach target2 bridge=onlyhere
		domm attach domm1 target2 -m vif=0,to=1'
	refuses 6 'no bridge onlyhere' 'domm migrate domm1 host2'
	on host1 'domm detach domm1 target2; xl network-detach target2 1; ip link del onlyhere'
	begin_migration host1 host2 -d tcp
	eventually 120 copying host1
	refuses 6 'is being migrated' 'domm migrate target1 host2'
	refuses 6 'is being migrated' 'domm detach domm1'
	refuses 6 'is being migrated' 'domm destroy domm1'
	refuses 6 'is being migrated' 'domm attach domm1 target2'
	on host1 'pkill -INT -x domm'
	taken_back 8
	on host1 'domm detach domm1'
	refuses 6 'has no target to move with' 'domm migrate domm1 host2'
}
