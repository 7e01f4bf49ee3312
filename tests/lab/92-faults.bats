#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A sample of the fault matrix (faults/matrix): a migration with one fault at one of its steps, and what
# is left of it once domm recover has settled it.

load helpers

# tries CASE...: each as in 'matrix --list'.
tries() {
	local pattern
	pattern=$(printf '|%s' "$@")
	run "$here/faults/matrix" --kinds kill,fail,cut --to "${DOMM_FAILURES:-/tmp/domm-failures}/92-faults" "^(${pattern#|})\$"
	echo "$output"
	grep '^|' <<<"$output" | sed 's/^/# /' >&3
	[ "$status" = 0 ]
	[ "$(grep -c '^ok ' <<<"$output")" = $# ]
}

@test "a fault at a step of either end loses no guest, runs none twice, and leaves nothing behind" {
	tries 'kill source after send-commit 0' 'kill destination after adopt 0' 'cut destination before send-prepared 0'
}
