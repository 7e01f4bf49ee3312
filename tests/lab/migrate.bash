# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154,SC2034  # bats sets variables, and the tests use these
# What the tests of domm migrate share, besides helpers.bash.

mem=/run/domm/target1/mem
ticks=/run/domm-storage/target1/0/var/lib/ticker/ticks

# in_background HOST GUEST COMMAND OUTPUT: a program in a guest that goes on wherever the guest is.
in_background() { in_guest "$1" "$2" "setsid $3 >$4 2>&1 </dev/null &"; }

# The witness in the monitor's root, and where in target1's memory it finds the ticks.
prepare_witness() {
	put "$DOMM_BUILD/tests/lab/guest/witness" domm1 witness
	put "$here/guest/find-ticks" domm1 find-ticks
	# The guests' NFS clients remember for a while what was not there.
	eventually 120 in_guest host1 domm1 'test -x /usr/local/sbin/witness -a -e /usr/local/sbin/find-ticks'
	eventually 60 ready_at host1
	in_guest host1 domm1 "perl /usr/local/sbin/find-ticks $mem" >"$BATS_FILE_TMPDIR/offset"
}

# The filer sees what has left the target's vif, wherever the target is.
start_witness() {
	on filer 'rm -f /tmp/ticks.pcap; (timeout 20000 tcpdump -U -i any -w /tmp/ticks.pcap src 10.99.0.11 and udp port 7777 >/dev/null 2>&1 &)'
	in_background "$1" domm1 "witness $(cat "$BATS_FILE_TMPDIR/offset") eth1 /tmp/packets.seen" /tmp/witness
	eventually 60 in_guest "$1" domm1 'grep -q watching /tmp/witness'
}

# stop_witness HOST: fails if a tick was missed: in memory; of the packets that the filer has seen,
# from when the witness saw its first; in the file, as the monitor sees it.
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
	[ "$unseen" = 0 ] ||
		note "not seen: $(grep -v -x -F -f "$BATS_TEST_TMPDIR/domm" "$BATS_TEST_TMPDIR/left" | tr '\n' ' ')"
	[ "$(jq .unread_packets <<<"$said")" = 0 ]
	[ "$(jq .missed <<<"$said")" = 0 ]
	[ "$(jq .failed_reads <<<"$said")" = 0 ]
	[ "$(jq .seen <<<"$said")" -gt 50 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/left")" -gt 50 ]
	[ "$unseen" = 0 ]
	[ "${file% *}" = 0 ]
}

# The first pages of target1's memory, read by a program that is not told of a migration.
prepare_reader() {
	put "$here/guest/reread" domm1 reread
	eventually 120 in_guest host1 domm1 'test -x /usr/local/sbin/reread'
}
start_reader() { in_background "$1" domm1 "perl /usr/local/sbin/reread $mem" /tmp/reread; }
# stop_reader HOST: fails if a read did.
stop_reader() {
	in_guest "$1" domm1 'pkill -TERM -f [/]reread; while pgrep -f [/]reread >/dev/null; do sleep 0.2; done'
	said=$(in_guest "$1" domm1 'cat /tmp/reread')
	note "reads of the first pages, and how many failed: $said"
	[[ $said == [1-9]*' 0' ]]
}

# The processes of the monitor's user space, and since when its kernel runs.
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

# ready_at HOST: says what there is instead if it is not.
ready_at() {
	local said
	said=$(on "$1" 'domm --json monitor-status domm1 2>&1; true')
	[ "$(jq -r '.monitors[0].targets[0].verdict' <<<"$said" 2>/dev/null)" = ready ] || { echo "$said"; return 1; }
}
nothing_left_at() {
	[ "$(on "$1" "xl list" | grep -c -e domm1 -e target1)" = 0 ] &&
		[ -z "$(on "$1" 'ls /var/lib/xen/userdata-d.*.domm /run/domm/receive-* 2>/dev/null')" ] &&
		[ -z "$(stray_vifs "$1")" ]
}
# What is left of vifs, in xenstore or as devices, of domains that are not there.
stray_vifs() {
	on "$1" 'for id in $(xenstore-list /local/domain/0/backend/vif 2>/dev/null
			ls /sys/class/net | sed -n "s/^vif\([0-9]*\)\..*/\1/p"); do
		xl domname $id >/dev/null 2>&1 || echo $id
	done'
}
# vifs HOST GUEST: how many its configuration has, and how many it has.
vifs() {
	on "$1" "xl list -l $2" | jq -r '.[0].config.nics | length'
	on "$1" "xenstore-list /local/domain/0/backend/vif/\$(xl domid $2) | wc -l"
}

# begin_migration FROM TO OPTION...: in the background. It has begun when memory is being copied; it
# is copying when a guest's first round is over.
begin_migration() {
	local from=$1 to=$2
	shift 2
	on "$from" "rm -f /run/m.*; (setsid domm --json migrate $* domm1 $to >/run/m.out 2>/run/m.err </dev/null
		echo \$? >/run/m.code) >/dev/null 2>&1 &"
}
begun() { on "$1" 'grep -q "\"state\":\"copying\"" /run/m.out'; }
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

# What both hosts have of domains, nodes, filters and records, without what changes all the time.
state() {
	for host in host1 host2; do
		on $host 'xl list | cut -c1-45
			xenstore-ls -f /local/domain | grep -v -e /agent/ -e /domm/ping -e /domm/heard -e /domm/told -e /domm/pages -e /memory/meminfo -e uptime -e /domm/channel
			for d in $(ls /sys/class/net | grep ^vif); do tc filter show dev $d ingress; tc filter show dev $d egress; done
			ls /var/lib/xen /run/domm | grep -v -e -lock$'
	done
}

# refuses CODE TEXT COMMAND: what it says on host1.
refuses() {
	run on host1 "$3"
	[ "$status" = "$1" ] || { echo "$3: exit $status, not $1: $output"; return 1; }
	[[ $output == *"$2"* ]] || { echo "$3: no \"$2\" in: $output"; return 1; }
}
