# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole lab: three machines on one LAN, their snapshots and their faults."""

import contextlib
import fcntl
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import time

from . import guests, images, packages
from .base import HOME, HOSTS, HYPERVISORS, LabError, MACHINES, in_parallel, say, wait_for
from .machine import Machine, boot_key

BOOTED = "booted"
TARGETS = "targets"
INSTALLED = "installed"
DEMO = "demo"
WATCHED = "watched"
BOOT_SECONDS = 600
PAUSE_TRIES = 300


class Lab:
    """The lab called `name`; labs of different names are independent of each other."""

    def __init__(self, name):
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", name):
            raise LabError(f"'{name}' is no name for a lab: letters, digits, - and _, up to 20")
        self.name = name
        self.directory = HOME / "labs" / name
        self.config_file = self.directory / "config.json"
        self.pushed = self.directory / "pushed"
        self.config = json.loads(self.config_file.read_text()) if self.config_file.exists() else None
        self.machines = {}
        self.is_fresh = False  # it has booted, and nothing has happened since
        if self.config:
            self._make_machines()

    def _make_machines(self):
        self.machines = {name: Machine(self.name, self.directory, name, self.config["machines"][name])
                         for name in MACHINES}

    @contextlib.contextmanager
    def locked(self):
        """Held while the lab is changed; somebody else's change makes it an error, not a wait."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.directory / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LabError(f"lab {self.name} is being changed by another 'lab' command") from None
            yield

    def machine(self, name):
        """The running machine `name`."""
        if name not in MACHINES:
            raise LabError(f"no machine '{name}' in the lab; there are {', '.join(MACHINES)}")
        if not self.machines or not self.machines[name].pid():
            raise LabError(f"{name} does not run; start it with 'lab up' (or 'lab fault restore')")
        return self.machines[name]

    def hosts(self):
        return [self.machine(name) for name in HOSTS]

    def running(self):
        return [m for m in self.machines.values() if m.pid()]

    # up and down

    def up(self, hypervisors, smp, memory, lacks=None):
        """Brings the lab up as after boot. hypervisors: {host: key of HYPERVISORS}; lacks: a feature
        that the CPU of host2 is to be without, as QEMU calls it."""
        config = self._configuration(hypervisors, smp, memory, lacks)
        if self.running():
            self._check_running(config)
            return
        warm = config == self.config and self.keeps(BOOTED)
        self.config = config
        if warm:
            self.restore(BOOTED)
        else:
            self._boot()

    def _configuration(self, hypervisors, smp, memory, lacks=None):
        machines = {host: {"hypervisor": hypervisors[host], "smp": smp, "memory": memory}
                    for host in HOSTS}
        machines["filer"] = {"hypervisor": "filer"}
        if lacks:
            machines["host2"]["lacks"] = lacks
        found = images.for_hosts(sorted(set(hypervisors.values())))
        return {"machines": machines, "boot": boot_key(), "guests": guests.configurations(),
                "images": {name: str(found[machines[name]["hypervisor"]]) for name in MACHINES}}

    def keeps(self, snapshot):
        return bool(self.machines) and all(snapshot in m.snapshots() for m in self.machines.values())

    def up_with_targets(self):
        """Gives the running lab both targets on host1: from the snapshot, or by making it."""
        if self.keeps(TARGETS):
            self.restore(TARGETS)
            return
        self._be_as_booted()
        self._start_targets(guests.TARGETS)
        self._save(TARGETS)

    def _be_as_booted(self):
        """A lab that has just booted is so already, and its QEMU has translated much of its code."""
        if not self.is_fresh:
            self.restore(BOOTED)

    def _start_targets(self, names):
        self.is_fresh = False
        host1 = self.machine("host1")
        for name in names:
            guests.start(self, guests.guest(name), host1)
        if "target2" in names:
            # Nobody counts its ticks, which take a fifth of a host's CPU.
            guests.in_guest(host1, guests.guest("target2"), "pkill ticker")

    def up_installed(self):
        """Gives the running lab both targets, and domm as it is in the tree now."""
        self._up_with_domm(INSTALLED, guests.TARGETS)

    def up_for_demo(self):
        """The same; with one target, if the lab has just booted."""
        self._up_with_domm(DEMO, guests.TARGETS[:1])

    def _up_with_domm(self, snapshot, names):
        if self.has(snapshot):
            self.restore(snapshot)
            return
        if self.is_fresh:
            self._start_targets_and_install(names)
        else:
            self.up_with_targets()
            packages.push(self)
        self._keep(snapshot)

    def has(self, snapshot):
        """Whether a snapshot is kept, with domm as it is in the tree now."""
        return self._kept_with(snapshot) == packages.version(self)

    def _start_targets_and_install(self, names):
        """In parallel: a target that boots keeps one machine busy."""
        host1 = self.machine("host1")

        def on_host1():
            self._start_targets(names)
            packages.install(self, [host1])

        in_parallel(lambda work: work(), [
            on_host1, lambda: packages.install(self, [self.machine("host2"), self.machine("filer")])])
        packages.note_pushed(self)

    def up_watched(self):
        """Gives the running lab the pair domm1 and target1, with domm as it is in the tree now."""
        if self.has(WATCHED):
            self.restore(WATCHED)
            return
        self.up_installed()
        guests.watch(self, guests.guest("domm1"), guests.guest("target1"))
        self._keep(WATCHED)

    def _kept_with(self, snapshot):
        """Which domm the machines had when the snapshot was taken."""
        if not self.keeps(snapshot):
            return None
        path = self.directory / f"{snapshot}.pushed"
        return path.read_text() if path.exists() else ""

    def _check_running(self, config):
        if config["machines"] != self.config["machines"]:
            raise LabError(f"lab {self.name} is up with other settings: 'lab down' first")
        dead = [m.name for m in self.machines.values() if not m.pid()]
        if dead:
            raise LabError(f"the lab is up, but not {', '.join(dead)}: 'lab fault restore' boots it")
        say("the lab is up already" + ("" if config == self.config else ", made from older images"))

    def _boot(self):
        self._make_machines()
        self.config_file.unlink(missing_ok=True)
        for m in self.machines.values():
            m.directory.mkdir(exist_ok=True)
            images.overlay(self._image(m), m.disk)
        self._start_lan()
        say("booting: " + ", ".join(f"{m.name} ({m.settings['hypervisor']})" for m in self.machines.values()))
        in_parallel(self._power_on, self.machines.values())
        self._save(BOOTED)
        for kept in (self.pushed, *self.directory.glob("*.pushed")):
            kept.unlink(missing_ok=True)
        self.config_file.write_text(json.dumps(self.config, indent=1))
        self.is_fresh = True

    def _image(self, machine):
        return pathlib.Path(self.config["images"][machine.name])

    def _power_on(self, machine):
        machine.start(self._image(machine))
        machine.resume()
        machine.wait_until_up(BOOT_SECONDS)
        say(f"{machine.name} is up")

    def down(self):
        """Ends every process of the lab. What was not snapshot is gone."""
        in_parallel(Machine.end, self.running())
        pid = self._lan_pid()
        if pid:
            os.kill(pid, signal.SIGKILL)
            wait_for("the end of the LAN's switch", lambda: not self._lan_pid(), 5, 0.02)

    def _lan_pid(self):
        try:
            pid = int((self.directory / "lan.pid").read_text())
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if str(self.directory / "lan").encode() in command else None

    def copy(self, other):
        """Becomes a copy of another lab, with its snapshots. Both are down."""
        for lab in (self, other):
            if lab.running():
                raise LabError(f"lab {lab.name} is up: 'lab down' first")
        if not other.machines:
            raise LabError(f"lab {other.name} was never booted: there is nothing to copy")
        for file in (self.config_file, *self.directory.glob("*pushed")):
            file.unlink(missing_ok=True)
        for name, machine in other.machines.items():
            (self.directory / name).mkdir(exist_ok=True)
            subprocess.run(["cp", "--sparse=always", machine.disk, self.directory / name], check=True)
        for file in (*other.directory.glob("*pushed"), other.config_file):
            shutil.copy(file, self.directory)

    def _start_lan(self):
        if self._lan_pid():
            return
        # A switch that was killed leaves its sockets and pid file, and the next one gives up on them.
        shutil.rmtree(self.directory / "lan", ignore_errors=True)
        (self.directory / "lan.pid").unlink(missing_ok=True)
        with open(self.directory / "lan.log", "w") as log:
            subprocess.run(["vde_switch", "--daemon", "--sock", self.directory / "lan", "--pidfile",
                            self.directory / "lan.pid"],
                           check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for("the LAN's switch", self._lan_pid, 5, 0.02)

    # snapshots

    def snapshot(self, name):
        """Keeps the whole lab, running, under a name."""
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,40}", name):
            raise LabError(f"'{name}' is no name for a snapshot: letters, digits, - and _, a letter first")
        if name in (BOOTED, TARGETS, INSTALLED, DEMO, WATCHED):
            raise LabError(f"the lab makes '{name}' itself, and it stays that")
        self._keep(name)

    def _keep(self, name):
        for machine in MACHINES:
            self.machine(machine)
        self._save(name)
        (self.directory / f"{name}.pushed").write_text(self.pushed.read_text() if self.pushed.exists() else "")

    def _save(self, name):
        # All stand still before the first is saved: no packet may be in one machine's
        # future and in another's past.
        # No session of ours is kept: nobody would go on with it.
        machines = self.machines.values()
        in_parallel(Machine.hang_up, machines)
        try:
            self._pause_outside_guests()
            in_parallel(lambda m: m.save(name), machines)
        finally:
            in_parallel(Machine.resume, machines)

    def _pause_outside_guests(self):
        machines = self.machines.values()
        for _ in range(PAUSE_TRIES):
            in_parallel(Machine.pause, machines)
            if not any(m.in_hvm_guest() for m in machines):
                return
            in_parallel(Machine.resume, machines)
            time.sleep(random.uniform(0.01, 0.1))
        raise LabError("a host is inside a guest whenever it is looked at; is a guest very busy?")

    def restore(self, name):
        """Gives the whole lab back as it was when the snapshot was taken."""
        if not self.machines:
            raise LabError("there is no lab yet: 'lab up' makes one")
        missing = [m.name for m in self.machines.values() if name not in m.snapshots()]
        if missing:
            raise LabError(f"no snapshot '{name}' of {', '.join(missing)}; see 'lab status'")
        self._load(name)
        self.pushed.write_text(self._kept_with(name))

    def _load(self, name):
        self.is_fresh = False
        self._start_lan()
        machines = self.machines.values()

        # Always into new processes: QEMU keeps the TSC monotonic within one (cpu_ticks_prev in
        # softmmu/cpu-timers.c), so after a loadvm there it would run ahead of the other clocks
        # by the time since the snapshot, and Xen's time would jump, stop or race.
        in_parallel(Machine.end, machines)
        in_parallel(lambda m: m.start(self._image(m), name), machines)
        in_parallel(Machine.resume, machines)
        in_parallel(Machine.set_clock, machines)

    # faults

    def fault_kill(self, name):
        self.machine(name).end(signal.SIGKILL)

    def fault_cut(self, name):
        self.machine(name).cable(False)

    def fault_slow(self, name, kbit, delay_ms):
        """Limits what a machine sends to the LAN; qdisc on its LAN port, outside any guest's vif."""
        self.machine(name).run(f"tc qdisc replace dev eth1 root netem rate {kbit}kbit delay {delay_ms}ms limit 1000")

    def fault_restore(self):
        """Takes every fault back: cables plugged, full speed, killed machines booted again."""
        if not self.machines:
            raise LabError("there is no lab yet: 'lab up' makes one")

        def heal(machine):
            if machine.pid():
                machine.cable(True)
                machine.run("tc qdisc del dev eth1 root 2>/dev/null || true")
            else:
                self._power_on(machine)

        self._start_lan()
        in_parallel(heal, self.machines.values())


def hypervisor_name(text):
    """Checks a hypervisor's name from the command line."""
    if text not in HYPERVISORS:
        raise LabError(f"no hypervisor '{text}'; there are {', '.join(HYPERVISORS)}")
    return text
