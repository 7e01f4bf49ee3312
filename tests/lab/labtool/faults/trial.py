# SPDX-License-Identifier: GPL-3.0-or-later
"""One migration with one fault, from the snapshot to what is left of it."""

import json
import os
import pathlib
import subprocess
import time

from .. import logs, packages
from ..base import LabError, RECIPES, SOURCE, in_parallel, say, wait_for
from . import invariant
from .points import LOSES_GUESTS, STOPPING_POINT

LAB = RECIPES.parent
BUILD = pathlib.Path(os.environ.get("DOMM_BUILD", SOURCE / "build"))
SNAPSHOT = "faults"
# A migration at STOPPING_POINT: memory is copied, and no guest has stopped.
STOPPING = "faults-stopping"
HOST_OF = {"source": "host1", "destination": "host2"}
MIGRATION_SECONDS = 1200
# Longer than any wait of one end for the other.
END_SECONDS = 240
SETTLE_SECONDS = 300
PLAN = "/run/domm-fault.plan"
WAITS, GO_ON = "/run/domm-fault.waits", "/run/domm-fault.go"  # tests/lab/host/fault
KILLED = "/run/domm-killed"  # there once a kill at an instant has met a process
MIGRATE = "domm --json migrate -d tcp domm1 host2 >/run/m.out 2>/run/m.err; echo $? >/run/m.code"
AWAIT_MIGRATION = "while [ ! -s /run/m.code ]; do sleep 0.2; done; cat /run/m.code"


def bring_up(lab):
    """The pair on host1, and domm with fault points on both hosts. domm-recover.timer is off: recovery
    is run when the fault is over, so that it can be said what it did."""
    program = "tests/lab/host/domm-with-faults"
    subprocess.run(["make", "-s", "-C", BUILD, program], check=True)
    lab.up_watched()
    for host in lab.hosts():
        packages.put(host, BUILD / program, "/usr/sbin/domm.new")
        packages.put(host, LAB / "host" / "fault", "/usr/local/sbin/domm-fault")
        host.run("chmod 755 /usr/sbin/domm.new /usr/local/sbin/domm-fault && mv /usr/sbin/domm.new /usr/sbin/domm && "
                 "systemctl stop domm-recover.timer")
    lab.snapshot(SNAPSHOT)


def points_passed(lab, faults=()):
    """The points that both ends pass in a migration with these faults, and how long it takes, in s."""
    lab.restore(SNAPSHOT)
    _write_plan(lab, faults)
    began = time.monotonic()
    _begin(lab)
    code = lab.machine("host1").run(AWAIT_MIGRATION, timeout=MIGRATION_SECONDS).strip()
    seconds = time.monotonic() - began
    if (code == "0") == bool(faults):
        raise LabError(f"the migration with the faults {faults} ends with {code}: " +
                       lab.machine("host1").run("cat /run/m.err"))
    return "".join(host.run("cat /run/domm-fault.points") for host in lab.hosts()), seconds


def keep_stopping(lab):
    """Takes the snapshot from which cases behind STOPPING_POINT begin; after how many seconds of the
    migration it was taken."""
    lab.restore(SNAPSHOT)
    _write_plan(lab, (f"wait {STOPPING_POINT}",))
    began = time.monotonic()
    _begin(lab)
    host = lab.machine("host1")
    host.run(f"until [ -e {WAITS} ] || [ -s /run/m.code ]; do sleep 0.1; done", timeout=MIGRATION_SECONDS)
    seconds = time.monotonic() - began
    if "yes" in host.run("test -s /run/m.code && echo yes", check=False):
        raise LabError("the migration ends before its guests stop: " + host.run("cat /run/m.err"))
    lab.snapshot(STOPPING)
    return seconds


def _begin(lab):
    lab.machine("host1").run(f"setsid sh -c '{MIGRATE}' >/dev/null 2>&1 </dev/null &")


def _write_plan(lab, faults):
    for end, name in HOST_OF.items():
        lines = "".join(f"{fault}\n" for fault in faults if fault.split()[1] == end)
        lab.machine(name).run(f"cat > {PLAN}", input=lines)


def _plan(lab, case, seconds):
    host = lab.machine(HOST_OF[case.end])
    if case.seconds is None:
        _write_plan(lab, (*case.first, f"{case.kind} {case.point}"))
        return
    process = "-x domm" if case.end == "source" else "-f 'domm receive$'"
    host.run(f"setsid sh -c \"sleep {seconds:.2f}; pkill -KILL -o {process} && touch {KILLED}\" "
             ">/dev/null 2>&1 </dev/null &")


def _start(lab, case, stopping_after):
    """From the latest snapshot that comes before the fault. stopping_after: as of keep_stopping, or None
    if it was not called."""
    if stopping_after is not None and case.is_behind_stopping(stopping_after):
        lab.restore(STOPPING)
        _plan(lab, case, (case.seconds or 0) - stopping_after)
        lab.machine("host1").run(f"touch {GO_ON}")
    else:
        lab.restore(SNAPSHOT)
        _plan(lab, case, case.seconds or 0)
        _begin(lab)


def _await_migration(lab, case):
    """The exit code of domm migrate, or "-" where its process did not live to have one."""
    try:
        code = lab.machine("host1").run(AWAIT_MIGRATION, timeout=MIGRATION_SECONDS).strip()
    except LabError:
        if case.kind == "reset":
            return "-"
        raise
    return "-" if code == "137" else code


def _happened(lab, case):
    host = lab.machine(HOST_OF[case.end])
    if case.seconds is not None:
        host.run("pkill -f domm-[k]illed", check=False)  # what comes too late shall not hit domm recover
        return "yes" in host.run(f"test -e {KILLED} && echo yes", check=False)
    return case.kind == "reset" or not host.run(f"cat {PLAN}").strip()


def _take_back(lab, case):
    """What an administrator does about the fault itself."""
    if case.kind == "full":
        lab.machine(HOST_OF[case.end]).run("rm -f /var/lib/domm/fault-*")
    if case.kind == "reset":
        wait_for("the end of the reset host", lambda: len(lab.running()) < len(lab.machines), 60)
        lab.fault_restore()
        for host in lab.hosts():
            host.run("systemctl stop domm-recover.timer", check=False)


def _wait_for_end(lab):
    """Until no process of the migration is at work."""
    for host in lab.hosts():
        wait_for(f"the end of domm on {host.name}", lambda: not host.run("pgrep -x domm", check=False).strip(),
                 END_SECONDS, 1, lambda: host.run("ps axf", check=False))


def _has_jobs(host):
    return bool(json.loads(host.run("domm --json jobs"))["jobs"])


def _settle(lab):
    """Runs domm recover on both hosts until nothing is unfinished; what it said."""
    told, end = [], time.monotonic() + SETTLE_SECONDS
    while True:
        for host in lab.hosts():
            said = host.run("domm recover 2>&1", check=False, timeout=600)
            told += [f"{host.name}: {line}" for line in said.splitlines()]
        if not any(map(_has_jobs, lab.hosts())) or time.monotonic() > end:
            return told
        time.sleep(3)


def try_case(lab, case, directory, stopping_after=None):
    """Returns a dictionary of what came of it; "violations" is empty if all is well."""
    result = {"case": str(case), "code": "?", "home": None, "happened": None, "recovered": [], "violations": []}
    began = time.monotonic()
    try:
        _start(lab, case, stopping_after)
        result["code"] = _await_migration(lab, case)
        result["happened"] = _happened(lab, case)
        if not result["happened"] and case.seconds is None:
            result["violations"].append("the fault did not happen")
        _take_back(lab, case)
        _wait_for_end(lab)
        result["recovered"] = _settle(lab)
        if case.kind in LOSES_GUESTS:
            lost = {"lose-target": ("target1",), "lose-monitor": ("domm1",)}.get(case.kind, invariant.GUESTS)
            result["home"], found = invariant.violations_without(lab, lost)
        else:
            result["home"], found = invariant.violations(lab)
        result["violations"] += found
    except (LabError, subprocess.SubprocessError, ValueError, KeyError) as e:
        result["violations"].append(f"{type(e).__name__}: {e}".strip())
    result["seconds"] = round(time.monotonic() - began)
    if result["violations"]:
        kept = directory / str(case).replace(" ", "-")
        kept.mkdir(parents=True, exist_ok=True)
        in_parallel(lambda m: logs.collect(m, kept), lab.machines.values())
        say(f"logs, journals and reports: {kept}")
    return result
