#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm report, of a report that a migration could have kept.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    report=$BATS_TEST_TMPDIR/report.json
    python3 - "$report" <<'END'
import json, sys
S = 10**9
def guest(name, role, marks, rounds):
    names = ["copy_ns", "converged_ns", "stop_ns", "stopped_ns", "sent_ns", "restored_ns", "resumed_ns", "ready_ns"]
    return {"name": name, "role": role, "uuid": "d0330000-0000-4000-8000-000000000011", "rounds": len(rounds),
            "bytes": rounds[-1][1] + 9 * 10**6, "wire_bytes": 30 * 10**6,
            "marks": {n: None if m is None else int(m * S) for n, m in zip(names, marks)},
            "history": [{"at_ns": int(a * S), "bytes": b, "dirty_pages": d} for a, b, d in rounds],
            "unmonitored_cpu_ns": 0, "unmonitored_wall_ns": 0}
json.dump({"version": 1, "migration": "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "source": "host1", "destination": "host2",
           "began": "2026-01-31T12:00:00.123Z", "outcome": "moved", "total_ns": 21 * S, "ptes": 45056,
           "forced_unmonitored": False, "monitor_replaced": False, "guests": [
    guest("ids", "monitor", (1, 12, 17.3, 17.9, 18.2, 18.5, 18.9, 19.6),
          [(6, 90 * 10**6, 4100), (9, 106 * 10**6, 1900), (12, 113 * 10**6, 820), (15, 117 * 10**6, 800)]),
    guest("web <&>", "target", (1, 16, 17, 17.2, 17.6, 18.1, 19.6, None),
          [(8, 140 * 10**6, 9000), (12, 176 * 10**6, 3000), (16, 188 * 10**6, 900)])]}, open(sys.argv[1], "w"))
END
}

# The output is well-formed, and refers to nothing outside.
well_formed() {
    "$domm" report -f "$1" "$report" >"$BATS_TEST_TMPDIR/report.$1"
    python3 - "$BATS_TEST_TMPDIR/report.$1" <<'END'
import sys, xml.etree.ElementTree as tree
text = open(sys.argv[1]).read()
root = tree.fromstring(text)
shown = "".join(root.itertext())
for part in ("ids", "web <&>", "host1", "host2", "moved", "21.00 s", "Around the stop"):
    assert part in shown, part
assert not any(a in ("src", "href") or a.endswith("}href") for e in root.iter() for a in e.attrib)
assert text.count("http") == text.count("xmlns="), "it refers to another page"
END
}

@test "the page and the picture are well-formed and need no other file" {
    well_formed html
    well_formed svg
}

@test "the page shows each round" {
    run -0 "$domm" report -f html "$report"
    [ "$(grep -o -E '<td>[0-9]</td><td>[0-9.]+ s</td>' <<<"$output" | wc -l)" = 7 ]
    [[ $output == *"<td>16.0</td><td>1900</td>"* ]]
}

@test "the text is that of migrate, the JSON that of the file" {
    run -0 "$domm" report "$report"
    [[ $output == "ids and 1 target, host1 to host2: moved, 21.00 s"* ]]
    run -0 "$domm" --json report "$report"
    python3 -c 'import json, sys
r = json.loads(sys.argv[1])
assert r["guests"][1]["history"][2] == {"at_ns": 16 * 10**9, "bytes": 188 * 10**6, "dirty_pages": 900}
assert r["guests"][0]["downtime_ns"] == 10**9 and r["began"] == "2026-01-31T12:00:00.123Z"' "$output"
}

@test "what is no report is refused, and what is not there is not found" {
    echo '{}' >"$report"
    fails 3 "$domm" report "$report"
    says "it is not a report of version 1"
    fails 5 "$domm" report "$report.not"
}

@test "wrong usage of report is refused" {
    fails 2 "$domm" report --list --last
    says "cannot be combined"
    fails 2 "$domm" report --list 6b
    fails 2 "$domm" report --list --format svg
    fails 2 "$domm" report --format pdf
}

@test "where no migration began there is no report" {
    [ ! -e /var/lib/domm ] || skip "this machine has reports"
    fails 5 "$domm" report
    says "no report is kept"
    run -0 "$domm" report --list
    [ -z "$output" ]
}
