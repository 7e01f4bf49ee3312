#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The program on real Xen: what the unit tests and the tests without Xen cannot show.

load helpers

setup_file() {
	lab targets --push
	lab start domm1
	lab snapshot pushed
}

@test "the packages are installed on both hosts and in the monitor's root" {
	for host in host1 host2; do
		on $host 'dpkg -s domm | grep -q "^Status: install ok installed"'
	done
	in_guest host1 domm1 'dpkg -s domm-guest | grep -q "^Status: install ok installed"'
}

@test "version names domm, libxl and the hypervisor, and that there is no PV log-dirty" {
	run on host1 'domm version'
	[ "$status" = 0 ]
	[[ $output == *"4.17.7"* ]]
	note "$(tr '\n' ';' <<<"$output")"
	[ "$(on host1 'domm --json version | jq -r .xen.pv_log_dirty')" = false ]
}

@test "list agrees with xl list" {
	run on host1 'domm list'
	[ "$status" = 0 ]
	note "$(tr '\n' ';' <<<"$output")"
	[ "$(on host1 'domm --json list | jq -r ".domains[] | \"\\(.name) \\(.domid) \\(.memory_kib / 1024 | floor) \\(.vcpus)\"" | sort')" = \
		"$(on host1 'xl list | awk "NR > 1 { print \$1, \$2, \$3, \$4 }" | sort')" ]
	[ "$(on host1 'domm --json list target1 | jq -r ".domains[].type"')" = pvh ]
	[ "$(on host1 'domm --json list domm1 | jq -r ".domains[].type"')" = pv ]
}

# The record that makes a domain a monitor, as libxl keeps its userdata.
record() {
	on host1 "id=\$(xl domid domm1); uuid=\$(xl list -l domm1 | jq -r '.[0].config.c_info.uuid')
		printf %s $(printf %q "$1") > /var/lib/xen/userdata-d.\$id.\$uuid.domm"
}

@test "list shows who watches whom" {
	[ "$(on host1 'domm --json list | jq -r ".domains[].role" | sort -u')" = none ]
	record '{"version":1,"targets":[{"uuid":"d0330000-0000-4000-8000-000000000011"}]}'
	run on host1 'domm list'
	note "$(tr '\n' ';' <<<"$output")"
	[ "$(on host1 'domm --json list domm1 | jq -r ".domains[].role"')" = monitor ]
	[ "$(on host1 'domm --json list target1 | jq -r ".domains[].role"')" = target ]
}

@test "a record that cannot be read is shown, and no reason to fail" {
	record '{"version":1,"targets":"all of them"'
	run on host1 'domm list'
	[ "$status" = 0 ]
	[[ $output == *"domm1"* ]]
	[ "$(on host1 'domm --json list domm1 2>/dev/null | jq -r ".domains[].role"')" = invalid ]
}

@test "an unknown domain is exit code 5, an ordinary user 4" {
	run on host1 'domm list nobody-there'
	[ "$status" = 5 ]
	[[ $output == *"nobody-there"* ]]
	note "$output"
	run on host1 'setpriv --reuid=65534 --clear-groups domm list'
	[ "$status" = 4 ]
	note "$output"
}

@test "a wrong command and a wrong option say so" {
	run on host1 'domm frobnicate'
	[ "$status" = 2 ]
	note "$output"
	run on host1 'domm list --frobnicate'
	[ "$status" = 2 ]
	note "$output"
}

@test "the shell survives a failing line" {
	run on host1 'printf "version\nlist nobody-there\nlist\n" | domm shell'
	note "$(tr '\n' ';' <<<"$output")"
	[ "$status" = 5 ]
	[[ $output == *"Xen:"*"nobody-there"*"target1"* ]]
}

@test "bash completion knows the domains" {
	run on host1 'bash -c ". /usr/share/bash-completion/bash_completion; _completion_loader domm
		COMP_WORDS=(domm list tar); COMP_CWORD=2; COMP_LINE=\"domm list tar\"; COMP_POINT=13
		\$(complete -p domm | sed \"s/.*-F \\([^ ]*\\).*/\\1/\") domm tar list; echo \"\${COMPREPLY[@]}\""'
	[ "$status" = 0 ]
	[[ $output == *target1* ]]
}

@test "the agent in the monitor shows its life once dom0 has made it a place" {
	lab restore pushed
	on host1 'id=$(xl domid domm1); xenstore-write /local/domain/$id/domm ""
		xenstore-chmod /local/domain/$id/domm n0 b$id'
	in_guest host1 domm1 'modprobe -a xen-gntalloc xen-privcmd fuse; systemctl restart domm-agent'
	alive() { on host1 'xenstore-read /local/domain/$(xl domid domm1)/domm/agent/alive 2>/dev/null'; }
	eventually 60 eval '[ -n "$(alive)" ]'
	before=$(alive)
	sleep 6
	[ "$(alive)" -gt "$before" ]
	in_guest host1 domm1 'systemctl stop domm-agent'
	[ -z "$(alive)" ]
}
