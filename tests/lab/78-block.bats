#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A disk that the target writes and the monitor reads, and a share as other file servers offer it, on real
# Xen. Starts from the pair of "lab watched". The tests build on each other, in their order.

load helpers

image=/var/tmp/data.img
seen=/run/domm-storage/target1/0

setup_file() {
	lab watched
	ready() { on host1 'domm -q monitor-status domm1' >/dev/null; }
	eventually 60 ready
	truncate -s 64M "$BATS_FILE_TMPDIR/data.img"
	mke2fs -q -t ext4 "$BATS_FILE_TMPDIR/data.img"
	gzip -c "$BATS_FILE_TMPDIR/data.img" | lab ssh host1 "gunzip >$image"
	on host1 "losetup /dev/loop0 $image && xl block-attach target1 phy:/dev/loop0,xvdb,w"
	attached() { in_target 'test -b /dev/xvdb'; }
	eventually 30 attached
	in_target 'mount /dev/xvdb /mnt && echo first >/mnt/file && sync'
}

in_domm() { in_guest host1 domm1 "$1"; }
in_target() { in_guest host1 target1 "$1"; }

status() { on host1 "domm --json monitor-status domm1 2>/dev/null; true" | jq -r "$1"; }
is_ready() { [ "$(status '.monitors[0].targets[0].verdict')" = ready ]; }
content_is() { [ "$(in_domm "cat $seen/file")" = "$1" ]; }

# writes TEXT: into the file, by the target; how long it takes until the monitor sees it.
writes() {
	in_target "echo $1 >/mnt/file; sync"
	local start=${EPOCHREALTIME/./}
	eventually 20 content_is "$1"
	note "seen after $(((${EPOCHREALTIME/./} - start) / 1000)) ms, the time of asking included"
}

# Blocks of the disk as they are, while nobody writes.
digest() { on host1 "sync; sha256sum <$image"; }
# Whether there is something in its journal: "recover" of s_feature_incompat in its superblock.
wants_recovery() { on host1 "dd if=$image bs=4 skip=\$(((1024 + 0x60) / 4)) count=1 status=none | od -An -tu4" | awk '{ exit int($1 / 4) % 2 == 0 }'; }

@test "a share is mounted from an IPv6 address, by a port and a version of NFS" {
	on filer "ip -6 addr add fd00:99::3/64 dev eth1 nodad; exportfs -o ro,no_root_squash,no_subtree_check '*:/srv/guests'"
	on host1 'ip -6 addr add fd00:99::1/64 dev xenbr0 nodad'
	in_domm 'ip -6 addr add fd00:99::21/64 dev eth0 nodad'
	run on host1 "domm detach domm1 target1 &&
		domm attach domm1 target1 -s 'nfs=[fd00:99::3]:/srv/guests/target1,port=2049,vers=4.2,max_age=3'"
	echo "$output"
	[ "$status" = 0 ]
	is_ready
	run in_domm "grep ' $seen ' /proc/mounts"
	note "$output"
	[[ $output == '[fd00:99::3]:/srv/guests/target1 '*vers=4.2*addr=fd00:99::3* ]]
}

@test "a file server that takes root for somebody else degrades the pair, and is named as the reason" {
	squashed() {
		[ "$(status '.monitors[0].targets[0].verdict')" = degraded ] &&
			[[ $(status '.monitors[0].targets[0].storage.reason') == *root_squash* ]]
	}
	mounted() { in_domm "grep -q ' $seen ' /proc/mounts"; }
	unmounted() { run mounted; [ "$status" != 0 ]; }
	anew() {
		on host1 'domm detach domm1 target1'
		eventually 20 unmounted
		# It waits for a pair that is ready.
		on host1 "(setsid domm attach domm1 target1 </dev/null >/dev/null 2>&1 \
			-s 'nfs=[fd00:99::3]:/srv/guests/target1,port=2049,vers=4.2,max_age=3' &)"
		eventually 20 mounted
	}
	# This export serves IPv6 only: the guests' own roots come by the other. A client remembers what it
	# was allowed, so the share is mounted anew.
	on filer "exportfs -o ro,root_squash,no_subtree_check '*:/srv/guests'"
	anew
	eventually 30 squashed
	note "$(status '.monitors[0].targets[0].storage.reason')"
	on filer "exportfs -o ro,no_root_squash,no_subtree_check '*:/srv/guests'"
	anew
	eventually 30 is_ready
}

@test "a disk that the monitor does not have, or could write to, is refused" {
	refuses() {
		run on host1 "domm attach domm1 target2 -s block=$2"
		[ "$status" = 6 ] && [[ $output == *"$1"* ]] || { echo "exit $status: $output"; return 1; }
	}
	refuses 'domm1 has no disk xvdb' xvdb
	on host1 "truncate -s 1M /var/tmp/other.img && losetup /dev/loop7 /var/tmp/other.img &&
		xl block-attach domm1 phy:/dev/loop7,xvdc,w"
	refuses 'the disk xvdc of domm1 is not read-only' xvdc
	on host1 'xl block-detach domm1 xvdc'
}

@test "our script gives the monitor a disk for reading only" {
	# What fails leaves its name taken: that is how xl is.
	run on host1 'xl block-attach domm1 script=block-domm-monitor,vdev=xvdd,access=rw,target=/dev/loop0'
	[ "$status" != 0 ]
	run on host1 'xl block-attach domm1 script=block-domm-monitor,vdev=xvde,access=ro,target=/nowhere'
	[ "$status" != 0 ]
	[ "$(on host1 'losetup -n -O NAME -j /dev/loop0 | wc -l')" = 0 ]
	on host1 'xl block-attach domm1 script=block-domm-monitor,vdev=xvdb,access=ro,target=/dev/loop0'
	run on host1 'losetup -n -O RO,DIO -j /dev/loop0'
	[ "$(tr -s ' ' <<<"${output# }")" = '1 1' ] || [[ $output =~ ^\ *1\ +1$ ]]
	on host1 'domm detach domm1 target1'
	run on host1 'domm attach domm1 target1 -m vif=0,to=1 -s block=xvdb,max_age=2'
	echo "$output"
	[ "$status" = 0 ]
	content_is first
}

@test "what the target writes is seen in the monitor within max_age" {
	writes second
	writes third
	in_target 'mkdir /mnt/directory; head -c 3000000 /dev/urandom >/mnt/directory/random; sync'
	whole() { [ "$(in_domm "stat -c %s $seen/directory/random")" = 3000000 ]; }
	eventually 20 whole
	sleep 3
	[ "$(in_domm "sha256sum <$seen/directory/random")" = "$(in_target 'sha256sum </mnt/directory/random')" ]
	in_target 'rm -r /mnt/directory; sync'
	gone() { ! in_domm "test -e $seen/directory"; }
	eventually 20 gone
	is_ready
}

@test "the monitor neither writes to the disk nor replays its journal" {
	in_domm "grep -q ' $seen ext4 ro,[^ ]*norecovery' /proc/mounts"
	run in_domm "touch $seen/new"
	[[ $output == *"Read-only"* ]]
	run in_domm 'dd if=/dev/zero of=/dev/xvdb bs=4096 count=1 conv=fsync'
	[ "$status" != 0 ]
	# Mounted by the target, the file system wants its journal replayed; what is in it is not yet in
	# its place.
	in_target 'echo fourth >/mnt/file; sync'
	on host1 'xl pause target1'
	wants_recovery
	before=$(digest)
	in_domm 'systemctl restart domm-agent'
	mounted() { in_domm "mountpoint -q $seen"; }
	eventually 120 mounted
	in_domm "ls -R $seen >/dev/null"
	[ "$(digest)" = "$before" ]
	wants_recovery
	on host1 'xl unpause target1'
	writes fifth
	in_target 'umount /mnt'
	on host1 "sync; gzip -c $image" | gunzip >"$BATS_TEST_TMPDIR/data.img"
	e2fsck -fn "$BATS_TEST_TMPDIR/data.img"
	in_target 'mount /dev/xvdb /mnt'
}

@test "a target that is made anew gets its disk, though the monitor has it" {
	on host1 "xl destroy target1; cp /etc/xen/target1.cfg /etc/xen/with-disk.cfg
		echo 'disk = [ \"phy:/dev/loop0,xvdb,w\" ]' >>/etc/xen/with-disk.cfg; xl create /etc/xen/with-disk.cfg"
	mounts() { in_target 'mount /dev/xvdb /mnt'; }
	eventually 400 mounts
	eventually 200 is_ready
	writes sixth
}

@test "domm create gives our script to a disk that a storage is on; destroy leaves no loop device" {
	on host1 'domm destroy domm1'
	none() { [ "$(on host1 'losetup -n -O NAME | tr "\n" " "')" = '/dev/loop0 /dev/loop7 ' ]; }
	eventually 30 none
	on host1 "grep -v '^storage' /etc/xen/watch.cfg >/etc/xen/block.cfg
		echo 'disk = [ \"$image,raw,xvdb,ro\" ]' >>/etc/xen/block.cfg
		echo 'storage = [ \"block=xvdb,max_age=2\" ]' >>/etc/xen/block.cfg"
	run on host1 'domm create /etc/xen/block.cfg'
	echo "$output"
	[ "$status" = 0 ]
	content_is sixth
	writes seventh
	on host1 'domm destroy domm1'
	eventually 30 none
}
