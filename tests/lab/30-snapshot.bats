#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Snapshots give the whole running lab back: guests, connections, mounts.

load helpers

# 50 take four minutes more.
RESTORES=${RESTORES:-10}

setup_file() {
	lab targets
}

# What must go on after each restore, asked for in one go on host1: the ssh session to host2
# prints numbers, the NFS mount takes writes, target1 (whose root is NFS) counts.
alive() {
	on host1 'n() { tail -n 1 /tmp/session; }; t() { tail -n 1 /mnt/target1/var/lib/ticker/ticks; }
		s0=$(n) t0=$(t)
		for try in $(seq 30); do
			sleep 0.5
			[ "$(n)" -gt "$s0" ] && [ "$(t)" -gt "$t0" ] && break
		done
		echo $s0 >> /mnt/written || exit 1
		[ "$(n)" -gt "$s0" ] || { echo "the ssh session is dead"; exit 1; }
		[ "$(t)" -gt "$t0" ] || { echo "target1 does not count"; exit 1; }
		[ "$(tail -n 1 /mnt/written)" = "$s0" ] || { echo "NFS lost a write"; exit 1; }
		pgrep -f "ssh host2" >/dev/null'
}

@test "the lab is kept with an ssh session and an NFS mount in use" {
	on host1 'mount -t nfs -o noac filer:/srv/guests /mnt && : > /mnt/written
		setsid ssh host2 "i=0; while sleep 0.2; do i=\$((i + 1)); echo \$i; done" > /tmp/session 2>&1 < /dev/null &
		sleep 3; true'
	alive
	lab snapshot busy
}

@test "it comes back $RESTORES times in a row, everything alive" {
	total=0
	for i in $(seq $RESTORES); do
		start=$(date +%s%N)
		lab restore busy 2>&1
		total=$((total + ($(date +%s%N) - start) / 1000000))
		alive || {
			echo "restore $i of $RESTORES"
			return 1
		}
	done
	note "$RESTORES restores, $((total / RESTORES)) ms each on average"
}

@test "a restored lab knows the time of day" {
	lab restore busy
	for machine in host1 host2 filer; do
		off=$(($(on $machine 'date +%s') - $(date +%s)))
		[ ${off#-} -le 10 ]
	done
}

@test "reset gives hosts without guests" {
	start=$(date +%s%N)
	lab reset
	note "lab reset: $((($(date +%s%N) - start) / 1000000)) ms"
	for host in host1 host2; do
		[ "$(on $host 'xl list | wc -l')" = 2 ]
	done
}
