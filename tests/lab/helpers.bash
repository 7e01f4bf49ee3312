# SPDX-License-Identifier: GPL-3.0-or-later
# What the lab tests share. They run in labs of their own, away from a developer's:
# "test" (both hosts current) and "other" (host1 shadow, host2 trixie), one at a time.
export LAB_NAME=${LAB_NAME:-test}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

lab() { "$here/lab" "$@"; }

# on MACHINE COMMAND: runs it there by ssh.
on() { lab ssh "$@" </dev/null; }

# in_guest HOST GUEST COMMAND: runs it in the guest, through its host.
in_guest() { on "$1" "ssh -o ConnectTimeout=20 $2 $(printf %q "$3")"; }

# put FILE GUEST NAME: a program for a guest, into its root on the filer.
put() {
	lab ssh filer "cat > /srv/guests/$2/usr/local/sbin/$3 && chmod 755 /srv/guests/$2/usr/local/sbin/$3" <"$1"
}

# ticks GUEST: the tick the guest has written last, as the filer sees it.
ticks() { on filer "tail -n 1 /srv/guests/$1/var/lib/ticker/ticks"; }

# eventually SECONDS COMMAND: runs it until it succeeds.
eventually() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || {
			echo "not within its time: $*"
			return 1
		}
		sleep 1
	done
}

# looks_over HOST LOG: how many looks domm-kernel-check -v -j has made in domm1.
looks_over() { in_guest "$1" domm1 "grep -a -c '\"event\":\"checked\"' $2 || true"; }

# seen_at_once HOST LOG COUNT PATTERN: what was done when no more than COUNT looks were over is told of
# by the one that was under way, or by the next.
seen_at_once() {
	local more
	more=$(in_guest "$1" domm1 "awk -v n=$3 '/\"event\":\"checked\"/ { over++ } /$4/ { print over - n; exit }' $2")
	[ "$more" -le 1 ] || { echo "$more looks were over before $4 was told of"; return 1; }
}

# note TEXT: a figure for the reader of the test's output.
note() { echo "# $*" >&3; }

# pair_config N VIFS: the lab's domm of that number, which watches the memory of the target of that number.
pair_config() {
	cat <<-EOF
		name = "domm$1"
		uuid = "d0330000-0000-4000-8000-00000000002$1"
		memory = ${DOMM_MIB:-160}
		kernel = "/var/lib/lab/vmlinuz"
		ramdisk = "/var/lib/lab/initrd.img"
		cmdline = "root=/dev/nfs nfsroot=10.99.0.3:/srv/guests/domm$1 rw console=hvc0 ip=10.99.0.2$1::10.99.0.3:255.255.255.0:domm$1:eth0:off net.ifnames=0 mitigations=off systemd.hostname=domm$1"
		vif = [ "mac=00:16:3e:d0:33:2$1,bridge=xenbr0"$2 ]
		target = "target$1"
		ready_timeout = 400
	EOF
}

# The domM of the tests, with all that it watches of target1; and another one.
watch_config() {
	pair_config 1 ', "mac=00:16:3e:d0:33:31"'
	echo 'mirror = [ "vif=0,to=1" ]'
	echo 'storage = [ "nfs=10.99.0.3:/srv/guests/target1,max_age=3" ]'
}
other_config() { pair_config 2 ''; }
