#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm-kernel-check on one target from both sides: in the monitor, on the file that the agent offers, and in
# dom0, on the domain itself. Starts from the pair of "lab watched".

load helpers

mem=/run/domm/target1/mem

setup_file() {
	lab watched
	cc -O2 -Wall -Wextra -Werror -o "$BATS_FILE_TMPDIR/poke" "$here/guest/poke.c" -lxenforeignmemory
	lab ssh host1 'cat > /root/poke && chmod 755 /root/poke' <"$BATS_FILE_TMPDIR/poke"
	ready() { on host1 'domm -q monitor-status domm1' >/dev/null; }
	eventually 60 ready
	in_domm "domm-kernel-check baseline -o /var/tmp/baseline $mem"
	in_domm 'cat /var/tmp/baseline' | lab ssh host1 'cat > /var/tmp/baseline'
}

in_domm() { in_guest host1 domm1 "$1"; }

@test "from dom0 the kernel is what it is from the monitor, by name and by domid" {
	for domain in target1 "$(on host1 'xl domid target1')"; do
		run on host1 "domm-kernel-check check -b /var/tmp/baseline xen:$domain"
		echo "$output"
		[ "$status" = 0 ]
		[[ $output == *": 0 changes, 0 more"* ]]
	done
	on host1 'domm-kernel-check baseline -o /var/tmp/baseline0 xen:target1'
	on host1 'cat /var/tmp/baseline0' | lab ssh filer 'cat > /srv/guests/domm1/var/tmp/new && mv /srv/guests/domm1/var/tmp/new /srv/guests/domm1/var/tmp/baseline0'
	eventually 60 in_domm 'test -s /var/tmp/baseline0'
	in_domm "domm-kernel-check check -b /var/tmp/baseline0 $mem"
}

@test "a byte of its text is found changed from both sides, at the same address" {
	at=$(in_guest host1 target1 'grep " __x64_sys_sethostname$" /proc/kallsyms' | cut -d' ' -f1)
	base=$(in_domm "cat /run/domm/target1/info.json" | jq -r '.kernel.phys_base')
	at=$(printf %x $((0x$at + 16 - 0xffffffff80000000 + base)))
	old=$(on host1 "/root/poke \$(xl domid target1) $at cc")
	run on host1 'domm-kernel-check check -b /var/tmp/baseline xen:target1'
	echo "$output"
	[ "$status" = 20 ]
	dom0=$(sed -n 's/.* changed: //p' <<<"$output")
	[[ $dom0 == *sethostname+0x10* ]]
	run in_domm "domm-kernel-check check -b /var/tmp/baseline $mem"
	echo "$output"
	[ "$status" = 20 ]
	[ "$(sed -n 's/.* changed: //p' <<<"$output")" = "$dom0" ]
	on host1 "/root/poke \$(xl domid target1) $at $old"
	on host1 'domm-kernel-check check -b /var/tmp/baseline xen:target1'
}

@test "a PV guest's kernel is checked from dom0 as well" {
	on host1 'domm-kernel-check baseline -o /var/tmp/baseline-pv xen:domm1'
	run on host1 'domm-kernel-check check -b /var/tmp/baseline-pv xen:domm1'
	note "${lines[-1]}"
	[ "$status" = 0 ]
}

# As Debian's makedumpfile says of a core on host1. It is this machine's, with its libraries.
kernel_messages() {
	on host1 "rm -f /var/tmp/makedumpfile/out; cd /var/tmp/makedumpfile &&
		LD_LIBRARY_PATH=lib lib/ld-linux-x86-64.so.2 ./makedumpfile --dump-dmesg $1 out >&2 && cat out"
}

@test "a dump holds the kernel of its moment: makedumpfile reads its messages, and the guest runs on" {
	local program libraries
	program=$(command -v makedumpfile)
	mapfile -t libraries < <(ldd "$program" | grep -o '/[^ ]*')
	tar -ch -C / --transform 's,.*/,lib/,' "${libraries[@]#/}" | lab ssh host1 'mkdir -p /var/tmp/makedumpfile && tar -x -C /var/tmp/makedumpfile'
	lab ssh host1 'cat >/var/tmp/makedumpfile/makedumpfile && chmod 755 /var/tmp/makedumpfile/makedumpfile' <"$program"
	in_guest host1 target1 'echo "the word of the hour is heliotrope" >/dev/kmsg'
	for how in '' --live; do
		on host1 "domm --json dump $how target1 /var/tmp/core" >"$BATS_TEST_TMPDIR/said"
		note "$(jq -c 'del(.uuid)' "$BATS_TEST_TMPDIR/said")"
		[ "$(jq -r .release "$BATS_TEST_TMPDIR/said")" = "$(in_guest host1 target1 'uname -r')" ]
		kernel_messages /var/tmp/core >"$BATS_TEST_TMPDIR/messages"
		grep -q 'Linux version' "$BATS_TEST_TMPDIR/messages"
		grep -q 'the word of the hour is heliotrope' "$BATS_TEST_TMPDIR/messages"
		before=$(ticks target1)
		eventually 20 eval '[ "$(ticks target1)" -gt "$before" ]'
	done
	on host1 'rm /var/tmp/core'
	on host1 'domm -q monitor-status domm1' >/dev/null
}

@test "drgn and crash find the programs of a dump by the symbols of its kernel" {
	local core=$BATS_TEST_TMPDIR/core vmlinux
	"$here/install-missing" crash python3-drgn
	vmlinux=$(lab symbols)
	in_guest host1 target1 'cat /proc/1/comm /proc/[0-9]*/comm' >"$BATS_TEST_TMPDIR/comms"
	on host1 'domm dump target1 /var/tmp/core >&2 && gzip -1 </var/tmp/core && rm /var/tmp/core' |
		gzip -d | dd of="$core" bs=1M conv=sparse iflag=fullblock status=none
	[ -s "$core" ]
	printf '%s\n' 'from drgn.helpers.linux.pid import for_each_task' \
		'print(*("task " + t.comm.string_().decode() for t in for_each_task(prog)), sep="\n")' >"$BATS_TEST_TMPDIR/tasks.py"
	drgn -q -c "$core" -s "$vmlinux" "$BATS_TEST_TMPDIR/tasks.py" >"$BATS_TEST_TMPDIR/drgn"
	# ps of crash 8.0.2 finds one task of this kernel; its list finds all.
	printf '%s\n' 'list -s task_struct.comm -h init_task task_struct.tasks' quit | crash -s "$vmlinux" "$core" >"$BATS_TEST_TMPDIR/crash"
	note "drgn: $(grep -c '^task ' "$BATS_TEST_TMPDIR/drgn") tasks; crash: $(grep -c 'comm = ' "$BATS_TEST_TMPDIR/crash")"
	for name in ticker "$(head -n 1 "$BATS_TEST_TMPDIR/comms")" kthreadd; do
		grep -q "^task $name" "$BATS_TEST_TMPDIR/drgn"
		grep -q "comm = \"$name" "$BATS_TEST_TMPDIR/crash"
	done
}

@test "a dump that is killed leaves the guest running" {
	on host1 '(domm dump target1 /var/tmp/core >/dev/null 2>&1 &)
		until xl list target1 | grep -q " --p--"; do sleep 0.1; done
		pkill -KILL -x domm'
	eventually 20 on host1 '! xl list target1 | grep -q " --p--"'
	before=$(ticks target1)
	eventually 20 eval '[ "$(ticks target1)" -gt "$before" ]'
	on host1 'rm /var/tmp/core.*'
}

@test "what is no domain to read is refused with a reason and a code" {
	refuses() {
		run on host1 "domm-kernel-check check -b /var/tmp/baseline xen:$3"
		[ "$status" = "$1" ] || { echo "exit $status: $output"; return 1; }
		[[ $output == *"$2"* ]] || { echo "$output"; return 1; }
	}
	refuses 5 "no domain has the name 'nobody'" nobody
	refuses 5 'there is no domain 31999' 31999
	refuses 3 "dom0's own memory" 0
	run in_domm 'domm-kernel-check check -b /var/tmp/baseline xen:target1'
	[ "$status" = 4 ]
	[[ $output == *"the memory of domain target1: "* ]]
}

@test "a target that is destroyed while it is watched from dom0 is let go" {
	on host1 'domm-kernel-check baseline -o /var/tmp/baseline2 xen:target2
		timeout 3000 domm-kernel-check check -b /var/tmp/baseline2 -i 1 xen:target2 >/var/tmp/out 2>&1 </dev/null &'
	in_out() { on host1 "grep -q '$1' /var/tmp/out"; }
	eventually 60 in_out 'checked: '
	on host1 'xl destroy target2'
	gone() { ! on host1 'xl list' | grep -q -e '^target2 ' -e '(null)'; }
	eventually 60 gone
	eventually 60 in_out 'unreadable'
	on host1 'kill $(pidof domm-kernel-check)'
}

@test "a target is read by the program itself as well, and let go when it is detached" {
	run in_domm 'domm-kernel-check check -b /var/tmp/baseline target:target1'
	echo "$output"
	[ "$status" = 0 ]
	run in_domm 'domm-kernel-check check -b /var/tmp/baseline target:nobody'
	[ "$status" = 5 ]
	in_domm 'setsid timeout 3000 domm-kernel-check check -v -i 1 -b /var/tmp/baseline target:target1 \
		>/var/tmp/out 2>&1 </dev/null &'
	told() { in_domm "grep -q '$1' /var/tmp/out"; }
	eventually 60 told 'checked: '
	on host1 'domm detach domm1 target1'
	[[ $(on host1 'dommd --scan domm1') == *" 0 foreign frames"* ]]
	eventually 60 told 'unreadable: '
	on host1 'domm attach domm1 target1 --mirror vif=0,to=1 --storage nfs=10.99.0.3:/srv/guests/target1'
	eventually 60 told ' readable: '
	in_domm 'kill $(pidof domm-kernel-check)'
}
