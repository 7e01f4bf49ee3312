#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A second lab, beside the first: host1 with the Xen that can still live-migrate PV guests
# ("shadow"), host2 with Debian 13 ("trixie"), and with a CPU that cannot do all that host1's can.

load helpers
load migrate

setup_file() {
	lab up
	lab reset
	start=$SECONDS
	LAB_NAME=other lab up --host1 shadow --host2 trixie --host2-lacks aes
	note "second lab up: $((SECONDS - start)) s"
	LAB_NAME=other lab reset
	LAB_NAME=other lab push
}

setup() {
	other=other
	first=test
}

teardown_file() {
	LAB_NAME=other lab down
}

@test "the two labs run side by side, each with its own machines" {
	LAB_NAME=$first on host1 'xl info' | grep -q 4.17.7
	LAB_NAME=$other on host1 'xl info' | grep -q 4.17.5
	[ "$(LAB_NAME=$first lab status | grep -c running)" = 3 ]
	[ "$(LAB_NAME=$other lab status | grep -c running)" = 3 ]
}

@test "shadow: this Xen has shadow paging, and domm says so" {
	export LAB_NAME=$other
	[ "$(on host1 'dpkg-query -W -f "\${Version}" xen-hypervisor-4.17-amd64')" = 4.17.5+72-g01140da4e8-1 ]
	on host1 'xl info' | grep virt_caps | grep -q shadow
	[ "$(on host1 'domm --json version | jq -r .xen.pv_log_dirty')" = true ]
	run on host1 'domm version && domm list'
	[ "$status" = 0 ]
	note "$(tr '\n' ';' <<<"$output")"
}

@test "trixie: Xen 4.20 boots, domm built for it runs version and list" {
	export LAB_NAME=$other
	run on host2 'domm version && domm list'
	[ "$status" = 0 ]
	[[ $output == *4.20* ]]
	[[ $output == *Domain-0* ]]
	note "$(tr '\n' ';' <<<"$output")"
}

@test "guests that may use what the other host's CPU cannot do are not migrated to it" {
	export LAB_NAME=$other
	[ -z "$(on host2 'grep -m 1 -w aes /proc/cpuinfo')" ]
	on host1 'grep -q -m 1 -w aes /proc/cpuinfo'
	lab start target1
	watch_config | lab ssh host1 'cat > /etc/xen/watch.cfg'
	on host1 'domm create /etc/xen/watch.cfg'
	before=$(state)
	refuses 6 'may use CPU features that the destination lacks' 'domm migrate domm1 host2'
	note "$(tr '\n' ';' <<<"$output")"
	diff <(echo "$before") <(state)
}
