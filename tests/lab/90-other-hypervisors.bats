#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A second lab, beside the first: host1 with the Xen that can still live-migrate PV guests
# ("shadow"), host2 with Debian 13 ("trixie").

load helpers

setup_file() {
	lab up
	lab reset
	start=$SECONDS
	LAB_NAME=other lab up --host1 shadow --host2 trixie
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
