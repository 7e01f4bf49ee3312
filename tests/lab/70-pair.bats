#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A pair on real Xen: made by domm create, measured by domm monitor-status, parted and joined again.
# The tests build on each other, in their order.

load helpers

target1=d0330000-0000-4000-8000-000000000011
target2=d0330000-0000-4000-8000-000000000012

setup_file() {
	lab targets --push
	watch_config | lab ssh host1 'cat > /etc/xen/watch.cfg'
}

# status JQ: what monitor-status measures, whatever the verdict.
status() { on host1 "domm --json monitor-status domm1 2>/dev/null; true" | jq -r "$1"; }
# is VERDICTS: of the pair, its memory, network and storage. Fails with the reasons of what is not ready.
is() {
	status '.monitors[0].targets[0] | (.verdict + " " + .memory.verdict + " " + .network.verdict + " " + .storage.verdict),
		(.. | objects | select(.reason) | .reason)' >"$BATS_TEST_TMPDIR/verdicts"
	[ "$(head -n 1 "$BATS_TEST_TMPDIR/verdicts")" = "$1" ] || { cat "$BATS_TEST_TMPDIR/verdicts"; return 1; }
}

# What a host has of domains, nodes, filters, records and mounts: to be the same before and after. What the
# agent says all the time is left out.
state() {
	on host1 'xl list | cut -c1-45
		xenstore-ls -f /local/domain | grep -v -e /agent/ -e /domm/ping -e /domm/heard -e /domm/told -e /domm/pages -e /memory/meminfo -e uptime
		for d in $(ls /sys/class/net | grep ^vif); do tc filter show dev $d ingress; tc filter show dev $d egress; done
		ls /var/lib/xen | grep -v -e -lock$
		grep -v " /run/user/" /proc/mounts
		! xl domid domm1 >/dev/null 2>&1 || in-guest domm1 "grep -v /run/user/ /proc/mounts"'
}
unchanged() { diff <(echo "$1") <(state); }

refuses() {
	local code=$1 text=$2
	shift 2
	run on host1 "$*"
	[ "$status" = "$code" ] || { echo "$*: exit $status, not $code: $output"; return 1; }
	[[ $output == *"$text"* ]] || { echo "$*: no \"$text\" in: $output"; return 1; }
}

@test "create -N says what it would do, and does nothing" {
	before=$(state)
	run on host1 'domm -N create /etc/xen/watch.cfg'
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"would mirror vif 0 of target1 to its vif 1"* ]]
	unchanged "$before"
}

@test "create makes a monitor and returns when it is ready" {
	start=$SECONDS
	run on host1 'domm create /etc/xen/watch.cfg'
	echo "$output"
	[ "$status" = 0 ]
	note "domm create: ready after $((SECONDS - start)) s"
	[ "$(on host1 'domm --json list domm1' | jq -r '.domains[0].targets[0].name')" = target1 ]
}

@test "monitor-status says ready for all three" {
	run on host1 'domm monitor-status'
	echo "$output"
	[ "$status" = 0 ]
	while read -r line; do note "$line"; done <<<"$output"
	is "ready ready ready ready"
	on host1 'domm monitor-status -f prometheus' | grep -F 'domm_verdict{monitor="domm1",target="target1",aspect="all"} 0'
}

# told VERDICT BEFORE: it is a change that the journal has.
told() {
	on host1 'domm -q monitor-status --changes; journalctl --sync; journalctl -q -o json MESSAGE_ID=3f0f5a5bd2c94c0c8b6d4e7a1c92e0b4 -n 1' >"$BATS_TEST_TMPDIR/told"
	tail -n 1 "$BATS_TEST_TMPDIR/told" | jq -e --arg now "$1" --arg before "$2" \
		'.DOMM_TARGET == "target1" and .DOMM_VERDICT == $now and .DOMM_VERDICT_BEFORE == $before'
}

@test "what is broken is said, and mended or seen to recover: dommd stopped, filter deleted, vif down" {
	told ready none
	on host1 'systemctl stop dommd'
	[[ $(status '.monitors[0].targets[0].memory.reason') == *"dommd does not run"* ]]
	told degraded ready
	run on host1 'domm monitor-status'
	[ "$status" = 10 ]
	vif=$(status '.monitors[0].targets[0].network.mirrors[0].target_vif')
	on host1 "tc qdisc del dev $vif clsact"
	is "degraded degraded blind ready"
	on host1 'systemctl start dommd'
	eventually 60 is "ready ready ready ready"
	monitor=$(status '.monitors[0].targets[0].network.mirrors[0].monitor_vif')
	on host1 'systemctl stop dommd'
	on host1 "ip link set $monitor down"
	[ "$(status '.monitors[0].targets[0].network.verdict')" = blind ]
	on host1 'systemctl start dommd'
	eventually 60 is "ready ready ready ready"
}

@test "an agent that is killed is silence, not success, and comes back" {
	in_guest host1 domm1 'systemctl stop domm-agent'
	run on host1 'domm monitor-status'
	[ "$status" = 10 ]
	[[ $output == *"no sign of life"* && $output =~ agent\ silent\ for\ [0-9]+\ s ]]
	note "${BASH_REMATCH[0]}"
	[ "$(status '.monitors[0].agent_silent < 60')" = true ]
	is "degraded blind ready blind"
	in_guest host1 domm1 'systemctl start domm-agent'
	eventually 120 is "ready ready ready ready"
}

@test "a filer that is cut off is seen in the age of the last read, and comes back" {
	lab fault cut filer
	stale() { [ "$(status '.monitors[0].targets[0].storage.verdict')" != ready ]; }
	eventually 120 stale
	status '.monitors[0].targets[0].storage.reason'
	lab fault restore
	eventually 180 is "ready ready ready ready"
}

@test "the mirror counts what the target sends and receives, and another guest's packets not" {
	sent() { status '.monitors[0].targets[0].network.mirrors[0].sent.packets'; }
	first=$(sent)
	on host1 'ping -q -c 20 -i 0.2 10.99.0.11' >/dev/null
	second=$(sent)
	[ $((second - first)) -ge 20 ]
	in_guest host1 domm1 'ip link set eth1 up; timeout 20 tcpdump -c 4000 -ni eth1 -w /tmp/seen icmp 2>/dev/null & sleep 5; wait' &
	sleep 12
	on host1 'ping -q -c 10 -i 0.2 10.99.0.12; ping -q -c 10 -i 0.2 10.99.0.11' >/dev/null
	wait
	[ "$(in_guest host1 domm1 'tcpdump -nr /tmp/seen host 10.99.0.11 2>/dev/null | wc -l')" -ge 20 ]
	[ "$(in_guest host1 domm1 'tcpdump -nr /tmp/seen host 10.99.0.12 2>/dev/null | wc -l')" = 0 ]
}

@test "detach takes everything back, proved by a scan; attach brings it again" {
	filters() { on host1 'for d in $(ls /sys/class/net | grep ^vif); do tc qdisc show dev $d clsact; done'; }
	run on host1 'domm detach domm1 target1'
	echo "$output"
	[ "$status" = 0 ]
	[[ $(on host1 'dommd --scan domm1') == *" 0 foreign frames"* ]]
	eventually 30 eval '[ -z "$(filters)" ]'
	run on host1 'domm attach domm1 target1 --mirror vif=0,to=1 --storage nfs=10.99.0.3:/srv/guests/target1'
	echo "$output"
	[ "$status" = 0 ]
	is "ready ready ready ready"
}

@test "one monitor watches two targets" {
	# An agent that gets page tables which an earlier one had, and with them has mapped another target.
	in_guest host1 domm1 'systemctl restart domm-agent'
	eventually 60 is "ready ready ready ready"
	run on host1 'domm attach domm1 target2 -m vif=0,to=1'
	echo "$output"
	[ "$status" = 0 ]
	[ "$(status '.monitors[0].targets | map(.name + " " + .verdict) | sort | join(",")')" = "target1 ready,target2 ready" ]
	on host1 'domm detach domm1 target2'
	is "ready ready ready ready"
}

@test "a target that is destroyed and made again is watched again by itself" {
	on host1 'xl destroy target1'
	blind() { [ "$(status '.monitors[0].targets[0].verdict')" = blind ]; }
	eventually 30 blind
	lab start target1
	eventually 120 is "ready ready ready ready"
}

@test "a monitor that reboots is made again, and monitors what it did" {
	id=$(on host1 'xl domid domm1')
	in_guest host1 domm1 'systemctl reboot' || true
	other() { now=$(on host1 'xl domid domm1 2>/dev/null') && [ "$now" != "$id" ]; }
	eventually 180 other
	eventually 400 is "ready ready ready ready"
}

@test "misuse is refused with a reason and a code, and changes nothing" {
	before=$(state)
	refuses 6 'monitored by domm1 already' domm attach domm1 target1
	refuses 6 'a domain named domm1 exists' domm create /etc/xen/watch.cfg
	refuses 3 'target1 is a target of domm1, not a monitor' domm detach target1
	refuses 3 'target1 is a target of domm1, not a monitor' domm destroy target1
	refuses 3 'is not a monitor' domm attach target2 target1
	refuses 3 'does not monitor target2' domm detach domm1 target2
	refuses 5 "no domain has the name 'nobody'" domm attach domm1 nobody
	refuses 5 "no domain has the name 'nobody'" domm destroy nobody
	refuses 5 "no domain has the name 'nobody'" domm monitor-status nobody
	refuses 6 'dom0 cannot be a target' domm attach domm1 0
	refuses 6 'cannot be its own target' domm attach domm1 domm1
	refuses 6 'has no vif 7 to mirror' domm attach domm1 target2 -m vif=7,to=1
	refuses 6 'has no vif 5 to mirror to' domm attach domm1 target2 -m vif=0,to=5
	refuses 6 'is on a bridge' domm attach domm1 target2 -m vif=0,to=0
	refuses 3 'vif 0 is mirrored twice' domm attach domm1 target2 -m vif=0,to=1 -m vif=0,to=1
	refuses 3 'is not SERVER:/PATH' domm attach domm1 target2 -s nfs=/srv
	refuses 3 'is not known here' domm attach domm1 target2 -s cifs=x
	refuses 6 '--storage: 10.99.0.3:/srv/nowhere: the server exports no such directory' domm attach domm1 target2 -s nfs=10.99.0.3:/srv/nowhere
	refuses 6 'domm1 has no disk xvdz' domm attach domm1 target2 -s block=xvdz
	refuses 2 'unexpected argument' domm destroy domm1 domm1
	refuses 2 'missing operands: expected MONITOR TARGET' domm attach domm1
	refuses 2 'is not one of text, json, prometheus' domm monitor-status -f xml
	wrong() {
		watch_config | grep -v "^$1" | sed 's/domm1"/domm9"/; s/000000000021/000000000029/; s/target1/target2/g' > "$BATS_TEST_TMPDIR/cfg"
		printf '%s\n' "$2" >> "$BATS_TEST_TMPDIR/cfg"
		lab ssh host1 'cat > /etc/xen/wrong.cfg' < "$BATS_TEST_TMPDIR/cfg"
	}
	wrong zzz ''
	refuses 6 'memory' domm create /etc/xen/wrong.cfg memory=100000
	refuses 3 'no such key' domm create /etc/xen/wrong.cfg bios=1
	refuses 3 'only a PV guest' "domm create /etc/xen/wrong.cfg 'type=\"pvh\"'"
	refuses 3 'is not a whole number' "domm create /etc/xen/wrong.cfg 'memory=\"much\"'"
	refuses 5 'No such file' domm create /etc/xen/nowhere.cfg
	wrong target 'target = "target1"'
	refuses 6 'monitored by domm1 already' domm create /etc/xen/wrong.cfg
	wrong mirror 'mirror = [ "vif=3,to=1" ]'
	refuses 6 'has no vif 3' domm create /etc/xen/wrong.cfg
	wrong kernel 'kernel = "/nowhere"'
	refuses 3 '/nowhere' domm create /etc/xen/wrong.cfg
	wrong vif 'vif = [ "mac=00:16:3e:d0:33:29,bridge=nobr", "" ]'
	refuses 6 'no bridge nobr' domm create /etc/xen/wrong.cfg
	wrong uuid 'uuid = "d0330000-0000-4000-8000-000000000012"'
	refuses 6 'target2 has it already' domm create /etc/xen/wrong.cfg
	wrong name 'name = "target1"'
	refuses 6 'a domain named target1 exists' domm create /etc/xen/wrong.cfg
	wrong memory 'memory = 8'
	refuses 3 'is not from 32' domm create /etc/xen/wrong.cfg
	wrong storage 'storage = [ "block=xvdz" ]'
	refuses 3 'no such disk' domm create /etc/xen/wrong.cfg
	wrong storage 'storage = [ "nfs=10.99.0.3:/srv/nowhere" ]'
	refuses 6 'storage: 10.99.0.3:/srv/nowhere: the server exports no such directory' domm create /etc/xen/wrong.cfg
	refuses 6 'storage: 10.99.0.3:/srv/nowhere: the server exports no such directory' domm -N create /etc/xen/wrong.cfg
	wrong ready_timeout 'ready_timeout = 0'
	refuses 3 'ready_timeout' domm create /etc/xen/wrong.cfg
	unchanged "$before"
	on host1 'systemctl stop dommd'
	refuses 6 'dommd does not run' domm attach domm1 target2
	refuses 6 'dommd does not run' domm detach domm1
	on host1 'systemctl start dommd'
	eventually 60 is "ready ready ready ready"
}

@test "dom0 asks the file server before the monitor has to" {
	before=$(state)
	try() { echo "domm -N attach domm1 target2 -s nfs=$1"; }
	refuses 6 'there is no such directory on the server' "$(try 10.99.0.3:/srv/guests/nowhere)"
	refuses 6 'the server cannot be reached: Connection refused' "$(try 10.99.0.1:/srv)"
	refuses 6 'the server cannot be reached' "$(try 10.99.0.77:/srv)"
	refuses 6 'the server cannot be found' "$(try nobody.invalid:/srv)"
	refuses 0 'would let domm1 monitor' "$(try 10.99.0.77:/srv,check=0)"
	on filer 'mkdir -p /srv/private && exportfs -o ro 10.99.0.99:/srv/private'
	refuses 0 'warning: --storage: 10.99.0.3:/srv/private: the server does not let this host mount it' "$(try 10.99.0.3:/srv/private)"
	# By version 4 alone: no way to rpcbind.
	on host1 'tc qdisc add dev xenbr0 clsact &&
		tc filter add dev xenbr0 egress protocol ip u32 match ip dport 111 0xffff action drop'
	refuses 0 'would let domm1 monitor' "$(try 10.99.0.3:/srv/guests/target2)"
	[[ $output != *warning* ]]
	refuses 6 'the server exports no such directory' "$(try 10.99.0.3:/srv/guests/nowhere)"
	refuses 6 'the server exports no such directory' "$(try 10.99.0.3:/srv/private)"
	# By neither.
	on host1 'tc filter add dev xenbr0 egress protocol ip u32 match ip dport 2049 0xffff action drop'
	start=$SECONDS
	refuses 6 'the server cannot be reached: Connection timed out' "$(try 10.99.0.3:/srv/guests/target2)"
	[ $((SECONDS - start)) -lt 20 ]
	on host1 'tc qdisc del dev xenbr0 clsact'
	on filer 'exportfs -u 10.99.0.99:/srv/private && rmdir /srv/private'
	unchanged "$before"
}

@test "an attach that cannot become ready is undone" {
	on host1 'domm detach domm1 target1'
	id=$(on host1 'xl domid domm1')
	run on host1 "f=\$(ls /var/lib/xen/userdata-d.$id.*.domm); sed -i 's/\"ready_timeout\":[0-9]*/\"ready_timeout\":20/' \$f
		domm attach domm1 target1 -s nfs=10.99.0.3:/srv/nowhere,check=0"
	echo "$output"
	[ "$status" = 7 ]
	[[ $output == *"the target is detached again"* ]]
	[ "$(on host1 'domm --json list domm1' | jq -r '.domains[0].targets | length')" = 0 ]
	[[ $(on host1 'dommd --scan domm1') == *" 0 foreign frames"* ]]
}

@test "destroy ends a monitor and leaves nothing behind, without trouble" {
	id=$(on host1 'xl domid domm1')
	since=$(on host1 'date +%s')
	on host1 'domm destroy domm1'
	logged() { on host1 "journalctl -u dommd -o cat --since @$since"; }
	over() { [[ $(logged) == *"domm1 ($id) has ended"* ]]; }
	eventually 30 over
	[ -z "$(logged | grep -e error -e warning)" ]
	[ -z "$(on host1 "xenstore-ls /local/domain/$id 2>/dev/null")" ]
	[ -z "$(on host1 'xl domid domm1 2>/dev/null')" ]
	[ -z "$(on host1 'for d in $(ls /sys/class/net | grep ^vif); do tc qdisc show dev $d clsact; done')" ]
	[ -z "$(on host1 'ls /var/lib/xen/userdata-d.*.domm 2>/dev/null')" ]
}
