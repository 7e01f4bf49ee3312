#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Two real Xen hosts come up, and see each other and the filer.

load helpers

setup_file() {
	LAB_NAME=other lab down
	start=$SECONDS
	lab up
	note "lab up: $((SECONDS - start)) s"
	lab reset
}

@test "host1 and host2 run Xen and can run PV and PVH guests" {
	for host in host1 host2; do
		run on $host xl info
		[ "$status" = 0 ]
		[[ $output =~ xen_version\ *:\ 4\.17 ]]
		[[ $output =~ virt_caps\ *:\ pv\ hvm\ hap ]]
		note "$host: $(grep -E 'xen_version|virt_caps|free_memory' <<<"$output" | tr -s ' \n' ' ')"
	done
}

@test "current Xen has no shadow paging, so no PV log-dirty" {
	run on host1 "xl info | grep virt_caps"
	[[ $output != *shadow* ]]
	[ "$(on host1 'dpkg-query -W -f "\${Version}" xen-hypervisor-4.17-amd64')" != 4.17.5+72-g01140da4e8-1 ]
}

@test "dom0's xl and the hypervisor are of one build" {
	for host in host1 host2; do
		on $host 'test "$(dpkg-query -W -f "\${Version}" xen-utils-4.17)" = "$(dpkg-query -W -f "\${Version}" xen-hypervisor-4.17-amd64)"'
	done
}

@test "hosts reach each other and the filer by ssh without a question" {
	[ "$(on host1 'ssh host2 hostname')" = host2 ]
	[ "$(on host2 'ssh host1 hostname')" = host1 ]
	[ "$(on host1 'ssh filer hostname')" = filer ]
}

@test "both hosts mount the filer's export and read what the other wrote" {
	on host1 'mount -t nfs filer:/srv/guests /mnt && echo hello > /mnt/hello'
	[ "$(on host2 'mount -t nfs filer:/srv/guests /mnt && cat /mnt/hello && rm /mnt/hello')" = hello ]
	on host1 'umount /mnt'
	on host2 'umount /mnt'
}

@test "a lab that is up says so, and refuses other settings" {
	run lab up
	[ "$status" = 0 ]
	[[ $output == *"is up already"* ]]
	run lab up --smp 2
	[ "$status" = 1 ]
	[[ $output == *"other settings"*"lab down"* ]]
}

@test "down leaves nothing running; a warm up gives the lab back" {
	lab down
	run pgrep -af "labs/$LAB_NAME/|domm-lab-$LAB_NAME-(host|filer)"
	[ "$output" = "" ]
	run lab ssh host1 true
	[ "$status" = 1 ]
	[[ $output == *"does not run"* ]]
	start=$(date +%s%N)
	lab up
	note "warm lab up: $((($(date +%s%N) - start) / 1000000)) ms"
	on host1 'xl list'
}

@test "wrong calls of the lab are refused with a reason" {
	run lab restore never-taken
	[ "$status" = 1 ]
	[[ $output == *"no snapshot 'never-taken'"* ]]
	run lab snapshot '../x'
	[ "$status" = 1 ]
	[[ $output == *"no name for a snapshot"* ]]
	run lab snapshot booted
	[ "$status" = 1 ]
	run lab --lab 'a/b' status
	[ "$status" = 1 ]
	run lab up --hypervisor kvm
	[ "$status" = 1 ]
	[[ $output == *"no hypervisor 'kvm'"* ]]
	run lab ssh host3 true
	[ "$status" = 2 ]
}
