#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# the monitor's kernel is the intruder's: a module in it tries to make more of a read-only mapping
# (guest/escalate.c). Xen refuses all of it. The tests build on each other, in their order.

load helpers

mem=/run/domm/target1/mem

setup_file() {
	lab watched
	modules=$(lab modules)
	lab ssh filer 'cat > /srv/guests/domm1/root/escalate.ko' <"$modules/escalate.ko"
	# the monitor's NFS client remembers for a while what was not there.
	eventually 120 in_domm 'test -s /root/escalate.ko'
	eventually 120 in_domm "dd if=$mem bs=4096 count=1 of=/dev/null"
	in_domm "domm-kernel-check baseline -o /tmp/baseline $mem"
}

in_domm() { in_guest host1 domm1 "$1"; }
info() { in_domm 'cat /run/domm/target1/info.json' | jq -r "$1"; }

# The number of the first page of the target's kernel text, which nothing writes.
text_page() { echo $((($(info .kernel.stext) - 0xffffffff80000000 + $(info .kernel.phys_base)) / 4096)); }
text_hash() { in_domm "dd if=$mem bs=4096 skip=$(text_page) count=16 2>/dev/null | sha256sum"; }

# Where the agent has that page mapped: it lays out a target's pages 511 to a region of 2 MiB, from
# the second page of the first region on.
text_address() {
	local page second
	page=$(text_page)
	second=$(in_domm 'grep -m 1 /dev/xen/privcmd /proc/$(pidof domm-agent)/maps' | cut -d- -f1)
	printf '%#x\n' $((0x$second + page / 511 * 0x200000 + page % 511 * 4096))
}

# escalate PARAMETER...: what the module has said.
escalate() {
	local target
	target=$(on host1 'xl domid target1')
	in_domm "dmesg -C; insmod /root/escalate.ko pid=\$(pidof domm-agent) va=$(cat "$BATS_FILE_TMPDIR/address") \
		target=$target $*; rmmod escalate; dmesg" | grep -o 'escalate: .*'
}

# refused OUTPUT: everything was tried, and nothing succeeded.
refused() {
	[ "$(grep -c ': refused (-' <<<"$1")" = "$(cat "$BATS_FILE_TMPDIR/attempts")" ] && ! grep -e succeeded -e 'not tried' <<<"$1"
}

free_kib() { on host1 'dommd --scan domm1' | sed -n 's/^free memory of the host: \([0-9]*\) KiB/\1/p'; }
mapped() { on host1 'dommd --scan domm1' | sed -n 's/^domm1 .*: \([0-9]*\) foreign.*, 0 writable.*/\1/p'; }

@test "nothing can be made of a mapping" {
	text_hash >"$BATS_FILE_TMPDIR/hash"
	text_address >"$BATS_FILE_TMPDIR/address"
	free_kib >"$BATS_FILE_TMPDIR/free"
	grep -c '^    {"' "$here/guest/escalate.c" >"$BATS_FILE_TMPDIR/attempts"
	before=$(mapped)
	run escalate
	echo "$output"
	refused "$output"
	sed -n 's/.*the slot held \(0x[0-9a-f]*\) .*/\1/p' <<<"$output" >"$BATS_FILE_TMPDIR/entry"
	# What the module itself has cleared is the one page that is missing.
	[[ $output == *"holds 0x0, the next"* ]]
	[ "$(mapped)" = $((before - 1)) ]
	note "$(cat "$BATS_FILE_TMPDIR/attempts") attempts refused: $(grep -o 'refused (-[0-9]*)' <<<"$output" | sort | uniq -c | tr -s ' \n' ' ')"
}

@test "nothing can be made of what was a mapping" {
	on host1 'domm detach domm1'
	[ "$(mapped)" = 0 ]
	run escalate "entry=$(cat "$BATS_FILE_TMPDIR/entry")"
	echo "$output"
	refused "$output"
	[[ $output == *"the slot held 0x0 and holds 0x0, the next 0x0 and 0x0"* ]]
	[ "$(mapped)" = 0 ]
}

@test "the same attempts succeed with a page of the monitor's own" {
	run escalate control=1
	echo "$output"
	[ "$(grep -c succeeded <<<"$output")" = $(($(cat "$BATS_FILE_TMPDIR/attempts") - 3)) ]
	# These name the target as the owner.
	[ "$(grep -c "as the target's: refused" <<<"$output")" = 3 ]
	[ "$(mapped)" = 0 ]
}

@test "the target's memory is as it was, and so is the host's" {
	on host1 'domm attach domm1 target1'
	[ "$(text_hash)" = "$(cat "$BATS_FILE_TMPDIR/hash")" ]
	run in_domm "domm-kernel-check check -b /tmp/baseline $mem"
	echo "$output"
	[ "$status" = 0 ]
	note "free memory: $(cat "$BATS_FILE_TMPDIR/free") KiB, then $(free_kib) KiB"
	[ "$(free_kib)" -ge $(($(cat "$BATS_FILE_TMPDIR/free") - 64)) ] # Xen's own heap grows by pages
}

@test "the destroyed target leaves no frame behind" {
	on host1 'xl destroy target1'
	# A domain of which a frame is held stays, without a name.
	gone() { ! on host1 'xl list' | grep -q -e '^target1 ' -e '(null)'; }
	eventually 60 gone
	[ "$(mapped)" = 0 ]
	note "free memory after all: $(free_kib) KiB"
	[ "$(free_kib)" -ge $(($(cat "$BATS_FILE_TMPDIR/free") + 160 * 1024)) ]
}
