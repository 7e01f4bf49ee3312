#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# dommd as its unit confines it, and what it leaves to a process that is not: on real Xen.

load helpers

setup_file() {
	lab watched
	watch_config | lab ssh host1 'cat > /etc/xen/watch.cfg'
}

is_ready() {
	[ "$(on host1 "domm --json monitor-status domm1 2>/dev/null; true" | jq -r '.monitors[0].targets[0].verdict')" = ready ]
}
dom0_mib() { on host1 "xl list 0 | awk '\$2 == 0 { print \$3 }'"; }

@test "dommd has no more than its unit leaves it, and serves" {
	run on host1 'systemd-analyze security dommd --no-pager | tail -n 1
		grep -E "^(CapBnd|NoNewPrivs|Seccomp):" /proc/$(systemctl show -P MainPID dommd)/status | tr "\t" " "
		systemctl is-active dommd; systemctl is-enabled domm-auto; test -d /etc/domm/auto && echo auto'
	echo "$output"
	[[ $output == *"NoNewPrivs: 1"* && $output == *"Seccomp: 2"* && $output == *"CapBnd: 0000000000005000"* ]]
	[[ $output == *$'active\nenabled\nauto'* ]]
	eventually 60 is_ready
}

@test "dom0 gives up memory for a monitor, if xl.conf says so" {
	on host1 'domm destroy domm1'
	wanted=$(($(on host1 "xl info free_memory") + 24))
	run on host1 "domm create /etc/xen/watch.cfg memory=$wanted"
	[ "$status" = 6 ] # dom0_mem= is on Xen's command line
	[[ $output == *"MiB of memory are needed"* ]]
	before=$(dom0_mib)
	on host1 "cp /etc/xen/xl.conf /run/xl.conf; echo 'autoballoon=\"on\"' >>/etc/xen/xl.conf"
	run on host1 "domm create /etc/xen/watch.cfg memory=$wanted"
	echo "$output"
	on host1 'cp /run/xl.conf /etc/xen/xl.conf'
	[ "$status" = 0 ]
	note "dom0 had $before MiB and has $(dom0_mib) MiB"
	[ "$(dom0_mib)" -lt "$before" ]
}

@test "a monitor that crashes is dumped and made again, and dommd answers meanwhile" {
	# A small one: to dump the large one takes minutes.
	on host1 "domm destroy domm1 && domm create /etc/xen/watch.cfg 'on_crash=\"coredump-restart\"'"
	id=$(on host1 'xl domid domm1')
	on host1 "timeout 5 in-guest domm1 'echo c > /proc/sysrq-trigger'" || true
	other() { now=$(on host1 'xl domid domm1 2>/dev/null') && [ "$now" != "$id" ]; }
	eventually 180 other
	on host1 'ls -l /var/lib/xen/dump/domm1; test -s /var/lib/xen/dump/domm1; rm /var/lib/xen/dump/domm1'
	log() { on host1 "journalctl -u 'dommd-ending@*' -o cat"; }
	restarted() { log | grep -q "domm1 is restarted as domain $now"; }
	eventually 120 restarted
	log | grep "domm1 ($id) is crashed"
	eventually 300 is_ready
	[ "$(on host1 'journalctl -u dommd -o cat -p err')" = "" ]
}

@test "a host that shuts down saves its pair, and has it back, ready, when it has booted" {
	lab watched
	eventually 60 is_ready
	on host1 'xl destroy target2; systemctl -q unmask xendomains; systemctl daemon-reload
		systemctl -q enable xendomains; systemctl start xendomains'
	booted() { in_guest host1 "$1" 'cat /proc/sys/kernel/random/boot_id'; }
	target=$(booted target1) monitor=$(booted domm1)
	on host1 'systemctl --no-block reboot'
	off() { lab status | grep -q '^host1 *off'; } # its QEMU does not boot again by itself
	eventually 200 off
	lab fault restore
	eventually 200 is_ready
	[ "$(booted target1)" = "$target" ]
	[ "$(booted domm1)" = "$monitor" ]
}
