#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm migrate: several targets, two pairs at once, what it refuses, and memory compared page by page.

load helpers
load migrate

setup_file() {
	lab watched
}

setup() {
	lab restore watched
	eventually 60 ready_at host1
}

@test "a monitor moves with both of its targets" {
	on host1 'domm attach domm1 target2 -m vif=0,to=1'
	migrate host1 host2 -d tcp
	tell_report "two targets, by TCP"
	[ "$(figure '.guests | length')" = 3 ]
	[ "$(figure '[.guests[1,2].unmonitored_cpu_ns] | add')" = 0 ]
	[ "$(on host2 'domm --json monitor-status domm1' | jq -r '.monitors[0].targets | map(.verdict) | join(",")')" = ready,ready ]
	[ "$(on host1 'xl list' | grep -c -e domm -e target)" = 0 ]
	on host2 'domm detach domm1 target2'
}

@test "two pairs move at once, in opposite directions; then each host is evacuated" {
	other_config | lab ssh host1 'cat > /etc/xen/other.cfg'
	on host1 'domm create /etc/xen/other.cfg && domm migrate -d tcp domm2 host2'
	# With all of its one emulated CPU taken by copies, a host has run vif-bridge for longer than the 40 s of libxl.
	on host1 'domm --json migrate -d tcp -b 1 domm1 host2' >"$BATS_TEST_TMPDIR/there" &
	on host2 'domm --json migrate -d tcp -b 1 domm2 host1' >"$BATS_TEST_TMPDIR/here"
	wait $!
	for way in there here; do
		report=$(grep '"event":"report"' "$BATS_TEST_TMPDIR/$way")
		tell_report "$way, both at once"
		[ "$(figure '.outcome, .guests[1].unmonitored_cpu_ns' | tr '\n' ' ')" = 'moved 0 ' ]
	done
	ready_at host2
	on host1 'domm -q monitor-status domm2'
	[ "$(on host1 'domm list' | grep -c -w -e domm1 -e target1)" = 0 ]
	[ "$(on host2 'domm list' | grep -c -w -e domm2 -e target2)" = 0 ]

	# A host that refuses is no reason to stay; then both at once, and in the same direction.
	for host in host1 host2; do on $host "printf 'data = \"tcp\"\nbandwidth = 1\n' >/etc/domm/domm.conf"; done
	run on host1 'domm evacuate nowhere host2'
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"domm2: not moved to nowhere, exit status 6"*"domm2: moved to host2"* ]]
	run on host2 'domm --json evacuate -j 2 host1 2>/run/evacuate.err'
	[ "$status" = 0 ] || on host2 'cat /run/evacuate.err'
	note "evacuated at once: $(jq -r '[.pairs[] | "\(.monitor.name) \(.took_ms) ms"] | join(", ")' <<<"$output")"
	[ "$(jq '[.pairs[].exit_status] | add' <<<"$output")" = 0 ]
	eventually 60 ready_at host1
	on host1 'domm -q monitor-status domm2'
	[ "$(on host2 'xl list' | grep -c -e domm -e target)" = 0 ]
}

@test "what cannot be migrated is refused before anything moves, with a reason and a code" {
	before=$(state)
	refuses 5 "no domain has the name 'nobody'" 'domm migrate nobody host2'
	refuses 3 'neither a monitor nor the target of one' 'domm migrate target2 host2'
	refuses 6 'domm receive works' 'domm migrate domm1 no-such-host'
	refuses 6 'has printed "nonsense, all of it" instead of an answer' "domm migrate -s 'sh -c \"echo nonsense, all of it\"' domm1 host2"
	diff <(echo "$before") <(state)

	on host1 'xl pause target1'
	refuses 6 'has to run to suspend itself' 'domm migrate domm1 host2'
	on host1 'xl unpause target1'
	in_guest host1 domm1 'systemctl stop domm-agent'
	refuses 6 'gives no sign of life' 'domm migrate domm1 host2'
	in_guest host1 domm1 'systemctl start domm-agent'
	eventually 60 ready_at host1
	lab ssh host1 'cat >/root/plant; chmod +x /root/plant' <"$DOMM_BUILD/tests/lab/host/plant"
	plant() { on host1 "/root/plant \$(xl domid domm1) \$(xl domid $1) $2"; }
	gfn=$(plant target2 5000)
	refuses 6 'a frame of a domain that is not its target' 'domm migrate domm1 host2'
	plant target1 "$gfn"
	on host1 'systemctl stop dommd'
	refuses 6 'dommd does not run on this host' 'domm migrate domm1 host2'
	on host1 'systemctl start dommd'
	eventually 60 ready_at host1
	on host2 'systemctl stop dommd'
	refuses 6 'dommd does not run on the destination' 'domm migrate domm1 host2'
	on host2 'systemctl start dommd'

	# make NAME UUID MEMORY: a guest of host2's own; with less memory its kernel does not fit.
	make() { on host2 "xl create -q -p /etc/xen/target2.cfg 'name=\"$1\"' 'uuid=\"d0330000-0000-4000-8000-0000000000$2\"' memory=$3"; }
	make target1 99 96
	refuses 6 'a domain named target1 exists on the destination' 'domm migrate domm1 host2'
	on host2 'xl destroy target1'
	make other 11 96
	refuses 6 'has the UUID of target1' 'domm migrate domm1 host2'
	on host2 'xl destroy other'
	# What is left is too little for the two guests.
	make large 98 $(($(on host2 'xl info | sed -n "s/^free_memory *: //p"') - 250))
	refuses 6 'MiB of memory' 'domm migrate domm1 host2'
	on host2 'xl destroy large; mv /etc/xen/scripts/vif-domm-monitor /root/'
	refuses 6 'vif-domm-monitor' 'domm migrate domm1 host2'
	on host2 'mv /root/vif-domm-monitor /etc/xen/scripts/'

	on host1 'ip link add onlyhere type bridge; ip link set onlyhere up; xl network-attach target2 bridge=onlyhere
		domm attach domm1 target2 -m vif=0,to=1'
	refuses 6 'the bridge onlyhere does not exist' 'domm migrate domm1 host2'
	on host1 'domm detach domm1 target2; xl network-detach target2 1; ip link del onlyhere'

	# A disk of the monitor; the file server; a later domm, which says HELLO (lib/migrate/protocol/messages.h).
	on host1 'truncate -s 1M /var/tmp/disk
		xl block-attach domm1 script=block-domm-monitor,vdev=xvdb,access=ro,target=/var/tmp/disk'
	refuses 6 'the disk /var/tmp/disk' 'domm migrate domm1 host2'
	on host1 'xl block-detach domm1 xvdb; rm /var/tmp/disk'
	on host2 'ip route add unreachable 10.99.0.3/32'
	refuses 6 'storage: ' 'domm migrate domm1 host2'
	on host2 'ip route del unreachable 10.99.0.3/32'
	lab ssh host1 'cat > /root/later' <<-'EOF'
		import struct, sys
		says = struct.pack(">HHH5sH2s", 8, 9, 5, b"domm9", 2, b"99")
		sys.stdout.buffer.write(b"DOMC" + struct.pack(">HHI", 1, 1, len(says)) + says)
		sys.stdout.flush()
		sys.stdin.buffer.read()
	EOF
	refuses 6 'support no common version of the protocol' "domm migrate -s 'python3 /root/later' domm1 host2"

	begin_migration host1 host2 -d tcp -b 1 # MiB/s: it takes longer than what is asked of it here
	eventually 120 begun host1
	refuses 6 'being migrated' 'domm migrate target1 host2'
	refuses 6 'being migrated' 'domm detach domm1'
	refuses 6 'being migrated' 'domm destroy domm1'
	refuses 6 'being migrated' 'domm attach domm1 target2'
	[ "$(on host1 'domm set target1 bandwidth none')" = 'bandwidth of the migration of domm1: no limit' ]
	eventually 60 copying host1 # at the limit it would take a minute longer
	on host1 'pkill -INT -x domm'
	taken_back 8
	on host1 'domm detach domm1'
	refuses 6 'has no target to migrate with' 'domm migrate domm1 host2'
}

@test "with --debug all memory is sent twice, and no page differs at the other host" {
	migrate host1 host2 --debug -d tcp
	tell_report "sent twice"
	[ "$(figure '[.guests[] | .bytes > 300e6] | all')" = true ] # of 160 MiB
	run on host1 'cat /run/migrate.err'
	echo "$output"
	[[ $output != *"verify pfn"* ]]
	ready_at host2
}
