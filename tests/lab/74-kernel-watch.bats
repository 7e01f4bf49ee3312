#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm-kernel-check watches the target's kernel from the monitor, while its text and its tables are
# overwritten and put back, on real Xen. Both tests start from one baseline.

load helpers

mem=/run/domm/target1/mem

setup_file() {
	lab watched
	cc -O2 -Wall -Wextra -Werror -o "$BATS_FILE_TMPDIR/poke" "$here/guest/poke.c" -lxenforeignmemory
	local start=$SECONDS
	in_domm "domm-kernel-check baseline -o /tmp/baseline $mem"
	note "baseline: $((SECONDS - start)) s, $(in_domm 'stat -c %s /tmp/baseline') bytes"
	lab snapshot kernel-watch
}

setup() {
	lab restore kernel-watch
	ready() { on host1 'domm -q monitor-status domm1' >/dev/null; }
	eventually 60 ready
}

in_domm() { in_guest host1 domm1 "$1"; }
in_target() { in_guest host1 target1 "$1"; }

watch_kernel() {
	in_domm_for_a_while "domm-kernel-check check -b /tmp/baseline -i 5 -v -j $mem"
}

@test "a byte of the target's kernel text is overwritten: reported with its symbol, and cleared" {
	watch_kernel
	sleep 20
	in_domm 'cat /tmp/output'
	output_lacks '"event":"changed"'
	# A breakpoint of kprobes is a byte written to the text, by root in the target.
	in_target 'mount -t tracefs none /sys/kernel/tracing 2>/dev/null; cd /sys/kernel/tracing
		for at in 9 10 11 12 13 14 15 16 17 18 20 24; do
			echo "p:evil __x64_sys_sethostname+$at" > kprobe_events 2>/dev/null && break
		done
		echo 1 > events/kprobes/evil/enable'
	looks=$(looks_over host1 /tmp/output)
	eventually 60 output_has 'changed.*__x64_sys_sethostname'
	seen_at_once host1 /tmp/output "$looks" 'changed.*__x64_sys_sethostname'
	note "$(in_domm 'grep -a sethostname /tmp/output' | head -n 1)"
	in_target 'echo 0 > /sys/kernel/tracing/events/kprobes/evil/enable'
	eventually 60 output_has 'restored'
	note "$(in_domm 'grep -a restored /tmp/output' | tail -n 1)"
}

@test "an entry of the target's syscall table is overwritten: reported with its number, and cleared" {
	lab ssh host1 'cat > /root/poke && chmod 755 /root/poke' <"$BATS_FILE_TMPDIR/poke"
	watch_kernel
	table=$(in_target 'grep " sys_call_table$" /proc/kallsyms' | cut -d' ' -f1)
	base=$(in_domm "cat /run/domm/target1/info.json" | jq -r '.kernel.phys_base')
	# The entry of getpid, 39, in the kernel's image mapping.
	at=$(printf %x $((0x$table + 39 * 8 - 0xffffffff80000000 + base)))
	old=$(on host1 "/root/poke \$(xl domid target1) $at f0")
	looks=$(looks_over host1 /tmp/output)
	eventually 60 output_has 'changed.*sys_call_table'
	seen_at_once host1 /tmp/output "$looks" 'changed.*sys_call_table'
	note "$(in_domm 'grep -a sys_call_table /tmp/output' | head -n 1)"
	on host1 "/root/poke \$(xl domid target1) $at $old"
	eventually 60 output_has 'restored'
}
