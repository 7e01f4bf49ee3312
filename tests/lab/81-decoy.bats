#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The target's kernel is the intruder's: a module in it (guest/decoy.c) moves the frames behind its pages, so
# that a monitor that kept what it has mapped would be shown a decoy. What the monitor reads is what the
# target has there now, within a second; the kernel check and yara find what was hidden.

load helpers

mem=/run/domm/target1/mem
beyond=/run/domm/target1/beyond

setup_file() {
	lab watched
	modules=$(lab modules)
	lab ssh filer 'cat > /srv/guests/target1/root/decoy.ko' <"$modules/decoy.ko"
	eventually 120 in_target 'test -s /root/decoy.ko'
	eventually 120 in_domm "dd if=$mem bs=4096 count=1 of=/dev/null"
	in_domm "cat $mem >/dev/null" # everything is mapped, and would stay
	in_domm "domm-kernel-check baseline -o /var/tmp/baseline $mem"
	in_domm 'printf "%s\n" "rule evil { strings: \$a = /decoy: evil [0-9]+/ condition: \$a }" >/var/tmp/rule'
	lab snapshot decoy
}

setup() {
	lab restore decoy
	eventually 60 all_seen
}

in_domm() { in_guest host1 domm1 "$1"; }
in_target() { in_guest host1 target1 "$1"; }
pages() { on host1 'domm --json monitor-status domm1' | jq -c ".monitors[0].targets[0].memory.pages$1"; }
all_seen() { jq -e '.owned == .seen and .hidden == 0' <<<"$(pages '')" >/dev/null || { pages ''; return 1; }; }
address_of() { in_target "grep ' $1\$' /proc/kallsyms" | cut -d' ' -f1; }

# decoy PARAMETER...: inserts the module.
decoy() { in_target "insmod /root/decoy.ko $*"; }
act() { in_target "echo $1 >/sys/module/decoy/parameters/do"; }
own_gfn() { in_target 'dmesg' | sed -n 's/.*decoy: gfn //p' | tail -n 1; }
said() { in_domm "dd if=$mem bs=4096 skip=$1 count=1 2>/dev/null" | tr -d '\0'; }
check() { in_domm "domm-kernel-check check -b /var/tmp/baseline $mem"; }

@test "a page whose frame is swapped for another is read as it is, each of 20 times" {
	decoy
	gfn=$(own_gfn)
	[ "$(said "$gfn")" = 'decoy: clean 0' ]
	for n in $(seq 1 20); do
		act swap
		sleep 1 # what domm-agent(8) says
		[ "$n" = $((n / 2 * 2)) ] && what=clean || what=evil
		[ "$(said "$gfn")" = "decoy: $what $n" ] || { said "$gfn"; return 1; }
	done
	eventually 10 all_seen
}

@test "a page that is swapped 10 times a second is told of, and never kept as it was" {
	decoy
	gfn=$(own_gfn)
	before=$(pages .replaced)
	act swaps
	for _ in 1 2 3 4 5; do
		a=$(said "$gfn")
		sleep 2
		b=$(said "$gfn")
		note "$a, 2 s later $b"
		[ "$a" != "$b" ]
	done
	act stop
	note "$(in_target dmesg | tail -n 2 | head -n 1); replaced $before, then $(pages .replaced)"
}

@test "kernel text in a new frame is found changed, with its symbol" {
	at=$(address_of __x64_sys_sethostname)
	decoy "text=0x$(printf %x $((0x$at + 16)))"
	check
	act hook
	sleep 1
	run check
	echo "$output"
	[ "$status" = 20 ]
	[[ $output == *sethostname+0x10* ]]
	act hook
	sleep 1
	check
}

# A check is 8 looks, each of which finds what is there at its moment: all 8 find the clean text once
# in 256 times.
@test "kernel text that is swapped 10 times a second is not taken for clean" {
	at=$(address_of __x64_sys_sethostname)
	decoy "text=0x$(printf %x $((0x$at + 16)))"
	act hooks
	codes= clean=0
	for _ in 1 2 3 4 5; do
		run check
		codes="$codes $status"
		[ "$status" != 0 ] || clean=$((clean + 1))
	done
	note "exit codes:$codes; ${lines[-1]}"
	[ $clean -le 1 ]
	act stop
}

@test "a frame above all of the target's memory is seen: yara finds what it says" {
	frames=$(in_domm "cat /run/domm/target1/info.json" | jq .frames)
	decoy "beyond=$((frames + 5000))"
	run in_domm "yara /var/tmp/rule $beyond"
	[ -z "$output" ]
	act hide
	sleep 1
	eventually 10 all_seen
	run in_domm "yara /var/tmp/rule $beyond"
	[[ $output == *"evil $beyond"* ]]
	note "$(pages '')"
}

@test "kernel text that runs above all of memory, while its page stays clean, is found changed" {
	frames=$(in_domm "cat /run/domm/target1/info.json" | jq .frames)
	at=$(address_of __x64_sys_sethostname)
	decoy "text=0x$(printf %x $((0x$at + 16))) beyond=$((frames + 5000))"
	act hide-text
	sleep 1
	run check
	echo "$output"
	[ "$status" = 20 ]
	note "${lines[-1]}"
}
