#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What monitor-status counts on the mirror, compared with what tcpdump counts in the monitor. Starts from the
# pair of "lab watched".

load helpers

target_mac=00:16:3e:99:00:0b
pcap=/var/tmp/seen

setup_file() {
	lab watched
	ready() { on host1 'domm -q monitor-status domm1' >/dev/null; }
	eventually 60 ready
	# What the monitor's kernel joins before tcpdump sees it would be counted once there.
	in_domm 'ip link set dev eth1 gro_max_size 1'
	# Then the target is silent but for what it is made to do: the counters are not read at once.
	in_guest host1 target1 'pkill ticker'
}

in_domm() { in_guest host1 domm1 "$1"; }

# capture: from now on, into a file in the monitor's memory; stop_capture says what tcpdump says.
capture() {
	in_domm "mkdir -p $pcap && mountpoint -q $pcap || mount -t tmpfs none $pcap
		rm -f $pcap/*
		setsid tcpdump -ni eth1 -s 96 -B 4096 -w $pcap/all >$pcap/log 2>&1 </dev/null &"
	listening() { in_domm "grep -q 'listening on eth1' $pcap/log"; }
	eventually 60 listening || { in_domm "cat $pcap/log; df $pcap"; return 1; }
}
stop_capture() {
	in_domm 'kill -INT $(pidof tcpdump); while pidof tcpdump >/dev/null; do sleep 0.2; done'
	run in_domm "cat $pcap/log"
	[[ $output == *"0 packets dropped by kernel"* ]] || { echo "$output"; return 1; }
}

# seen FILTER: how many packets it has captured that match.
seen() { in_domm "tcpdump -nr $pcap/all '$1' 2>/dev/null | wc -l"; }

# What the mirror counts: sent, received, not copied, delivered, dropped; once nothing moves.
counters() {
	local last now
	until now=$(count) && [ "$now" = "${last:-}" ]; do last=$now; done
	echo "$now"
}
count() {
	on host1 'domm --json monitor-status domm1 2>/dev/null; true' |
		jq -r '.monitors[0].targets[0].network.mirrors[0] |
			[.sent.packets, .received.packets, .sent.drops + .received.drops, .delivered, .dropped] | @tsv'
}

# difference BEFORE AFTER: of two lines of counters, in the five variables.
difference() {
	read -r sent received uncopied delivered dropped < <(paste <(tr '\t' '\n' <<<"$1") <(tr '\t' '\n' <<<"$2") |
		awk '{ printf "%d ", $2 - $1 } END { print "" }')
	note "sent $sent, received $received, not copied $uncopied, delivered $delivered, dropped $dropped"
}

# A packet of a length of its own, to cut the capture at.
mark() { on host1 "ping -q -c 1 -W 10 -s $1 10.99.0.11 >/dev/null"; }
# The numbers, in the capture, of the first request and of the last reply of that length.
first_mark() { in_domm "tcpdump -nr $pcap/all 2>/dev/null | grep -n 'echo request.*length $(($1 + 8))\$' | head -n 1 | cut -d: -f1"; }
last_mark() { in_domm "tcpdump -nr $pcap/all 2>/dev/null | grep -n 'echo reply.*length $(($1 + 8))\$' | tail -n 1 | cut -d: -f1"; }

@test "each packet that is sent or received is counted once, delivered once and seen once" {
	capture
	before=$(counters)
	mark 301
	# 200 in and 200 out, then 100 out and 100 in.
	on host1 'ping -q -c 200 -i 0.02 10.99.0.11' | grep ' 0% packet loss'
	in_guest host1 target1 'ping -q -c 100 -i 0.02 10.99.0.3' | grep ' 0% packet loss'
	# Large segments, each one packet to who sees it here: its program comes from the filer.
	in_guest host1 target1 'echo 3 >/proc/sys/vm/drop_caches; sha256sum /usr/bin/perl >/dev/null'
	mark 302
	sleep 1
	after=$(counters)
	stop_capture
	difference "$before" "$after"
	# The marks lie within the time between the two measures, and that within the capture.
	all=$(seen '')
	within=$(($(last_mark 302) - $(first_mark 301) + 1))
	out=$(seen "ether src $target_mac")
	note "tcpdump: $all in all, $out of them sent by the target; $within between the marks"
	[ "$(seen 'icmp[icmptype] == icmp-echo and dst 10.99.0.11')" = 202 ]
	[ "$(seen 'icmp[icmptype] == icmp-echoreply and src 10.99.0.11')" = 202 ]
	[ "$(seen 'icmp[icmptype] == icmp-echo and src 10.99.0.11')" = 100 ]
	[ "$(seen 'icmp[icmptype] == icmp-echoreply and dst 10.99.0.11')" = 100 ]
	[ "$within" -ge 604 ]
	large=$(in_domm "tcpdump -nr $pcap/all 'greater 1600' 2>/dev/null | wc -l")
	note "$large of them larger than the wire's"
	[ "$large" -gt 0 ]
	[ $((sent + received)) -ge "$within" ] && [ $((sent + received)) -le "$all" ]
	[ "$delivered" -ge "$within" ] && [ "$delivered" -le "$all" ]
	[ "$sent" -le "$out" ] && [ "$received" -le $((all - out)) ]
	[ "$sent" -ge 302 ] && [ "$received" -ge 302 ]
	# As near as the measures themselves: nothing is lost, and nothing counted twice.
	[ $((sent + received)) = "$delivered" ]
	[ "$uncopied" = 0 ] && [ "$dropped" = 0 ]
}

@test "what the monitor does not take is counted as not copied or dropped, and not as delivered" {
	capture
	before=$(counters)
	on host1 'xl pause domm1'
	on host1 'ping -q -f -c 3000 10.99.0.11' | grep ' 0% packet loss'
	sleep 12 # after 10 s netback drops what it holds, and counts it elsewhere
	on host1 'xl unpause domm1'
	answers() { in_domm true; }
	eventually 60 answers
	on host1 'ping -q -c 20 -i 0.1 10.99.0.11' >/dev/null
	sleep 2
	after=$(counters)
	stop_capture
	difference "$before" "$after"
	all=$(seen '')
	pings=$(seen 'icmp and host 10.99.0.1')
	note "tcpdump: $all in all, $pings of the pings"
	[ $((sent + received)) -ge 6040 ]
	[ $((uncopied + dropped)) -gt 0 ]
	note "of them CoDel's: $(on host1 'tc -s -j qdisc show dev vif$(xl domid domm1).1' | jq '.[] | select(.root).drops')"
	[ $((sent + received)) = $((uncopied + dropped + delivered)) ]
	[ "$delivered" -le "$all" ] && [ "$delivered" -ge "$pings" ]
}

# mirror_only SELECTION: the pair anew, with a mirror that copies only that.
mirror_only() {
	on host1 "domm detach domm1 target1 && domm attach -m vif=0,to=1,$1 domm1 target1"
	[ "$(on host1 'domm --json monitor-status domm1' | jq -r '.monitors[0].targets[0].network.verdict')" = ready ]
}
# The packets that a look of some seconds at eth1 finds, while dom0 asks by ARP in a VLAN and without
# one, and pings the target.
provoke() {
	capture
	on host1 'ip neigh flush dev xenbr0; ping -q -c 20 -i 0.1 10.99.0.11 >/dev/null
		ping -q -c 3 -W 1 -I xenbr0.100 10.100.0.9 >/dev/null' || true # nobody answers in the VLAN
	sleep 1
	stop_capture
}

@test "a mirror of one protocol, or of one VLAN, copies nothing else" {
	on host1 'ip link add link xenbr0 name xenbr0.100 type vlan id 100 &&
		ip addr add 10.100.0.1/24 dev xenbr0.100 && ip link set xenbr0.100 up'
	mirror_only protocol=arp
	provoke
	[ "$(seen arp)" -ge 2 ]
	[ "$(seen 'not arp')" = "$(seen vlan)" ] # the ARP in the VLAN is not counted here: it is tagged
	[ "$(seen icmp)" = 0 ]
	mirror_only vlan=100,protocol=arp
	on host1 'domm monitor-status domm1' | grep -F ', VLAN 100, arp:'
	provoke
	note "in VLAN 100: $(seen 'vlan 100 and arp'), of $(seen '')"
	[ "$(seen 'vlan 100 and arp')" -ge 2 ]
	[ "$(seen 'vlan 100 and arp')" = "$(seen '')" ]
	mirror_only vlan=100
	provoke
	[ "$(seen 'vlan 100')" -ge 2 ]
	[ "$(seen 'vlan 100')" = "$(seen '')" ]
}
