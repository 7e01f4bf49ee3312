#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Intrusion detection in the monitor, by Debian's own programs, on real Xen. Each test starts from the
# pair of "lab watched".

load helpers

mem=/run/domm/target1/mem
disk=/run/domm-storage/target1/0

setup_file() {
	lab watched
}

setup() {
	lab restore watched
	ready() { on host1 'domm -q monitor-status domm1' >/dev/null; }
	eventually 60 ready
}

in_domm() { in_guest host1 domm1 "$1"; }
in_target() { in_guest host1 target1 "$1"; }

@test "yara and strings find in the memory file what a process in the target holds" {
	in_target 'setsid sh -c "SECRET=Xk7-the-hidden-word-42; export SECRET; exec sleep 600" </dev/null >/dev/null 2>&1 &'
	in_domm 'printf "%s\n" "rule hidden { strings: \$a = \"Xk7-the-hidden-word-42\" condition: \$a }" > /tmp/rule'
	run in_domm "yara /tmp/rule $mem"
	echo "$output"
	[[ $output == *"hidden $mem"* ]]
	in_domm "strings -n 12 $mem 2>/dev/null || grep -a -o 'Xk7-the-hidden-word-42' $mem" | grep -q Xk7-the-hidden-word-42
}

@test "ngrep sees a signature that is sent to the target, and one that it sends" {
	in_domm_for_a_while 'ngrep -l -q -d eth1 -W single "EVIL-[A-Z]+" udp'
	eventually 30 in_domm 'pgrep ngrep'
	sleep 3
	on host1 'echo EVIL-INBOUND > /dev/udp/10.99.0.11/4444'
	eventually 30 output_has 'EVIL-INBOUND'
	in_target "bash -c 'echo EVIL-OUTBOUND > /dev/udp/10.99.0.3/4444'"
	eventually 30 output_has 'EVIL-OUTBOUND'
	on host1 'echo EVIL-ELSEWHERE > /dev/udp/10.99.0.12/4444; echo EVIL-LAST > /dev/udp/10.99.0.11/4444'
	eventually 30 output_has 'EVIL-LAST'
	output_lacks 'EVIL-ELSEWHERE'
	note "$(in_domm 'grep -a EVIL /tmp/output' | head -n 1)"
}

@test "aide reports a file that has changed in the target" {
	in_domm "printf '%s\n' database_in=file:/tmp/aide.db database_out=file:/tmp/aide.db '$disk/etc sha256' > /tmp/aide.conf
		aide --config /tmp/aide.conf --init"
	in_domm 'aide --config /tmp/aide.conf --check'
	in_target 'echo "evil:x:0:0::/:/bin/sh" >> /etc/passwd; sync'
	sleep 10 # max_age, and the time of the target's own NFS client
	run in_domm 'aide --config /tmp/aide.conf --check'
	echo "$output"
	[[ $output == *"$disk/etc/passwd"* ]]
	note "$(grep -m 1 'etc/passwd' <<<"$output")"
}
