#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A pair on real Xen: made by domm create, measured by domm monitor-status, parted and joined again.
# The tests build on each other, in their order.

load helpers

target1=d0330000-0000-4000-8000-000000000011
target2=d0330000-0000-4000-8000-000000000012

setup_file() {
	lab up
	lab restore "${PAIR_SNAPSHOT:-targets}" || {
		lab reset
		lab push
		lab start target1
		lab start target2
		lab snapshot targets
	}
	config | on_in host1 'cat > /etc/xen/watch.cfg'
}

on_in() { lab ssh "$@"; }

# The domM of these tests: the lab's domm1 with a monitor vif, and what it watches of target1.
config() {
	cat <<-EOF
		name = "domm1"
		uuid = "d0330000-0000-4000-8000-000000000021"
		memory = 160
		kernel = "/var/lib/lab/vmlinuz"
		ramdisk = "/var/lib/lab/initrd.img"
		cmdline = "root=/dev/nfs nfsroot=10.99.0.3:/srv/guests/domm1 rw console=hvc0 ip=10.99.0.21::10.99.0.3:255.255.255.0:domm1:eth0:off net.ifnames=0 mitigations=off systemd.hostname=domm1"
		vif = [ "mac=00:16:3e:d0:33:21,bridge=xenbr0", "mac=00:16:3e:d0:33:31" ]
		target = "target1"
		mirror = [ "vif=0,to=1" ]
		storage = [ "nfs=10.99.0.3:/srv/guests/target1,max_age=3" ]
		ready_timeout = 400
	EOF
}

# status JQ: what monitor-status measures, whatever the verdict.
status() { on host1 "domm --json monitor-status domm1 2>/dev/null; true" | jq -r "$1"; }
verdict() { status '.domms[0].targets[0] | .verdict + " " + .memory.verdict + " " + .network.verdict + " " + .storage.verdict'; }
is() { [ "$(verdict)" = "$1" ]; }

# What a host has of domains, filters and nodes: to be the same before and after.
state() {
	on host1 'xl list | cut -c1-45; xenstore-ls /local/domain | grep -v "alive\|uptime\|/pong\|ping = \|meminfo" | cksum
		for d in $(ls /sys/class/net | grep ^vif); do tc filter show dev $d ingress; tc filter show dev $d egress; done | grep -v "Sent\|used"; ls /var/lib/xen'
}

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
	[ "$(state)" = "$before" ]
}

@test "create makes a domM and returns when it is ready" {
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
	on host1 'domm monitor-status -f prometheus' | grep -F 'domm_verdict{domm="domm1",target="target1",aspect="all"} 0'
}
