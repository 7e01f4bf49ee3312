# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the lab to where every run begins: a pair on host1, with the programs that measure."""

import pathlib
import subprocess
import tempfile

from .. import guests, packages
from ..base import GUESTS, HOSTS, RECIPES, in_parallel, say, wait_for
from .kinds import MONITOR, TARGET
from .settings import DIRTY_MIB

LAB = RECIPES.parent
IN_GUESTS = ("longest-gap", "dirty")
ON_HOSTS = ("dom0-cost", "xl-receive", "xl-send")
WITHOUT_MONITOR = "bench"
GAP_FILE = "/run/longest-gap"


def bring_up(lab, settings):
    """The target runs on host1, and domm is installed as it is in the tree."""
    lab.down()
    lab.up({host: settings.hypervisor for host in HOSTS}, settings.smp, settings.host_memory)
    _put_programs(lab)
    packages.push(lab)
    host1 = lab.machine("host1")
    guests.start(lab, GUESTS[TARGET], host1, settings.target)
    if settings.rate:
        in_parallel(lambda host: host.run(f"tc qdisc replace dev eth1 root netem rate {settings.rate}mbit limit 10000"),
                    lab.hosts())
    _begin(host1, GUESTS[TARGET], settings)
    lab.snapshot(WITHOUT_MONITOR)


def _put_programs(lab):
    with tempfile.TemporaryDirectory() as directory:
        for name in IN_GUESTS:
            path = pathlib.Path(directory) / name
            subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", path,
                            LAB / "guest" / f"{name}.c"], check=True)
            for guest in (TARGET, MONITOR):
                remote = f"/srv/guests/{guest}/usr/local/sbin/{name}"
                packages.put(lab.machine("filer"), path, remote)
                lab.machine("filer").run(f"chmod 755 {remote}")
    for name in ON_HOSTS:
        in_parallel(lambda host, name=name: packages.put(host, LAB / "host" / name, f"/run/{name}"), lab.hosts())


def _begin(host, guest, settings):
    """Starts the guest's clock, and its load."""
    programs = [f"longest-gap {GAP_FILE}"]
    if settings.load == "dirty":
        programs.append(f"dirty {DIRTY_MIB} {settings.dirty_rate:g}")
    for program in programs:
        path = f"/usr/local/sbin/{program.split()[0]}"
        wait_for(f"{path} in {guest.name}", lambda: "yes" in guests.in_guest(
            host, guest, f"test -x {path} && echo yes", check=False), 120, 2)
        guests.in_guest(host, guest, f"setsid {program} >/dev/null 2>&1 </dev/null &")


def snapshot_of(size):
    return f"bench-{size}"


def add_monitor(lab, settings, size):
    """Makes the snapshot that each run with a monitor of that size begins at. The monitor has all of
    the target's memory mapped."""
    lab.restore(WITHOUT_MONITOR)
    host1, monitor = lab.machine("host1"), GUESTS[MONITOR]
    host1.run("cat > /etc/xen/watch.cfg", input=guests.watch_config(monitor, GUESTS[TARGET], size))
    host1.run("domm create /etc/xen/watch.cfg", timeout=900)
    say(f"{MONITOR} of {size} MiB monitors {TARGET}")
    guests.in_guest(host1, monitor, f"cat /run/domm/{TARGET}/mem >/dev/null", timeout=1800)
    _begin(host1, monitor, settings)
    lab.snapshot(snapshot_of(size))


def begin_run(lab, size, attached):
    """From the snapshot: the monitor is ready; or detached, since xl knows nothing of its mappings."""
    lab.restore(snapshot_of(size))
    host1 = lab.machine("host1")
    wait_for(f"{MONITOR} is ready", lambda: _ready(host1), 120, 1,
             lambda: host1.run("domm monitor-status", check=False))
    if not attached:
        host1.run(f"domm detach {MONITOR}")


def _ready(host):
    return "ready" in host.run(f"domm -q monitor-status {MONITOR} >/dev/null 2>&1 && echo ready", check=False)
