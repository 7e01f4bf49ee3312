#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# An intruder in the target who strikes the moment it runs at the destination, and the kernel check
# in the monitor that was begun at the source.

load helpers
load migrate

setup_file() {
	lab watched
	cc -O2 -Wall -Wextra -Werror -static -o "$BATS_FILE_TMPDIR/ambush" "$here/guest/ambush.c"
	put "$BATS_FILE_TMPDIR/ambush" target1 ambush
	eventually 120 in_guest host1 target1 'test -x /usr/local/sbin/ambush'
	eventually 60 ready_at host1
}

@test "an intruder who waits for the moment of arrival is seen in the first interval" {
	in_guest host1 domm1 "domm-kernel-check baseline -o /tmp/baseline $mem"
	in_background host1 domm1 "domm-kernel-check check -b /tmp/baseline -i 5 -v -j target:target1" /tmp/kernel
	in_guest host1 target1 'mount -t tracefs none /sys/kernel/tracing 2>/dev/null; cd /sys/kernel/tracing
		for at in 9 10 11 12 13 14 15 16 17 18 20 24; do
			echo "p:evil __x64_sys_sethostname+$at" > kprobe_events 2>/dev/null && break
		done'
	in_background host1 target1 'ambush /sys/kernel/tracing/events/kprobes/evil/enable 1' /tmp/ambush
	# Both are busy all the time: one looks at the clock, one at the other's kernel.
	migrate host1 host2 -d tcp -o force
	tell_report "busy guests"
	eventually 30 in_guest host2 target1 'grep struck /tmp/ambush'
	looks=$(looks_over host2 /tmp/kernel)
	[ "$(figure '.guests[1].unmonitored_cpu_ns')" = 0 ]
	eventually 30 in_guest host2 domm1 'grep -q "changed.*__x64_sys_sethostname" /tmp/kernel'
	seen_at_once host2 /tmp/kernel "$looks" 'changed.*__x64_sys_sethostname'
	note "$(in_guest host2 target1 'cat /tmp/ambush'); $(in_guest host2 domm1 'grep -m 1 "changed.*__x64_sys_sethostname" /tmp/kernel')"
	in_guest host2 target1 'echo 0 > /sys/kernel/tracing/events/kprobes/evil/enable'
	in_guest host2 domm1 'pkill -x domm-kernel-che'
	ready_at host2
}
