# SPDX-License-Identifier: GPL-3.0-or-later
# What the lab tests share. They run in labs of their own, away from a developer's:
# "test" (both hosts current) and "other" (host1 shadow, host2 trixie), one at a time.
export LAB_NAME=${LAB_NAME:-test}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

lab() { "$here/lab" "$@"; }

# After a test that failed: what is needed to understand it, before the next one changes the lab.
keep_failure() {
	[ -z "${BATS_TEST_COMPLETED:-}" ] || return 0
	local name=${BATS_TEST_FILENAME##*/}
	lab logs --to "${DOMM_FAILURES:-/tmp/domm-failures}/${name%.bats}-$BATS_TEST_NUMBER" >"$BATS_TEST_TMPDIR/kept" 2>&1 || true
	note "logs, journals and reports: $(tail -n 1 "$BATS_TEST_TMPDIR/kept")"
}
teardown() { keep_failure; }

# on MACHINE COMMAND: runs it there by ssh.
on() {
	local machine=$1
	shift
	ssh -F "${LAB_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/domm-lab}/labs/$LAB_NAME/$machine/ssh_config" "$machine" "$@" </dev/null
}

# in_guest HOST GUEST COMMAND: runs it in the guest, through its host.
in_guest() { on "$1" "in-guest $2 $(printf %q "$3")"; }

# put FILE GUEST NAME: a program for a guest, into its root on the filer.
put() {
	lab ssh filer "cat > /srv/guests/$2/usr/local/sbin/$3 && chmod 755 /srv/guests/$2/usr/local/sbin/$3" <"$1"
}

# ticks GUEST: the tick the guest has written last, as the filer sees it.
ticks() { on filer "tail -n 1 /srv/guests/$1/var/lib/ticker/ticks"; }

# eventually SECONDS COMMAND: runs it until it succeeds. SECONDS is what is enough on a quiet machine; one
# whose memory others keep busy has been seen to take three times as long.
eventually() {
	local end=$((SECONDS + 4 * $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || {
			echo "not within its time: $*"
			return 1
		}
		sleep 1
	done
}

# in_domm_for_a_while COMMAND: runs it in the background where the file's in_domm does, its output in /tmp/output.
in_domm_for_a_while() { in_domm "setsid timeout 3000 $1 >/tmp/output 2>&1 </dev/null &"; }
output_has() { in_domm "grep -a -q -e '$1' /tmp/output"; }

# bats does not see that a command which is negated by ! succeeds.
output_lacks() { if output_has "$1"; then return 1; fi; }

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

# The domm.cfg of the tests' monitor, with all that it watches of target1; and of another one.
watch_config() { lab config domm1 "$@"; }
other_config() { lab config domm2 --memory-only; }
