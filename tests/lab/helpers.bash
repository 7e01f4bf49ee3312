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

# note TEXT: a figure for the reader of the test's output.
note() { echo "# $*" >&3; }
