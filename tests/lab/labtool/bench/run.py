# SPDX-License-Identifier: GPL-3.0-or-later
"""One migration, and what it costs."""

import subprocess
import time

from .. import guests, logs
from ..base import GUESTS, LabError, in_parallel, say
from . import figures, stage
from .kinds import MONITOR, MOVED, TARGET, by_domm, command, receivers

ROLES = {TARGET: "target", MONITOR: "monitor"}
COST = "/run/dom0-cost.json"
MIGRATION_SECONDS = 1800


def measure(lab, settings, size, kind, number, directory):
    """Runs one migration from the snapshot; a failure becomes a part of the run."""
    run = {"monitor_mib": size, "target_mib": settings.target, "kind": kind, "round": number}
    raw = directory / f"{size}-{number}-{kind}"
    raw.mkdir(parents=True, exist_ok=True)
    try:
        stage.begin_run(lab, size, attached=by_domm(kind))
        run |= _migrate(lab, settings, kind, raw)
        say(f"{kind}, monitor of {size} MiB, round {number}: total {run['total_ms'] / 1000:.1f} s, "
            f"target without an answer {run['target_ping_ms'] / 1000:.2f} s")
    except (figures.Unmeasured, LabError, subprocess.SubprocessError, ValueError, KeyError) as e:
        run["failure"] = f"{type(e).__name__}: {e}".strip()
        say(f"{kind}, monitor of {size} MiB, round {number} FAILED: {run['failure']}")
        in_parallel(lambda m: logs.collect(m, raw), lab.machines.values())
    return run


def _migrate(lab, settings, kind, raw):
    filer, (host1, host2) = lab.machine("filer"), lab.hosts()
    text = receivers(kind, settings)
    if text:
        host2.run(text)
    ahead = {m.name: _clock_ahead(m) for m in (filer, host1, host2)}
    _start_measuring(lab)
    output = host1.run(figures.timed(command(kind, settings, "host2")), timeout=MIGRATION_SECONDS)
    (raw / "command").write_text(output)
    costs = in_parallel(_stop_costs, (host1, host2))
    pings = _stop_pings(filer)
    for guest, printed in pings.items():
        (raw / f"pings-{guest}").write_text(printed)
    code, began, ended = figures.command_result(output)
    if code:
        raise LabError(f"'{command(kind, settings, 'host2')}' exited with {code}:\n{output[-1500:]}")
    run = {"total_ms": (ended - began) * 1000, **figures.of_dom0s(*costs)}
    for guest in MOVED[kind]:
        run |= figures.of_pings(ROLES[guest], pings[guest], began, ended, ahead["filer"] - ahead["host1"])
        said = guests.in_guest(host2, GUESTS[guest], f"cat {stage.GAP_FILE}")
        run |= figures.of_guest_clock(ROLES[guest], said, ahead["host2"] - ahead["host1"])
    if by_domm(kind):
        told = figures.report(output)
        if told["outcome"] != "moved":
            raise LabError(f"the outcome is '{told['outcome']}'")
        run |= figures.of_report(told)
    return run


def _clock_ahead(machine):
    """By how much the machine's clock is ahead of ours, in s; as exact as half of the quickest answer."""
    answers = []
    for _ in range(5):
        before = time.time()
        there = float(machine.run("echo $EPOCHREALTIME"))
        after = time.time()
        answers.append((after - before, there - (before + after) / 2))
    return min(answers)[1]


def _start_measuring(lab):
    filer, hosts = lab.machine("filer"), lab.hosts()
    for guest in ROLES:
        guests.in_guest(hosts[0], GUESTS[guest], "pkill -USR1 longest-gap")
    in_parallel(_start_costs, hosts)
    for guest in ROLES:
        filer.run(_pinging(GUESTS[guest]))
    time.sleep(2)  # the time before


def _start_costs(host):
    host.run(f"rm -f {COST} {COST}.pid\n"
             f"(setsid python3 /run/dom0-cost {COST} >/run/dom0-cost.log 2>&1 </dev/null &)\n"
             f"for _ in $(seq 200); do test -s {COST}.pid && exit; sleep 0.1; done; cat /run/dom0-cost.log; exit 1")


def _pinging(guest):
    """Starts the pings. With a neighbour that is looked for by ARP, they would go on up to a second
    after the guest does."""
    return (f"ip neigh replace {guest.address} lladdr {guest.mac} nud permanent "
            f"dev $(ip -o route get {guest.address} | sed 's/.* dev \\([^ ]*\\).*/\\1/')\n"
            f"(setsid ping -D -n -i 0.02 {guest.address} >/run/pings.{guest.name} 2>&1 </dev/null &)")


def _stop_costs(host):
    return host.run(f"kill $(cat {COST}.pid)\n"
                    f"for _ in $(seq 200); do test -s {COST} && break; sleep 0.1; done; cat {COST}")


def _stop_pings(filer):
    """Once both guests answer again, or after two minutes: {guest: what ping printed}."""
    for guest in ROLES:
        answer = f"ping -q -c 1 -W 1 {GUESTS[guest].address} >/dev/null"
        filer.run(f"for _ in $(seq 120); do {answer} && break; done; sleep 1", timeout=200)
    filer.run("pkill -INT -x ping; while pgrep -x ping >/dev/null; do sleep 0.1; done")
    return {guest: filer.run(f"cat /run/pings.{guest}") for guest in ROLES}
