# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulated machine: a QEMU process, its disk, its monitor, ssh into it."""

import functools
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from . import images
from .base import HOSTS, LabError, MACHINES, tail, wait_for
from .qmp import ask, monitor, qmp

# Under emulation dom0 dies with SMAP, the FPU state is corrupted across world switches with
# AVX or XSAVE, and a PVH guest dies at RDTSCP; the rest is an ordinary AMD machine with SVM.
EMULATED_CPU = ("EPYC,+svm,+npt,-monitor,-smap,-smep,-xsave,-xsaveopt,-xsavec,-xgetbv1,"
                "-avx,-avx2,-fma,-f16c,-rdtscp")
# The mitigations guard against nothing that an emulated CPU has, and slow it down by half.
# Where several guests want the CPU, Xen's slices of 1 ms are used up by what a switch costs under
# emulation; see DEVELOPERS.md, Emulation.
XEN = ("console=com1 com1=115200 dom0_mem=768M,max:768M loglvl=all guest_loglvl=warning no-real-mode "
       "spec-ctrl=no bootscrub=0 sched_ratelimit_us=10000")
LINUX = "root=/dev/vda rw net.ifnames=0 mitigations=off systemd.hostname={name}"
FILER_MEMORY = 512


@functools.cache
def accelerator():
    """QEMU's options for the CPU: KVM where guests of it can be hypervisors, else emulation."""
    for vendor in ("amd", "intel"):
        nested = pathlib.Path(f"/sys/module/kvm_{vendor}/parameters/nested")
        if nested.exists() and nested.read_text().strip() in ("1", "Y"):
            if os.access("/dev/kvm", os.R_OK | os.W_OK):
                return ["-accel", "kvm", "-cpu", "host"]
    _refuse_unsound_qemu()
    return ["-accel", "tcg,thread=multi,tb-size=1024", "-cpu", EMULATED_CPU]


def _refuse_unsound_qemu():
    """QEMU 10.0's decoder takes any read of a control register under SVM for one of CR0, so a PVH
    guest reads a stale CR2 in its first page fault, and halts. No flag helps."""
    out = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"version (\d+)\.(\d+)", out)
    if version and int(version[1]) >= 10:
        raise LabError(f"QEMU {version[1]}.{version[2]} cannot emulate PVH guests of Xen: they halt in their first "
                       "page fault. Run the lab on Debian 12 (QEMU 7.2), or put a QEMU 7.2 or 8.2 first in PATH")


def boot_key():
    """What a booted machine's snapshot depends on besides its image and settings."""
    return [*accelerator(), XEN, LINUX]


class Machine:
    """host1, host2 or filer of one lab.

    `settings` holds what decides its hardware: hypervisor (hosts), smp, memory in MiB, and which
    feature its CPU lacks, if one."""

    def __init__(self, lab_name, directory, name, settings):
        self.name = name
        self.lab_name = lab_name
        self.settings = settings
        self.directory = directory / name
        self.disk = self.directory / "disk.qcow2"
        self.socket = self.directory / "qmp"
        self.pidfile = self.directory / "pid"
        self.serial = self.directory / "serial.log"
        self.log = self.directory / "qemu.log"
        self.port_file = self.directory / "port"
        self.ssh_config = self.directory / "ssh_config"
        self.lan = directory / "lan"

    @property
    def is_host(self):
        return self.name in HOSTS

    # the process

    def pid(self):
        """The QEMU process, or None when it does not run."""
        try:
            pid = int(self.pidfile.read_text())
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if str(self.disk).encode() in command else None

    def start(self, image, snapshot=None):
        """Starts QEMU, stopped: from power-on, or at a snapshot that the disk holds."""
        self.port_file.write_text(str(_free_port()))
        self._write_ssh_config()
        self.serial.unlink(missing_ok=True)
        command = ["qemu-system-x86_64", *self._hardware(), *self._boot(image),
                   "-S", "-daemonize", "-no-reboot"]
        if snapshot:
            command += ["-loadvm", snapshot]
        with open(self.log, "w") as log:
            result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if result.returncode:
            raise LabError(f"{self.name}: QEMU does not start; {self.log} ends with:\n{tail(self.log)}")

    def _hardware(self):
        number = 1 + ("filer",) .__add__(HOSTS).index(self.name)
        memory = self.settings["memory"] if self.is_host else FILER_MEMORY
        smp = self.settings["smp"] if self.is_host else 1
        *how, cpu = accelerator()
        if "lacks" in self.settings:
            cpu += f",-{self.settings['lacks']}"
        admin = f"user,id=admin,hostfwd=tcp:127.0.0.1:{self.port()}-:22"
        return ["-name", f"domm-lab-{self.lab_name}-{self.name}", "-machine", "q35", *how, cpu,
                "-smp", str(smp), "-m", str(memory), "-nodefaults", "-display", "none",
                "-pidfile", str(self.pidfile), "-qmp", f"unix:{self.socket},server=on,wait=off",
                "-serial", f"file:{self.serial}", "-device", "virtio-rng-pci",
                "-drive", f"file={self.disk},if=virtio,format=qcow2,cache=unsafe",
                "-netdev", admin,
                "-device", f"virtio-net-pci,netdev=admin,mac=52:54:00:99:01:{number:02x}",
                "-netdev", f"vde,id=lan,sock={self.lan}",
                "-device", f"virtio-net-pci,id=lan-nic,netdev=lan,mac=52:54:00:99:02:{number:02x}"]

    def _boot(self, image):
        linux = LINUX.format(name=self.name)
        kernel, initrd = image / "vmlinuz", image / "initrd.img"
        if not self.is_host:
            return ["-kernel", str(kernel), "-initrd", str(initrd),
                    "-append", linux + " console=ttyS0,115200"]
        return ["-kernel", str(image / "xen.elf"), "-append", XEN,
                "-initrd", f"{kernel} {linux} console=hvc0,{initrd}"]

    def end(self, with_signal=signal.SIGTERM):
        """Ends the QEMU process; with SIGKILL as pulling the plug would."""
        pid = self.pid()
        if pid:
            os.kill(pid, with_signal)
            wait_for(f"{self.name}: the end of its QEMU", lambda: not self.pid(), 30, 0.02)

    # its monitor

    def pause(self):
        qmp(self.socket, "stop")

    def resume(self):
        qmp(self.socket, "cont")

    def state(self):
        """What QEMU says it does: "running", "paused", …; "off" without a process."""
        return qmp(self.socket, "query-status", 5)["status"] if self.pid() else "off"

    def in_hvm_guest(self):
        """Whether a CPU of this paused host is inside a guest by SVM. Then a snapshot cannot be
        loaded again: QEMU keeps that fact only for KVM (cpu_post_load, target/i386/machine.c).
        Xen, and all that runs under it but such guests, has its descriptor table in the part of
        the address space that is Xen's alone (PERDOMAIN_VIRT_START, xen/arch/x86's config.h)."""
        if not self.is_host:
            return False
        tables = re.findall(r"^GDT= *([0-9a-f]+)", ask(self.socket, "info registers -a"), re.M)
        return not all(0xffff800000000000 <= int(t, 16) < 0xffff880000000000 for t in tables)

    def save(self, snapshot):
        monitor(self.socket, f"savevm {snapshot}")

    def cable(self, plugged):
        """Plugs or pulls the LAN cable; the machine sees its carrier come or go."""
        qmp(self.socket, "set_link", name="lan-nic", up=plugged)

    def snapshots(self):
        """Names of the snapshots on the disk."""
        if not self.disk.exists():
            return set()
        out = subprocess.run(["qemu-img", "snapshot", "-U", "-l", self.disk],
                             check=True, capture_output=True, text=True).stdout
        return {line.split()[1] for line in out.splitlines()[2:]}

    # ssh

    def port(self):
        """The port on loopback that leads to the machine's sshd."""
        return int(self.port_file.read_text())

    def _write_ssh_config(self):
        """For ssh -F. One connection serves all commands: a new one takes a second under emulation.
        A new QEMU has a new port, and so a connection of its own."""
        self.ssh_config.write_text(f"""\
Host {self.name}
HostName 127.0.0.1
Port {self.port()}
User root
IdentityFile {images.KEYS / "id_ed25519"}
UserKnownHostsFile {images.KEYS / "known_hosts"}
LogLevel ERROR
BatchMode yes
ConnectTimeout 60
ServerAliveInterval 5
ServerAliveCountMax 12
ControlMaster auto
ControlPath {self.directory}/ssh-%p
ControlPersist yes
""")

    def ssh_command(self, *options):
        return ["ssh", "-F", str(self.ssh_config), *options, self.name]

    def hang_up(self):
        """Ends the connection that all commands share."""
        subprocess.run(self.ssh_command("-O", "exit"), stdin=subprocess.DEVNULL, capture_output=True,
                       timeout=20)

    def run(self, command, timeout=120, check=True, input=None):
        """Runs a shell command on the machine and returns what it printed.

        A failure is a LabError with its output, unless check is false."""
        try:
            result = subprocess.run([*self.ssh_command(), command], timeout=timeout, text=True,
                                    input=input, stdin=subprocess.DEVNULL if input is None else None,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except subprocess.TimeoutExpired as e:
            raise LabError(f"{self.name}: '{command}' still runs after {timeout} s") from e
        if check and result.returncode:
            raise LabError(f"{self.name}: '{command}' exited with {result.returncode}:\n{result.stdout}")
        return result.stdout

    def answers(self):
        """True when a command can be run by ssh. A dead machine is an error at once."""
        if not self.pid():
            raise LabError(f"{self.name}: its QEMU has ended; the console's last lines:\n"
                           f"{tail(self.log)}\n{tail(self.serial)}")
        probe = [*self.ssh_command("-o", "ConnectTimeout=5"), "true"]
        try:
            return subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=20).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def set_clock(self):
        """Gives the machine this machine's time: a snapshot has the time it was taken at."""
        self.run(f"date -s @{time.time():.3f} >/dev/null", timeout=60)

    def wait_until_up(self, seconds):
        wait_for(f"{self.name}: ssh", self.answers, seconds, 1, lambda: tail(self.serial))
        ready = "systemctl is-active -q multi-user.target"
        if self.is_host:
            ready += " && xl info >/dev/null && ip -4 addr show dev xenbr0 | grep -q inet"
        else:
            ready += " && exportfs | grep -q /srv/guests"
        wait_for(f"{self.name}: {ready}", lambda: "yes" in self.run(f"{ready} && echo yes", check=False),
                 seconds, 1, lambda: self.run("systemctl --failed; systemctl list-jobs", check=False))


def _free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
