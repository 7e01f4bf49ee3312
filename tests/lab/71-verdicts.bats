#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What domm says of two pairs of which one is in trouble, and of targets whose monitor crashed, was saved or
# destroyed: as text, JSON and metrics, with the exit code of each. The tests build on each other.

load helpers

setup_file() {
	lab watched
	other_config | lab ssh host1 'cat > /etc/xen/other.cfg'
}

# said HOST CODE COMMAND: it ends with that code; what it prints is in $output.
said() {
	local host=$1 code=$2
	shift 2
	run on "$host" "$* 2>/dev/null"
	[ "$status" = "$code" ] || { echo "$*: exit $status, not $code: $output"; return 1; }
}

# tells TARGET PRESENCE VERDICT: JSON and metrics of host1 say so, and the exit code for that target does.
tells() {
	local target=$1 wanted="$2 $3" number code json metric
	case $3 in ready) number=0 code=0 ;; degraded) number=1 code=10 ;; blind) number=2 code=11 ;; esac
	said host1 "$code" "domm --json monitor-status $target"
	json=$(jq -c '.monitors[] | {presence} + (.targets[] | {name, verdict, reason})' <<<"$output")
	[ "$(jq -r '.monitors[] | .presence as $p | .targets[] | $p + " " + .verdict' <<<"$output")" = "$wanted" ] ||
		{ echo "$output"; return 1; }
	said host1 0 'domm monitor-status -f prometheus'
	metric=$(grep "^domm_verdict{monitor=\"domm[12]\",target=\"$target\",aspect=\"all\"} $number$" <<<"$output") ||
		{ echo "$output"; return 1; }
	note "exit $code; $json; $metric"
}

# line PATTERN: a line of the text of all.
line() {
	local found
	found=$(grep -E "$1" <<<"$(on host1 'domm monitor-status 2>/dev/null')") || return 1
	note "$found"
}

@test "two pairs are ready, and each can be asked for by its target" {
	on host1 'domm create /etc/xen/other.cfg'
	eventually 60 said host1 0 'domm monitor-status'
	tells target1 present ready
	tells target2 present ready
	said host1 3 'domm monitor-status 0'
	[ "$(on host1 'ls /var/lib/domm/expected | wc -l')" = 2 ]
}

@test "metrics are written to a file as a whole, whatever they say" {
	in_guest host1 domm2 'systemctl stop domm-agent'
	said host1 0 'domm monitor-status -f prometheus -o /run/domm.prom && stat -c %a /run/domm.prom && cat /run/domm.prom'
	[[ $output == 644* ]]
	grep -q 'target="target2",aspect="all"} 2' <<<"$output"
	[ -z "$(on host1 'ls -A /run/.domm.prom.* 2>/dev/null')" ]
}

@test "one monitor is blind and the record of the other cannot be read: both are told" {
	id=$(on host1 'xl domid domm1')
	record=$(on host1 "ls /var/lib/xen/userdata-d.$id.*.domm")
	on host1 "cp $record /run/record; echo x > $record"
	tells target1 unreadable blind
	tells target2 present blind
	line '^domm1 \([0-9]+\): blind; unreadable'
	line '^  target1: blind: the record of its monitor domm1 cannot be read'
	line '^domm2 \([0-9]+\): blind; agent silent for'
	on host1 "cp /run/record $record"
	in_guest host1 domm2 'systemctl start domm-agent'
	eventually 120 said host1 0 'domm monitor-status'
}

@test "a filter of another program before the mirror is told" {
	vif=$(on host1 'domm --json monitor-status target1' | jq -r '.monitors[0].targets[0].network.mirrors[0].target_vif')
	on host1 "tc filter add dev $vif ingress pref 1 protocol ip matchall action pass"
	tells target1 present degraded
	line 'network .*a filter of another program comes before the mirror'
	on host1 "tc filter del dev $vif ingress pref 1"
	tells target1 present ready
}

@test "a member of the group reads the memory, another user does not" {
	in_guest host1 domm1 'grep -q ^domm-monitor: /etc/group || echo domm-monitor:x:990: >> /etc/group; systemctl restart domm-agent'
	eventually 60 said host1 0 'domm monitor-status domm1'
	in_guest host1 domm1 'gid=$(sed -n "s/^domm-monitor:x:\([0-9]*\):.*/\1/p" /etc/group)
		setpriv --reuid=65534 --regid=$gid --clear-groups head -c 4096 /run/domm/target1/mem | wc -c | grep -q 4096'
	run in_guest host1 domm1 'setpriv --reuid=65534 --regid=65534 --clear-groups head -c 1 /run/domm/target1/mem'
	[ "$status" != 0 ]
	[[ $output == *"Permission denied"* ]]
}

@test "a monitor that crashes leaves its target blind, until that is acknowledged" {
	in_guest host1 domm2 'echo 1 > /proc/sys/kernel/sysrq; (sleep 1; echo c > /proc/sysrq-trigger) >/dev/null 2>&1 &' || true
	gone() { ! on host1 'xl domid domm2 >/dev/null 2>&1'; }
	eventually 120 gone
	eventually 30 tells target2 gone blind
	tells target1 present ready
	said host1 11 'domm monitor-status'
	line '^domm2: blind; gone'
	line '^  target2: blind: its monitor domm2 is not on this host'
	said host1 3 'domm acknowledge target1'
	said host1 0 'domm -N acknowledge target2'
	said host1 0 'domm acknowledge target2'
	said host1 0 'domm monitor-status'
	[[ $output != *target2* ]]
	said host1 3 'domm monitor-status target2'
}

@test "a monitor that is saved leaves its target blind, until it is restored" {
	on host1 'xl save domm1 /var/tmp/domm1.save'
	eventually 30 tells target1 saved blind
	line '^domm1: blind; saved'
	line '^  target1: blind: its monitor domm1 was saved'
	on host1 'xl restore /var/tmp/domm1.save; rm /var/tmp/domm1.save'
	eventually 180 tells target1 present ready
}

@test "a monitor that xl destroys leaves its target blind, one that domm destroys does not" {
	on host1 'xl destroy domm1'
	eventually 30 tells target1 gone blind
	# A create that is rolled back changes nothing of that.
	run on host1 'domm create /etc/xen/watch.cfg ready_timeout=1'
	[ "$status" = 7 ]
	tells target1 gone blind
	on host1 'domm create /etc/xen/watch.cfg && domm destroy domm1'
	said host1 0 'domm monitor-status'
	[ "$output" = 'no monitor on this host' ]
	[ -z "$(on host1 'ls /var/lib/domm/expected')" ]
}
