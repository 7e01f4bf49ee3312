# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's demonstration: from nothing to what domm can do today."""

import subprocess
import sys

from . import guests, packages
from .base import GUESTS, HOSTS, say


def _show(machine, command):
    """Runs a command on a machine as its user would see it."""
    print(f"\n{machine.name}# {command}", flush=True)
    subprocess.run([*machine.ssh_command(), command], stdin=subprocess.DEVNULL, check=True, timeout=900,
                   stderr=sys.stdout)


def run(lab):
    lab.up({host: "current" for host in HOSTS}, 1, 2048)
    lab.restore("booted")
    packages.push(lab)
    host1, host2 = lab.hosts()
    target, domm = GUESTS["target1"], GUESTS["domm1"]
    guests.start(lab, target, host1)
    host1.run("cat > /etc/xen/watch.cfg", input=guests.watch_config(domm, target))
    _show(host1, "domm version")
    _show(host1, "domm create /etc/xen/watch.cfg")
    _show(host1, "domm list")
    _show(host1, "domm monitor-status")
    _show(host1, "ssh domm1 \"grep -a -m 1 -o 'Linux version [0-9.-]*' /run/domm/target1/mem | head -n 1\"")
    _show(host1, "domm detach domm1")
    say("the target moves to host2 the ordinary way, and for that time nobody could watch it: "
        "what domm migrate is for")
    _show(host1, "xl migrate target1 host2")
    _show(host2, "domm list")
    _show(host2, "ssh target1 tail -n 1 /var/lib/ticker/ticks")
    say("the lab stays up: 'tests/lab/lab --help' says what else it does, 'tests/lab/lab down' ends it")
