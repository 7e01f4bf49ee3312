# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to hold of the pair after a fault, once recovery has settled it."""

import json

from ..base import LabError, wait_for

GUESTS = ("target1", "domm1")
TICKS = "/srv/guests/target1/var/lib/ticker/ticks"
RUN_SECONDS = 30
READY_SECONDS = 240
# Files that processes leave only if they were cut short, and nobody has cleared up.
LEFT_IN_RUN = "ls -d /run/domm/abort-* /run/domm/set-* /run/domm/job-* /run/domm/decision-* /run/domm/receive-*"
STRAY_VIFS = """for id in $(xenstore-list /local/domain/0/backend/vif 2>/dev/null
	ls /sys/class/net | sed -n 's/^vif\\([0-9]*\\)\\..*/\\1/p'); do
	xl domname $id >/dev/null 2>&1 || echo $id
done"""


def copies(host):
    """{name as xl has it: state} of all copies of the pair's guests on a host."""
    found = {}
    for line in host.run("xl list").splitlines()[1:]:
        name, _, _, _, state, _ = line.split()
        if name.startswith(GUESTS):
            found[name] = state
    return found


def _runs(state):
    return not set(state) & set("spcd")


def _ready(host):
    told = host.run("domm --json monitor-status domm1 2>/dev/null", check=False)
    try:
        return json.loads(told)["monitors"][0]["targets"][0]["verdict"] == "ready"
    except (ValueError, KeyError, IndexError):
        return False


def _last_tick(filer):
    return int(filer.run(f"tail -n 1 {TICKS}") or 0)


def _leftovers(host, has_pair):
    """What is on a host and should not be."""
    found = []
    processes = host.run("pgrep -x -a domm", check=False)
    if processes.strip():
        found.append(f"processes on {host.name}: {processes.strip()}")
    if json.loads(host.run("domm --json jobs"))["jobs"]:
        found.append(f"a migration is unfinished on {host.name}")
    files = host.run(f"{LEFT_IN_RUN} 2>/dev/null", check=False)
    if files.strip():
        found.append(f"files on {host.name}: {' '.join(files.split())}")
    vifs = host.run(STRAY_VIFS, check=False)
    if vifs.strip():
        found.append(f"vifs on {host.name} of domains that are gone: {' '.join(vifs.split())}")
    records = host.run("ls /var/lib/xen/userdata-d.*.domm 2>/dev/null | wc -l", check=False)
    if int(records) != (1 if has_pair else 0):
        found.append(f"{records.strip()} records on {host.name}")
    return found


def _place(lab):
    """({host: copies}, the host on which both guests run, or None)."""
    there = {host.name: copies(host) for host in lab.hosts()}
    homes = [host for host in lab.hosts() if there[host.name]]
    whole = len(homes) == 1 and set(there[homes[0].name]) == set(GUESTS) and \
        all(map(_runs, there[homes[0].name].values()))
    return there, homes[0] if whole else None


def _home(lab, found):
    """The host that has the pair, or None; adds what is wrong with where the guests are. dommd pauses a
    monitor for moments."""
    try:
        return wait_for("the pair runs on one host", lambda: _place(lab)[1], RUN_SECONDS, 1,
                        lambda: json.dumps(_place(lab)[0]))
    except LabError as e:
        found.append(str(e))
        return None


def violations(lab):
    """Returns (the name of the host that has the pair, or None; what does not hold)."""
    found = []
    home = _home(lab, found)
    for host in lab.hosts():
        found += _leftovers(host, host is home)
    if not home:
        return None, found
    try:
        wait_for("the pair is ready", lambda: _ready(home), READY_SECONDS, 1,
                 lambda: home.run("domm monitor-status", check=False))
    except LabError as e:
        found.append(str(e))
    filer = lab.machine("filer")
    before = _last_tick(filer)
    try:
        wait_for("target1's memory and programs go on", lambda: _last_tick(filer) > before, 60, 1)
    except LabError as e:
        found.append(str(e))
    # A copy that ran again from an earlier moment would count anew what was counted.
    gaps = filer.run(f"awk 'NR > 1 && $1 != last + 1 {{ n++ }} {{ last = $1 }} END {{ print n + 0 }}' {TICKS}")
    if int(gaps):
        found.append(f"{gaps.strip()} ticks of target1 do not follow each other")
    other = next(host for host in lab.hosts() if host is not home)
    again = home.run(f"domm -N migrate domm1 {other.name} 2>&1; echo $?", check=False)
    if again.split()[-1:] != ["0"]:
        found.append(f"it could not be migrated again: {again.strip()[-300:]}")
    return home.name, found


def violations_without(lab, lost):
    """After what loses guests: there is no second copy, and nothing is left behind of what is not there."""
    found = []
    there = {host.name: copies(host) for host in lab.hosts()}
    for name in GUESTS:
        count = sum(name in names for names in there.values())
        if count > 1:
            found.append(f"{name} is on both hosts")
        if count == 0 and name not in lost:
            found.append(f"{name} is gone")
    strange = [name for names in there.values() for name in names if name not in GUESTS]
    if strange:
        found.append("stale copies: " + " ".join(strange))
    for host in lab.hosts():
        found += _leftovers(host, "domm1" in there[host.name])
    return " ".join(f"{host}: {' '.join(names)}" for host, names in there.items() if names) or None, found
