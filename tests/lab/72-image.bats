#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A monitor that domm-image has built: it boots on real Xen, watches a target, has the programs that it is
# for, and migrates. Starts from the pair of "lab watched", in the place of its monitor.

load helpers

image=/var/tmp/image # on both hosts, from the file server
mem=/run/domm/target1/mem
disk=/run/domm-storage/target1/0

# send_image: to the file server, past ssh, which is four times as slow there. 10.0.2.2 is this machine, as
# QEMU's user network shows it to the lab's machines.
send_image() {
	on filer 'mkdir -p /srv/guests/image'
	lab ssh filer 'cat >/run/sparse' <"$here/host/sparse"
	for file in domm.cfg vmlinuz initrd.img root.img; do
		"$here/host/sparse" send "image/$file" >"$file.port" 3>&- &
		eventually 10 test -s "$file.port"
		on filer "python3 /run/sparse receive 10.0.2.2 $(cat "$file.port") /srv/guests/image/$file"
	done
}

# share_image HOST: where this dom0 has no QEMU, which would serve an image file. Without a cache of its own
# the loop device has what the other host has written.
share_image() {
	on "$1" "mkdir -p $image; mount -o vers=4.2 10.99.0.3:/srv/guests/image $image
		losetup --direct-io=on /dev/loop5 $image/root.img"
}

setup_file() {
	lab watched
	on host1 'domm destroy domm1'
	cd "$BATS_FILE_TMPDIR"
	on filer 'cat /var/tmp/domm-guest.deb' >domm-guest.deb
	on host1 'ssh-keygen -y -f ~/.ssh/id_ed25519' >key.pub
	"$DOMM_SOURCE/scripts/domm-image" -a domm-guest.deb -k key.pub -t target1 -S 3G image
	sed -i "s#$PWD/image#$image#g" image/domm.cfg
	send_image
	share_image host1
	share_image host2
	# The LAN of its first vif, as an administrator would have it.
	on filer 'dnsmasq -C /dev/null --user=root --port=0 --dhcp-range=10.99.0.100,10.99.0.120 --dhcp-leasefile=/run/leases'
}

address() { on filer "awk '\$4 == \"domm\" { print \$3 }' /run/leases"; }
has_address() { [ -n "$(address)" ]; }
# Its host key is new, and the hosts of the lab are strict.
in_image() {
	on host1 "ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
		-o ConnectTimeout=20 $(cat "$BATS_FILE_TMPDIR/address") $(printf %q "$1")"
}

@test "domm create boots it, and it is ready" {
	on host1 "cd $image
		sed -i 's#\"[^\"]*root.img,raw,#\"phy:/dev/loop5,#; s/^# mirror/mirror/
			s#^\# storage.*#storage = [ \"nfs=10.99.0.3:/srv/guests/target1,max_age=3\" ]#' domm.cfg
		echo 'ready_timeout = 1500' >>domm.cfg; cat domm.cfg"
	start=$SECONDS
	run on host1 "domm create $image/domm.cfg"
	echo "$output"
	[ "$status" = 0 ]
	note "domm create: ready after $((SECONDS - start)) s"
	on host1 'domm monitor-status domm'
	[ "$(on host1 'domm --json monitor-status domm' | jq -r '.monitors[0].targets[0].verdict')" = ready ]
}

@test "root can log in with its key, and finds the programs" {
	eventually 60 has_address
	address >"$BATS_FILE_TMPDIR/address"
	eventually 180 in_image true # the monitor is ready before its sshd listens
	run in_image 'for program in aide ngrep fls tcpdump tripwire tshark yara domm-agent domm-kernel-check
		do command -v $program || echo "$program is missing"; done; systemctl is-system-running --wait; systemctl --failed'
	echo "$output"
	[[ $output != *missing* ]]
	[[ $output == *running* ]]
}

@test "no other user becomes root" {
	run in_image 'su -s /bin/sh -c "echo | su -c id" nobody; ! grep -E "^[^:]*::" /etc/shadow || echo open'
	echo "$output"
	[[ $output != *uid=0* && $output != *open* ]]
}

@test "root is logged in on the console" {
	on_console() {
		(echo; for _ in 1 2 3 4 5; do sleep 3; echo 'echo $((6 * 7))-words'; done; echo exit; sleep 3) |
			lab ssh host1 'timeout 60 script -qc "xl console domm" /dev/null'
	}
	run on_console # the shell's prompt is there by now
	tail -n 5 <<<"$output"
	[[ $output == *42-words* ]]
}

@test "the programs see the target's memory, packets and files" {
	in_image "domm-kernel-check baseline -o /var/tmp/baseline $mem && domm-kernel-check check -b /var/tmp/baseline $mem"
	in_image "echo 'rule kernel { strings: \$a = \"Linux version 6.\" condition: \$a }' >/var/tmp/rules"
	in_image "yara /var/tmp/rules $mem" | grep kernel
	in_image 'timeout 300 tcpdump -c 3 -ni eth1 udp port 7777'
	in_image "tail -n 1 $disk/var/lib/ticker/ticks" | grep -x '[0-9]*'
}

@test "it migrates with its target, and its programs go on" {
	in_image 'echo written at host1 >/var/tmp/written; sync'
	in_image 'setsid timeout 3000 tcpdump -l -ni eth1 udp port 7777 >/var/tmp/packets 2>/dev/null </dev/null &'
	run on host1 'domm migrate domm host2'
	note "$(grep -E 'moved|unmonitored|^domm |^target1 ' <<<"$output")"
	[ "$status" = 0 ]
	[[ $output == *'target1 ran unmonitored: 0 ns of CPU time, 0 ns of wall time'* ]]
	on host2 'domm -q monitor-status domm' >/dev/null
	packets() { in_image 'wc -l </var/tmp/packets'; }
	before=$(packets)
	more() { [ "$(packets)" -gt "$before" ]; }
	eventually 30 more
	in_image "domm-kernel-check check -b /var/tmp/baseline $mem"
	[ "$(in_image 'echo 3 >/proc/sys/vm/drop_caches; cat /var/tmp/written')" = 'written at host1' ]
}
