#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The metrics of monitor-status, and what the package has for them: a timer, alerts and a dashboard.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    host=$DOMM_BUILD/tests/cli/fake-host
    examples=$DOMM_SOURCE/debian/examples
    metrics=$BATS_TEST_TMPDIR/domm.prom
    export FAKE_HOST=$BATS_TEST_TMPDIR/host
}

# The package of promtool starts a service, so that the build does not ask for it.
promtool_if_installed() {
    ! command -v promtool >/dev/null || promtool "$@"
}

expressions_of_dashboard() {
    python3 -c 'import json, sys
for panel in json.load(open(sys.argv[1]))["panels"]:
    for target in panel["targets"]:
        print(target["expr"])' "$examples/domm-dashboard.json"
}

@test "the alerts and the dashboard ask for metrics and labels that are printed" {
    "$host" monitor-status -f prometheus >"$metrics"
    { grep -v '^ *#' "$examples/domm-alerts.yml"; expressions_of_dashboard; } | python3 -c 'import re, sys
printed = {}
for name, labels in re.findall(r"^(\w+)\{(.*)\} ", open(sys.argv[1]).read(), re.M):
    printed.setdefault(name, set()).update(re.findall(r"(\w+)=\"([^\"]*)\"", labels))
asked = re.findall(r"\b((?:domm|node)_\w+)(?:\{(.*?)\})?", sys.stdin.read())
assert len(asked) > 10
for name, matchers in asked:
    if name == "node_textfile_mtime_seconds": # node_exporter prints it
        continue
    for label in re.findall(r"(\w+!?=\"[^\"]*\")", matchers):
        label, value = re.split("!?=", label)
        assert (label, value.strip("\"")) in printed[name], (name, label, value)
    assert name in printed, name' "$metrics"
}

@test "the alerts are raised when they should be, and the dashboard asks what can be asked" {
    promtool_if_installed check rules "$examples/domm-alerts.yml"
    promtool_if_installed test rules "$DOMM_SOURCE/tests/cli/domm-alerts.test.yml"
    expressions_of_dashboard | python3 -c 'import json, sys
rules = [{"record": "asked", "expr": line} for line in sys.stdin]
assert rules
print(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))' >"$BATS_TEST_TMPDIR/rules"
    promtool_if_installed check rules --lint=none "$BATS_TEST_TMPDIR/rules"
}

@test "the service writes the metrics into a file that everybody may read" {
    [ -e "$DOMM_SOURCE/debian/changelog" ] || skip "no debian directory in a release tarball"
    line=$(sed -n 's/^ExecStart=//p' "$DOMM_SOURCE/debian/domm.domm-metrics.service")
    [[ $line == "/usr/sbin/domm "*"/domm.prom" ]]
    read -r -a words <<<"$line"
    run -0 "$host" "${words[@]:1:${#words[@]}-2}" "$metrics"
    diff "$metrics" <("$host" monitor-status -f prometheus)
    [ "$(stat -c %a "$metrics")" = 644 ]
}

@test "the package does not enable the timer of metrics" {
    [ -e "$DOMM_SOURCE/debian/changelog" ] || skip "no debian directory in a release tarball"
    grep -q -- '-p domm --name=domm-metrics --no-enable$' "$DOMM_SOURCE/debian/rules"
}
