# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured, and the command line that says so."""

import argparse
import dataclasses
import pathlib
import subprocess
import time

from ..base import HYPERVISORS, SOURCE

# The ways a guest or the pair is migrated, in the order in which they alternate.
KINDS = {
    "xl": "xl, target alone",
    "xl-both": "xl, both at once",
    "domm": "domm migrate",
    "no-sync": "domm, out of step",
}
SMALL = 160
LARGE = "128,256,512,1024"
# Of --small: what is begun after the set-up, so that all of it takes a quarter of an hour.
SMALL_MINUTES = 12
DIRTY_MIB = 32


@dataclasses.dataclass
class Settings:
    """All that the figures depend on, and that is kept beside them."""

    sizes: list  # of the monitor, in MiB
    target: int  # MiB
    kinds: list
    runs: int
    minutes: float | None  # no round is begun that would probably end later
    hypervisor: str
    smp: int
    data: str
    load: str
    dirty_rate: float  # MB/s in each guest
    rate: int | None  # Mbit/s of the LAN
    tree: str  # which domm it is

    @property
    def host_memory(self):
        """MiB of a host: dom0 with Xen, and both guests."""
        return max(2048, 1500 + self.target + max(self.sizes))

    def text(self):
        load = f"both guests dirty {self.dirty_rate:g} MB/s of {DIRTY_MIB} MiB" if self.load == "dirty" else "idle"
        lan = f"LAN of {self.rate} Mbit/s" if self.rate else "LAN as it is"
        return (f"target of {self.target} MiB, {load}, by {self.data}, {lan}, Xen {self.hypervisor}, "
                f"{self.smp} CPU per host, domm of {self.tree}")


def _sizes(text):
    sizes = [int(size) for size in text.split(",")]
    if min(sizes) < 32:
        raise argparse.ArgumentTypeError(f"{min(sizes)} MiB is too small for a monitor")
    return sizes


def _kinds(text):
    kinds = text.split(",")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no kind '{unknown[0]}'; there are {', '.join(KINDS)}")
    return [kind for kind in KINDS if kind in kinds]


def _tree():
    """The commit that the tree is at, and whether files differ from it."""
    told = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=SOURCE, capture_output=True, text=True)
    return told.stdout.strip() or "no commit"


def parser():
    p = argparse.ArgumentParser(
        prog="pair", description="Migrates a monitored pair by domm and by xl, in turn, from one snapshot; prints "
        "medians, and as its last line one JSON object with ratios.",
        epilog="Kinds: " + "; ".join(f"{kind}: {text}" for kind, text in KINDS.items()) + ".")
    p.add_argument("--small", action="store_true",
                   help=f"monitor and target of {SMALL} MiB, up to three rounds within a quarter of an hour")
    p.add_argument("--sizes", type=_sizes, metavar="MIB,…", help=f"of the monitor (default: {LARGE})")
    p.add_argument("--target", type=int, metavar="MIB", help="size of the target (default: 1024)")
    p.add_argument("--kinds", type=_kinds, default=list(KINDS), metavar="KIND,…", help="default: all")
    p.add_argument("--runs", type=int, metavar="N", help="rounds, each of one run of every kind (default: 3)")
    p.add_argument("--hypervisor", choices=HYPERVISORS, default="shadow",
                   help="of both hosts (default: shadow, where xl can live-migrate a PV guest)")
    p.add_argument("--smp", type=int, choices=(1, 2), default=1, help="CPUs of a host (default: 1)")
    p.add_argument("--data", choices=("ssh", "tcp", "tls"), default="ssh",
                   help="how memory travels (default: ssh); xl, which has no TLS, then goes by ssh")
    p.add_argument("--load", choices=("idle", "dirty"), default="idle", help="of both guests (default: idle)")
    p.add_argument("--dirty-rate", type=float, default=4, metavar="MB", help="per second and guest (default: 4)")
    p.add_argument("--rate", type=int, metavar="MBIT", help="shape the hosts' LAN ports to so many Mbit/s")
    p.add_argument("--to", type=pathlib.Path, metavar="DIRECTORY",
                   default=SOURCE / "build" / "bench" / time.strftime("%Y%m%d-%H%M%S"),
                   help="for the results (default: build/bench/TIME)")
    p.add_argument("--show", type=pathlib.Path, metavar="DIRECTORY",
                   help="print and draw the results that are there, and measure nothing")
    return p


def settings(args):
    small = args.small
    kinds = args.kinds
    if args.hypervisor != "shadow":
        kinds = [kind for kind in kinds if kind != "xl-both"]
    return Settings(
        sizes=args.sizes or ([SMALL] if small else _sizes(LARGE)),
        target=args.target or (SMALL if small else 1024),
        kinds=kinds, runs=args.runs or 3, minutes=SMALL_MINUTES if small and not args.runs else None,
        hypervisor=args.hypervisor, smp=args.smp, data=args.data, load=args.load,
        dirty_rate=args.dirty_rate, rate=args.rate, tree=_tree())
