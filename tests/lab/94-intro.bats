#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The commands of domm-intro(7), taken from the page itself, in its order. The monitor that domm-image
# would build is the lab's, since it takes minutes to get a disk image into an emulated host: 72-image
# builds one by the same command, and creates it.

load helpers

setup_file() {
	lab watched
	on host1 'domm destroy domm1'
}

# What the page tells to type, as PROMPT COMMAND, in the lab's names.
commands() {
	sed -n -E 's/^\.Dl (# |host2# |monitor# )/\1/p' "$DOMM_SOURCE/man/domm-intro.7" |
		grep -v -e 'domm-image' -e 'editor' |
		sed -E 's#/srv/domm/domm.cfg#/etc/xen/watch.cfg#; s#\bweb\b#target1#g; s#destroy domm#destroy domm1#'
}

monitor_host() { if on host1 'xl domid domm1 >/dev/null 2>&1'; then echo host1; else echo host2; fi; }

@test "the commands of domm-intro(7) do what it says" {
	[ "$(commands | wc -l)" -ge 20 ]
	while read -r prompt command; do
		note "$prompt $command"
		case $prompt in
		'#') run on host1 "$command" ;;
		'host2#') run on host2 "$command" ;;
		'monitor#') run in_guest "$(monitor_host)" domm1 "$command" ;;
		esac
		while IFS= read -r line; do note "    $line"; done <<<"$output"
		[ "$status" = 0 ] || { echo "$prompt $command: exit $status"; return 1; }
	done < <(commands)
	on host1 'xl domid target1'
	run on host1 'xl domid domm1'
	[ "$status" != 0 ]
}
