#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What a hostile monitor costs others: it floods dommd, and its kernel forges what dommd reads of it. The
# other pair is looked at, parted and joined meanwhile; dommd's memory and its log stay bounded. The tests
# build on each other, in their order.

load helpers

mem=/run/domm/target1/mem

setup_file() {
	lab watched
	other_config | lab ssh host1 'cat > /etc/xen/other.cfg'
	on host1 'domm create /etc/xen/other.cfg'
	cc -O2 -Wall -Wextra -Werror -I"$DOMM_SOURCE" -o "$BATS_FILE_TMPDIR/hostile" \
		"$here/guest/hostile.c" "$DOMM_BUILD/libdomm-guest.a" \
		-Wl,-Bstatic -lxengnttab -lxentoolcore -lxentoollog -Wl,-Bdynamic -lxenstore
	put "$BATS_FILE_TMPDIR/hostile" domm1 hostile
	lab ssh filer 'cat > /srv/guests/domm1/root/forge.ko' <"$(lab modules)/forge.ko"
	eventually 120 in_domm 'test -x /usr/local/sbin/hostile -a -s /root/forge.ko'
	eventually 120 complete
	eventually 60 ready domm2
}

in_domm() { in_guest host1 domm1 "$1"; }
complete() { [ "$(in_domm 'cat /run/domm/target1/info.json' | jq -r .complete)" = true ]; }
ready() { [ "$(verdict "$1")" = 'ready: ' ]; }
verdict() { on host1 "domm --json monitor-status $1 2>/dev/null; true" | jq -r '[.monitors[].targets[] | "\(.verdict): \(.memory.reason)"] | join("; ")'; }
mapped() { on host1 'dommd --scan domm1' | sed -n 's/^domm1 .*: \([0-9]*\) foreign.*/\1/p'; }
peak_kib() { on host1 'awk "/VmHWM/ { print \$2 }" /proc/$(pidof dommd)/status'; }
logged_bytes() { on host1 'journalctl -u dommd -o cat | wc -c'; }

# forged TEXT: the module says so.
forged() {
	local said
	said=$(in_domm 'dmesg | grep -o "forge: .*" | tail -n 1')
	note "$said"
	grep -q "^forge: $1" <<<"$said"
}

# ms COMMAND: how long it takes on host1.
ms() { on host1 "s=\$(date +%s%N); $1 >/dev/null && echo \$((((\$(date +%s%N) - s) / 1000000)))"; }

# costs WHAT: what the other pair and dommd have of it, for the reader. The other pair is served and ready,
# and dommd lives on, holds less than 8 MiB and writes less than 64 KiB for it.
costs() {
	local look parted joined memory log
	look=$(ms 'domm monitor-status domm2')
	parted=$(ms 'domm detach domm2 target2')
	joined=$(ms 'domm attach domm2 target2')
	memory=$(($(peak_kib) - peak_before)) log=$(($(logged_bytes) - log_before))
	note "$1: other pair's status $look ms, parted in $parted ms, joined in $joined ms; dommd $memory KiB more, log $log bytes more"
	[ "$(verdict domm2)" = 'ready: ' ]
	[ "$(on host1 'systemctl show -p MainPID -p NRestarts dommd')" = "$dommd" ]
	[ "$memory" -lt 8192 ]
	[ "$log" -lt 65536 ]
}
setup() {
	dommd=$(on host1 'systemctl show -p MainPID -p NRestarts dommd')
	peak_before=$(peak_kib)
	log_before=$(logged_bytes)
}

@test "a monitor at peace" {
	costs peace
}

@test "floods of requests" {
	for way in noise ring flood greedy; do
		in_domm "setsid sh -c 'while :; do hostile $way 500; done' >/dev/null 2>&1 </dev/null &"
		sleep 5
		costs "$way"
		in_domm 'pkill -f "[w]hile :"; pkill hostile; true'
	done
	eventually 60 ready domm1
}

@test "flags on each entry, all that Xen lets a guest set" {
	base=$(in_domm 'grep -m 1 /dev/xen/privcmd /proc/$(pidof domm-agent)/maps' | cut -d- -f1)
	before=$(mapped)
	in_domm "insmod /root/forge.ko pid=\$(pidof domm-agent) va=0x$base pages=45000 && rmmod forge"
	forged '[1-9][0-9]* entries have all flags'
	[ "$(mapped)" = "$before" ]
	costs flags
	on host1 'domm detach domm1 target1'
	[ "$(mapped)" = 0 ]
	on host1 'domm attach domm1 target1'
	eventually 120 complete
}

@test "a thousand forged roots of page tables, of 2^27 tables each" {
	in_domm 'insmod /root/forge.ko roots=1000'
	forged '1000 roots are made'
	note "its own verdict: $(verdict domm1)"
	costs roots
	in_domm 'rmmod forge'
	eventually 60 ready domm1
}

@test "a guest that says it has one page: its own verdict tells, and what dommd has mapped is taken back" {
	in_domm "insmod /root/forge.ko shared_info=0x\$(sed -n 's/ [A-Za-z] HYPERVISOR_shared_info\$//p' /proc/kallsyms)"
	forged 'max_pfn was [1-9]'
	note "its own verdict: $(verdict domm1)"
	run ready domm1
	[ "$status" != 0 ]
	costs max_pfn
	run on host1 'domm detach domm1 target1'
	note "detach: exit $status: $output"
	[ "$status" = 9 ] # nothing can be proved by a scan; what dommd itself has mapped is taken back
	run in_domm "dd if=$mem bs=4096 count=1 of=/dev/null"
	[[ $output == *"Input/output error"* ]]
	in_domm 'rmmod forge'
	nothing_mapped() { [ "$(mapped)" = 0 ]; }
	eventually 30 nothing_mapped
}
