#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The port mirror, called by mirror-tool: target1's packets, and nobody else's, reach domm1's
# second vif, which is on no bridge and lets nothing out.

load helpers

# domm1 as the lab makes it, with a monitor vif besides.
start_domm() {
	lab ssh host1 'cat > /etc/xen/scripts/vif-domm-monitor && chmod 755 /etc/xen/scripts/vif-domm-monitor' \
		<"$here/../../scripts/vif-domm-monitor"
	on host1 'xl destroy domm1 && sed "s/bridge=xenbr0\"/&, \"mac=00:16:3e:99:01:15,script=vif-domm-monitor\"/" \
		/etc/xen/domm1.cfg > /root/monitor.cfg && xl create /root/monitor.cfg'
	eventually 400 in_guest host1 domm1 true
}

setup_file() {
	lab up
	lab restore pair
	start_domm
	lab ssh host1 'cat > /usr/local/sbin/mirror-tool && chmod 755 /usr/local/sbin/mirror-tool' \
		<"$DOMM_BUILD/tests/lab/mirror-tool"
	target=$(on host1 'echo vif$(xl domid target1).0')
	monitor=$(on host1 'echo vif$(xl domid domm1).1')
	export target monitor
}

teardown() {
	on host1 "mirror-tool remove $target; mirror-tool unguard $monitor
		tc qdisc del dev $target clsact; tc qdisc del dev $target ingress; pkill -x tcpdump" 2>/dev/null || true
}

tool() { on host1 "mirror-tool $*"; }

# tell FIELD: of a measurement, by jq.
tell() { on host1 "mirror-tool measure $target $monitor | jq -r $(printf %q "$1")"; }

# domM's eyes: capture FILE FILTER starts tcpdump on the monitor vif; captured FILE ends it.
capture() {
	in_guest host1 domm1 "ip link set eth1 up; sysctl -qw net.ipv6.conf.eth1.disable_ipv6=1
		nohup tcpdump -U -Zroot -ni eth1 -w /run/$1 $2 >/run/$1.log 2>&1 </dev/null &
		for i in \$(seq 60); do grep -q 'listening on' /run/$1.log && exit; sleep 1; done; exit 1"
}
captured() { in_guest host1 domm1 "sleep 3; pkill -x tcpdump; sleep 2; tcpdump -nr /run/$1 2>/dev/null"; }

# ping FROM TO SIZE: five pings of a length that nobody else uses.
five_pings() { on "$1" "ping -c 5 -i 0.5 -W 20 -s $3 $2"; }

@test "the hotplug script leaves the monitor vif down, off the bridge and connected" {
	on host1 "! ip link show $monitor | grep -q master"
	[ "$(on host1 "xenstore-read /local/domain/0/backend/vif/\$(xl domid domm1)/1/hotplug-status")" = connected ]
	[ "$(on host1 "cat /proc/sys/net/ipv6/conf/$monitor/disable_ipv6")" = 1 ]
	[ "$(tell .monitor.up)" = false ]
}

@test "domM sees what the target sends and receives, and no other packet of the LAN" {
	tool install "$target" "$monitor"
	[ "$(tell .problem)" = "" ]
	capture icmp icmp
	five_pings host2 10.99.0.11 333
	five_pings host2 10.99.0.21 444
	five_pings host2 10.99.0.1 444
	run captured icmp
	note "$(grep -c 'length 341' <<<"$output") packets of the target, $(grep -c 'length 452' <<<"$output") of others"
	[ "$(grep -c '10.99.0.2 > 10.99.0.11: ICMP echo request.*length 341' <<<"$output")" = 5 ]
	[ "$(grep -c '10.99.0.11 > 10.99.0.2: ICMP echo reply.*length 341' <<<"$output")" = 5 ]
	[ "$(grep -c 'length 452' <<<"$output")" = 0 ]
}

@test "the counters agree with what tcpdump saw" {
	tool install "$target" "$monitor"
	tool remove "$target" # the monitor vif stays guarded and up, and its counter stands still
	before=$(tell .monitor.tx_packets)
	capture all
	tool install "$target" "$monitor"
	sleep 20
	# In one breath, since packets go on.
	read -r counted lost < <(on host1 "mirror-tool measure $target $monitor | jq -r \
		'[.sent.packets + .received.packets, .sent.drops + .received.drops + .monitor.tx_dropped] | @tsv'
		mirror-tool remove $target")
	mirrored=$(($(tell .monitor.tx_packets) - before))
	run captured all
	seen=$(grep -c . <<<"$output")
	note "filters $counted, monitor vif $mirrored, tcpdump $seen, lost $lost"
	[ "$lost" = 0 ]
	[ "$counted" -gt 20 ]
	[ "$seen" = "$mirrored" ]
	# Some may pass between the measurement and the removal.
	[ "$counted" -le "$mirrored" ] && [ "$((mirrored - counted))" -le $((5 + counted / 4)) ]
}

@test "what domM sends through the monitor vif is dropped" {
	tool install "$target" "$monitor"
	before=$(tell .guard.drops)
	in_guest host1 domm1 'ip addr add 10.99.0.99/24 dev eth1; ip link set eth1 up
		ping -c 5 -i 0.5 -W 1 -I eth1 10.99.0.3; true'
	after=$(tell .guard.drops)
	note "the guard dropped $((after - before)) packets"
	[ "$after" -gt "$before" ]
	[ "$(on host1 'ip neigh show 10.99.0.99 | grep -c lladdr')" = 0 ]
}

@test "a filter deleted by hand is noticed, and mended" {
	tool install "$target" "$monitor"
	on host1 "tc filter del dev $target egress prio 33"
	[[ $(tell .problem) == *"what the target receives is not mirrored" ]]
	tool install "$target" "$monitor"
	[ "$(tell .problem)" = "" ]
	on host1 "tc qdisc del dev $target clsact"
	[[ $(tell .problem) == *"what the target sends is not mirrored" ]]
	tool install "$target" "$monitor"
	on host1 "tc filter del dev $monitor ingress"
	[[ $(tell .problem) == *"is not guarded"* ]]
	tool install "$target" "$monitor"
	[ "$(tell .problem)" = "" ]
}

@test "a domain's vifs are found in xenstore, and what cannot be one is refused" {
	run on host1 'domid=$(xl domid target1) node=/local/domain/0/backend/vif/$domid
		mirror-tool vifs $(xl domid domm1); mirror-tool vifs $domid; mirror-tool vifs 999
		xenstore-write $node/0/vifname mon0; mirror-tool vifs $domid
		xenstore-write $node/0/vifname ../../x; mirror-tool vifs $domid; echo "exit $?"
		xenstore-rm $node/0/vifname; xenstore-write $node/1x ""; mirror-tool vifs $domid; echo "exit $?"
		xenstore-rm $node/1x'
	[ "$(grep -v mirror-tool: <<<"$output")" = "0 ${monitor%.1}.0
1 $monitor
0 $target
0 mon0
exit 3
exit 3" ]
}
