#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A target's memory in the monitor, on real Xen: mapped read-only by dommd, offered as a file by
# domm-agent, asked for with malice, taken back in every way it can be. The tests build on each
# other, in their order.

load helpers

mem=/run/domm/target1/mem

setup_file() {
	lab watched
	for program in hostile channel-times; do
		cc -O2 -Wall -Wextra -Werror -I"$DOMM_SOURCE" -o "$BATS_FILE_TMPDIR/$program" \
			"$here/guest/$program.c" "$DOMM_BUILD/libdomm-guest.a" \
			-Wl,-Bstatic -lxengnttab -lxentoolcore -lxentoollog -Wl,-Bdynamic -lxenstore
		put "$BATS_FILE_TMPDIR/$program" domm1 "$program"
	done
	put "$here/guest/find-ticks" domm1 find-ticks
	other_config | lab ssh host1 'cat > /etc/xen/other.cfg'
	on host1 'domm create /etc/xen/other.cfg'
	# the monitor's NFS client remembers for a while what was not there.
	eventually 120 in_domm 'test -x /usr/local/sbin/hostile -a -e /usr/local/sbin/find-ticks'
}

in_domm() { in_guest host1 domm1 "$1"; }

# How many frames of others a monitor maps, by a scan of its page tables.
mapped() { on host1 "dommd --scan ${1-domm1}" | sed -n 's/^domm. .*: \([0-9]*\) foreign.*/\1/p'; }
maps_nothing() { [ "$(mapped)" = 0 ]; }
free_kib() { on host1 'dommd --scan domm1' | sed -n 's/^free memory of the host: \([0-9]*\) KiB/\1/p'; }

info() { in_domm 'cat /run/domm/target1/info.json' | jq -r "$1"; }
complete() { [ "$(info .complete)" = true ]; }
ready() { on host1 "domm -q monitor-status $1" >/dev/null; }

log() { on host1 'journalctl -u dommd -o cat'; }
logged() { log | grep -q -e "$1"; }

# The live counter, at the offset that the first search has found.
tick() {
	in_domm "dd if=$mem bs=8 count=1 skip=$(($(cat "$BATS_FILE_TMPDIR/offset") / 8 + 3)) |
		od -An -tu8" | tr -d ' '
}

moves() {
	local first
	first=$(tick)
	sleep 1
	[ "$(tick)" -gt "$first" ]
}

unchanged_kernel() { in_domm "domm-kernel-check check -b /tmp/baseline $mem"; }

@test "the target's memory is there, and in it the page of its ticker, which moves" {
	eventually 120 complete
	[ "$(info .attached)" = true ]
	[ "$(info .frames_mapped)" -gt 30000 ]
	note "$(in_domm 'journalctl -u domm-agent -o cat' | grep 'frames mapped in' | tail -n 1)"
	in_domm "perl /usr/local/sbin/find-ticks $mem" >"$BATS_FILE_TMPDIR/offset"
	[ -s "$BATS_FILE_TMPDIR/offset" ]
	moves
	[ "$(mapped)" = "$(info .frames_mapped)" ]
	in_domm "domm-kernel-check baseline -o /tmp/baseline $mem"
}

@test "it cannot be written" {
	run in_domm "dd if=/dev/zero of=$mem bs=8 count=1 conv=notrunc"
	[ "$status" != 0 ]
	[[ $output == *"Read-only"* ]]
	[[ $(on host1 'dommd --scan domm1') == *", 0 writable"* ]]
}

@test "an ordinary program can map it, privately: anew, it shows what is there now" {
	cat >"$BATS_TEST_TMPDIR/map" <<-EOF
		import errno, mmap, os, struct, sys, time
		at = $(cat "$BATS_FILE_TMPDIR/offset")
		file = os.open("$mem", os.O_RDONLY)
		page = at // 4096 * 4096
		def tick(view): return struct.unpack_from("<Q", view, at - page + 24)[0]
		def look():
		    with mmap.mmap(file, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ, offset=page) as view: return tick(view)
		first = look()
		time.sleep(1)
		before, second, after = tick(os.pread(file, 4096, page)), look(), tick(os.pread(file, 4096, page))
		assert first < before <= second <= after, (first, before, second, after)
		try: mmap.mmap(file, 4096, mmap.MAP_SHARED, mmap.PROT_READ)
		except OSError as e: assert e.errno == errno.ENODEV, e
		else: sys.exit("a shared mapping")
	EOF
	lab ssh filer 'cat >/srv/guests/domm1/usr/local/sbin/map' <"$BATS_TEST_TMPDIR/map"
	eventually 120 in_domm 'test -e /usr/local/sbin/map'
	in_domm 'python3 /usr/local/sbin/map'
}

@test "what the set-up through xenstore and requests through the channel take" {
	run in_domm channel-times
	note "${lines[-1]}"
	[ "$status" = 0 ]
}

@test "10000 malformed and greedy requests give nothing and disturb nobody" {
	mine=$(mapped) others=$(mapped domm2) free=$(free_kib)
	for way in 'noise 400' 'ring 50' 'flood 550' 'greedy 1000'; do
		run in_domm "hostile $way"
		note "$way: $output"
		[ "$status" = 0 ]
		[[ $output == "sent ${way#* }, "*" 0 of them gave something, "* ]]
	done
	# Meanwhile another pair is parted and joined as ever.
	in_domm 'hostile greedy 8000' >"$BATS_TEST_TMPDIR/greedy" &
	start=$SECONDS
	on host1 'domm detach domm2 target2'
	on host1 'domm attach domm2 target2'
	note "another pair was parted and joined in $((SECONDS - start)) s"
	moves
	wait $!
	note "greedy 8000: $(cat "$BATS_TEST_TMPDIR/greedy")"
	[[ $(cat "$BATS_TEST_TMPDIR/greedy") == "sent 8000, 8000 answered, 0 of them gave something, 0 "* ]]
	logged 'malformed request'
	on host1 'systemctl is-active dommd'
	ready domm1
	ready domm2
	[ "$(mapped)" = "$mine" ]
	[ "$(mapped domm2)" = "$others" ]
	note "free memory: $free KiB, then $(free_kib) KiB"
	[ "$(free_kib)" -ge $((free - 64)) ] # Xen's own heap grows by pages
	unchanged_kernel
}

@test "dommd killed under load and started again loses no mapping" {
	before=$(mapped)
	[ "$before" -gt 30000 ]
	claimed() { log | grep -c "nobody claims them: of $before mappings 0 taken back, $before stay"; }
	claimed_again() { [ "$(claimed)" -gt "$times" ]; }
	times=$(claimed) || true
	in_domm 'timeout 30 sh -c "while :; do hostile greedy 500; done" >/dev/null 2>&1 </dev/null &'
	sleep 3
	on host1 'systemctl kill -s KILL dommd; systemctl stop dommd'
	[ "$(mapped)" = "$before" ]
	moves
	on host1 'systemctl start dommd'
	# The grace is over: the agent has claimed them anew.
	eventually 120 claimed_again
	[ "$(mapped)" = "$before" ]
	moves
	unchanged_kernel
}

@test "a program that is killed while it has the monitor paused does not leave it paused" {
	paused() { [[ $(on host1 "xl list domm1 | awk 'END { print \$5 }'") == *p* ]]; }
	killed_in_a_scan() {
		on host1 "dommd --scan domm1 >/dev/null & sleep 0.$(printf %02d $((RANDOM % 50))); kill -KILL \$!"
		paused
	}
	on host1 'systemctl stop dommd'
	eventually 60 killed_in_a_scan
	sleep 2
	paused
	on host1 'systemctl start dommd'
	eventually 10 logged 'domain [0-9]* was left paused by a program that was killed'
	runs() { ! paused; } # dommd itself pauses it for moments
	eventually 10 runs
	eventually 60 moves
}

@test "what is taken back by detach is EIO, and attach brings it again" {
	on host1 'domm detach domm1'
	maps_nothing
	run in_domm "dd if=$mem bs=4096 count=1 of=/dev/null"
	[ "$status" != 0 ]
	[[ $output == *"Input/output error"* ]]
	[ "$(info .attached)" = false ]
	note "$(log | grep 'taken back' | tail -n 1)"
	on host1 "domm attach domm1 target1"
	eventually 120 moves
}

@test "programs that were brought to rest and forgotten go on when dommd looks" {
	freeze=/local/domain/$(on host1 'xl domid domm1')/domm
	rest() { [ "$(on host1 "xenstore-read $freeze/agent/frozen")" = a-word ]; }
	on host1 "systemctl stop dommd; xenstore-write $freeze/freeze a-word"
	eventually 10 rest
	run on host1 'timeout 5 in-guest domm1 true'
	[ "$status" != 0 ]
	on host1 'systemctl start dommd'
	eventually 30 in_domm true
	in_domm 'test ! -e /run/domm-agent.frozen'
	eventually 60 complete
}

@test "a stock xl save takes the mappings back first; a monitor that runs on has them again" {
	before=$(mapped)
	on host1 'xl save -c domm1 /var/tmp/domm1.save'
	logged "somebody else suspends it: of $before mappings $before taken back"
	[ "$(log | grep -c 'do not use an image')" = 0 ]
	eventually 60 complete
	eventually 60 moves
	[ "$(mapped)" = "$before" ]
}

@test "a monitor that was saved and is restored has them again, and its kernel and agent are well" {
	before=$(mapped)
	boot='cat /proc/sys/kernel/random/boot_id; pidof domm-agent'
	same=$(in_domm "$boot")
	start=$SECONDS
	on host1 'xl save domm1 /var/tmp/domm1.save'
	note "xl save: $((SECONDS - start)) s; $(log | grep 'somebody else' | tail -n 1)"
	[ -z "$(on host1 'xl domid domm1 2>/dev/null')" ]
	start=$SECONDS
	on host1 'xl restore /var/tmp/domm1.save; rm /var/tmp/domm1.save'
	note "xl restore: $((SECONDS - start)) s"
	start=$SECONDS
	eventually 120 ready domm1
	note "ready after $((SECONDS - start)) s more"
	eventually 60 complete
	[ "$(mapped)" = "$before" ]
	moves
	[ "$(in_domm "$boot")" = "$same" ]
	unchanged_kernel
	in_domm 'systemctl restart domm-agent'
	eventually 120 complete
	moves
	run in_domm 'dmesg | grep -e BUG: -e "kernel BUG" -e Oops -e WARNING:'
	echo "$output"
	[ "$status" = 1 ]
}

@test "a target that is destroyed leaves nothing behind" {
	[ "$(mapped)" -gt 30000 ]
	free=$(on host1 'xl info | sed -n "s/^free_memory *: //p"')
	memory=$(on host1 'xl list target1 | awk "END { print \$3 }"')
	on host1 'xl destroy target1'
	eventually 60 maps_nothing
	gone() { ! on host1 'xl list' | grep -q -e '^target1 ' -e '(null)'; }
	eventually 60 gone
	after=$(on host1 'xl info | sed -n "s/^free_memory *: //p"')
	note "free memory: $free MiB, then $after MiB; the target had $memory MiB"
	[ "$after" -ge $((free + memory)) ]
	run in_domm "dd if=$mem bs=4096 count=1 of=/dev/null"
	[[ $output == *"Input/output error"* ]]
}
