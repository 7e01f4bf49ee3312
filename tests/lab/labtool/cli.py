# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of tests/lab/lab."""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

from . import demo, guests, images, logs, packages
from .base import GUESTS, HOME, HOSTS, LabError, MACHINES, HYPERVISORS, in_parallel, say
from .lab import Lab, hypervisor_name

OVERVIEW = """\
Machines: host1, host2 (Xen and a Debian dom0), filer (NFS server); one LAN, 10.99.0.0/24.
Guests, rooted on the filer: target1, target2 (PVH), domm1, domm2 (PV).
Hypervisors: current (Debian 12 with all updates), shadow (Debian 12 as first released:
its xl can live-migrate PV guests), trixie (Debian 13).
Everything is kept below $LAB_HOME (default: ~/.cache/domm-lab)."""


def _up(lab, args):
    chosen = {host: hypervisor_name(getattr(args, host) or args.hypervisor) for host in HOSTS}
    lab.up(chosen, args.smp, args.memory, args.host2_lacks)


def cmd_up(lab, args):
    with lab.locked():
        _up(lab, args)


def cmd_targets(lab, args):
    with lab.locked():
        _up(lab, args)
        if args.push:
            lab.up_installed()
        else:
            lab.up_with_targets()


def cmd_watched(lab, args):
    with lab.locked():
        _up(lab, args)
        lab.up_watched()


def cmd_config(lab, args):
    g = guests.guest(args.monitor)
    print(guests.watch_config(g, guests.watched(g), args.memory, args.memory_only), end="")


def cmd_down(lab, args):
    with lab.locked():
        lab.down()


def cmd_copy(lab, args):
    other = Lab(args.other)
    with lab.locked(), other.locked():
        lab.copy(other)


def cmd_status(lab, args):
    if not lab.machines:
        print(f"lab {lab.name}: never booted")
        return
    for m in lab.machines.values():
        hypervisor = m.settings["hypervisor"] if m.is_host else "-"
        snapshots = " ".join(sorted(m.snapshots()))
        state = m.state()
        port = m.port() if state != "off" else "-"
        print(f"{m.name:6} {state:8} hypervisor {hypervisor:8} ssh port {port:6} snapshots: {snapshots}")


def cmd_ssh(lab, args):
    machine = lab.machine(args.machine)
    options = ["-t"] if sys.stdin.isatty() and not args.command else []
    command = machine.ssh_command(*options) + ([" ".join(args.command)] if args.command else [])
    os.execvp("ssh", command)


def cmd_push(lab, args):
    with lab.locked():
        packages.push(lab)


def cmd_modules(lab, args):
    images.make_keys()
    print(images.modules())


def cmd_symbols(lab, args):
    images.make_keys()
    print(images.symbols() / "vmlinux")


def cmd_start(lab, args):
    with lab.locked():
        guests.start(lab, guests.guest(args.guest), lab.machine(args.on), args.memory, args.vcpus)


def cmd_console(lab, args):
    g = guests.guest(args.guest)
    host = guests.host_of(lab, g)
    if not host:
        raise LabError(f"{g.name} runs on neither host; 'lab start {g.name}' starts it")
    os.execvp("ssh", [*host.ssh_command("-t"), f"xl console {g.name}"])


def cmd_logs(lab, args):
    directory = pathlib.Path(args.to) if args.to else lab.directory / "logs"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    in_parallel(lambda m: logs.collect(m, directory), lab.machines.values())
    print(directory)


def cmd_snapshot(lab, args):
    with lab.locked():
        lab.snapshot(args.name)


def cmd_restore(lab, args):
    with lab.locked():
        lab.restore(args.name)


def cmd_reset(lab, args):
    with lab.locked():
        lab.restore("booted")


def cmd_fault(lab, args):
    with lab.locked():
        if args.fault == "restore":
            lab.fault_restore()
        elif args.fault == "cut":
            lab.fault_cut(args.machine)
        elif args.fault == "kill":
            lab.fault_kill(args.machine)
        else:
            lab.fault_slow(args.machine, args.kbit, args.delay)


def cmd_demo(lab, args):
    with lab.locked():
        demo.run(lab)


def _add_hardware(parser):
    """The options of what brings a lab up."""
    parser.add_argument("--hypervisor", default=os.environ.get("LAB_HYPERVISOR", "current"),
                        help="of both hosts: " + ", ".join(HYPERVISORS) + " (default: $LAB_HYPERVISOR, or current)")
    for host in HOSTS:
        parser.add_argument(f"--{host}", metavar="HYPERVISOR", help=f"of {host} alone")
    parser.add_argument("--host2-lacks", metavar="FEATURE", help="of the CPU, as QEMU calls it: aes, ...")
    parser.add_argument("--smp", type=int, default=1, choices=(1, 2), help="CPUs of a host (default: 1)")
    parser.add_argument("--memory", type=int, default=2048, help="MiB of a host (default: 2048)")


def _parser():
    parser = argparse.ArgumentParser(
        prog="lab", description="Two real Xen hosts and a file server on this machine.",
        epilog=OVERVIEW, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", default=os.environ.get("LAB_NAME", "main"), metavar="NAME",
                        help="which lab; labs of other names have disks and ports of their own (default: main)")
    verbs = parser.add_subparsers(metavar="COMMAND", required=True)

    def verb(function, summary):
        name = function.__name__.removeprefix("cmd_")
        sub = verbs.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        sub.set_defaults(function=function)
        return sub

    verb(cmd_demo, "show what domm does, from nothing")
    _add_hardware(verb(cmd_up, "build what is missing, bring the lab up as after boot"))
    targets = verb(cmd_targets, "bring the lab up with both targets on host1")
    _add_hardware(targets)
    targets.add_argument("--push", action="store_true", help="install domm as well, as push does")
    _add_hardware(verb(cmd_watched, "bring the lab up with domm1 watching target1 on host1, domm as in the tree"))
    config = verb(cmd_config, "print the configuration of a monitor, for domm create")
    config.add_argument("monitor", choices=[name for name, g in GUESTS.items() if g.is_monitor])
    config.add_argument("--memory", type=int, help="MiB (default: 160)")
    config.add_argument("--memory-only", action="store_true", help="watch neither packets nor storage")
    verb(cmd_down, "end everything that runs; snapshots stay")
    verb(cmd_copy, "make this lab a copy of another one, with its snapshots").add_argument("other", metavar="NAME")
    verb(cmd_status, "show machines, ports and snapshots")
    ssh = verb(cmd_ssh, "log in to a machine, or run a command on it")
    ssh.add_argument("machine", choices=MACHINES)
    ssh.add_argument("command", nargs=argparse.REMAINDER)
    verb(cmd_push, "build domm's packages and install them on the hosts and monitors")
    verb(cmd_modules, "build the tests' kernel modules for the guests' kernel, print their directory")
    verb(cmd_symbols, "bring the guests' kernel with its symbols, print its path")
    start = verb(cmd_start, "create a guest and wait until it is up")
    start.add_argument("guest", choices=GUESTS)
    start.add_argument("--on", default="host1", choices=HOSTS)
    start.add_argument("--memory", type=int, help="MiB (default: 160)")
    start.add_argument("--vcpus", type=int, default=1)
    verb(cmd_console, "attach to a guest's console").add_argument("guest", choices=GUESTS)
    collected = verb(cmd_logs, "collect what is needed to understand a failure")
    collected.add_argument("--to", metavar="DIRECTORY", help="where to (default: logs, beside the lab)")
    verb(cmd_reset, "give both hosts back as after boot, in seconds")
    verb(cmd_snapshot, "keep the whole running lab under a name").add_argument("name")
    verb(cmd_restore, "give the whole lab back as it was at a snapshot").add_argument("name")
    fault = verb(cmd_fault, "break something, or restore all that was broken")
    faults = fault.add_subparsers(dest="fault", metavar="FAULT", required=True)
    faults.add_parser("cut", help="pull a machine's LAN cable").add_argument("machine", choices=MACHINES)
    faults.add_parser("kill", help="pull a machine's plug").add_argument("machine", choices=MACHINES)
    slow = faults.add_parser("slow", help="slow down what a machine sends to the LAN")
    slow.add_argument("machine", choices=MACHINES)
    slow.add_argument("--kbit", type=int, default=8000, help="kbit/s (default: 8000)")
    slow.add_argument("--delay", type=int, default=20, help="ms (default: 20)")
    faults.add_parser("restore", help="undo all faults; a killed machine boots again")
    return parser


def main():
    args = _parser().parse_args()
    try:
        HOME.mkdir(parents=True, exist_ok=True)
        args.function(Lab(args.lab), args)
    except (LabError, subprocess.SubprocessError, OSError) as e:
        print(f"lab: error: {e}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)
