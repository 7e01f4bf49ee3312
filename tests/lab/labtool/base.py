# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab consists of, where it keeps things, and how it talks to its user."""

import os
import pathlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

RECIPES = pathlib.Path(__file__).resolve().parent.parent / "images"
SOURCE = RECIPES.parent.parent.parent


def _home():
    if "LAB_HOME" in os.environ:
        return pathlib.Path(os.environ["LAB_HOME"])
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(cache) / "domm-lab"


HOME = _home()

HOSTS = ("host1", "host2")
MACHINES = ("filer",) + HOSTS

# The hypervisors a host can have, each as (Debian suite, package pockets).
# "shadow" is Debian 12 as first released: the last Xen 4.17 of it that can
# live-migrate PV guests (XSA-495 turned shadow paging off).
HYPERVISORS = {
    "current": ("bookworm", "all"),
    "shadow": ("bookworm", "release"),
    "trixie": ("trixie", "all"),
}


@dataclass(frozen=True)
class Guest:
    """A guest of the lab: its fixed identity, and its default size in MiB."""

    name: str
    type: str
    number: int
    memory: int

    @property
    def is_monitor(self):
        return self.name.startswith("domm")

    @property
    def address(self):
        return f"10.99.0.{self.number}"

    @property
    def mac(self):
        return f"00:16:3e:99:00:{self.number:02x}"

    @property
    def uuid(self):
        return f"d0330000-0000-4000-8000-0000000000{self.number:02d}"


GUESTS = {
    g.name: g
    for g in (
        Guest("target1", "pvh", 11, 160),
        Guest("target2", "pvh", 12, 160),
        Guest("domm1", "pv", 21, 160),
        Guest("domm2", "pv", 22, 160),
    )
}


class LabError(Exception):
    """Something did not work; the text says what and, where known, why."""


_started = time.monotonic()


def say(text):
    """Tells progress: on stderr, with the seconds since the program started."""
    print(f"[{time.monotonic() - _started:5.1f} s] {text}", file=sys.stderr, flush=True)


def wait_for(what, probe, seconds, interval=0.5, why=lambda: ""):
    """Calls probe() until it returns something true, and returns that.

    After `seconds` it gives up with `what` and why() as the reason."""
    end = time.monotonic() + seconds
    while True:
        result = probe()
        if result:
            return result
        if time.monotonic() > end:
            raise LabError(f"{what}: nothing after {seconds} s\n{why()}".rstrip())
        time.sleep(interval)


def in_parallel(function, items):
    """function(item) for all items at once; raises the first error after all have ended."""
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(function, item) for item in items]
    return [future.result() for future in futures]


def tail(path, lines=15):
    """The last lines of a text file, or a note that there is none."""
    try:
        text = pathlib.Path(path).read_text(errors="replace")
    except OSError as e:
        return f"({path}: {e.strerror})"
    return "\n".join(text.splitlines()[-lines:])
