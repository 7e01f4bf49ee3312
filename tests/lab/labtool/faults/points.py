# SPDX-License-Identifier: GPL-3.0-or-later
"""Which faults there are, and where. Pure."""

import dataclasses
import random

# What happens at a fault point (tests/lab/host/fault).
KINDS = {
    "kill": "the process of that end is killed",
    "interrupt": "the process of that end gets SIGTERM",
    "fail": "the step, or the sending, fails",
    "silent": "the process of that end stands still for 60 s",
    "cut": "the link between the ends breaks",
    "full": "/var of that end is full from then on",
    "lose-target": "the target is destroyed",
    "lose-monitor": "the monitor is destroyed",
    "reset": "the host of that end is reset",
}
# Those that are tried at each point unless others are asked for.
DEFAULT_KINDS = ("kill", "fail", "cut")
# After it, before COMMIT, everything is taken back.
LATE_FAILURE = "fail source before rename-away 1"
# The last point of the source before a guest stops; it comes after most of a migration's time.
STOPPING_POINT = "source before stop 1"
# The first steps of each end behind it.
_STOPPING = {"source": "stop", "destination": "restore"}
# What ends with a host that is reset is nobody's fault; nor is a guest that was destroyed.
LOSES_GUESTS = ("lose-target", "lose-monitor", "reset")


@dataclasses.dataclass(frozen=True)
class Case:
    """One fault. kind: of KINDS; point: "END WHEN WHAT GUEST", or "END after SECONDS" for a kill at an
    instant that no step decides."""

    kind: str
    point: str
    first: tuple = ()  # faults that lead there, as "KIND END WHEN WHAT GUEST"
    late: bool = False  # the point is behind STOPPING_POINT

    @property
    def end(self):
        return self.point.split()[0]

    @property
    def seconds(self):
        """Of a kill at an instant, or None."""
        words = self.point.split()
        return float(words[2]) if len(words) == 3 else None

    def is_behind_stopping(self, after):
        """after: how many seconds of a migration come before STOPPING_POINT."""
        return self.late if self.seconds is None else self.seconds > after

    def __str__(self):
        return f"{self.kind} {self.point}"


def of_lines(text):
    """Points that domm-with-faults has passed, each once, in their order."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if len(line.split()) == 4))


def _behind_stopping(points):
    """Those behind STOPPING_POINT, of all points of a migration that succeeds."""
    found, stopping = set(), set()
    for point in points:
        end, _, what, _ = point.split()
        if what == _STOPPING[end]:
            stopping.add(end)
        if end in stopping and point != STOPPING_POINT:
            found.add(point)
    return found


def cases(points, kinds, pattern, first=()):
    """All kinds at all points whose case, as text, the regular expression matches. points: those of a
    migration that succeeds; or, with faults that come first, those of what takes it back, all of them
    behind STOPPING_POINT."""
    late = set(points) if first else _behind_stopping(points)
    found = [Case(kind, point, first, point in late) for point in points for kind in kinds]
    return [case for case in found if pattern.search(str(case))]


def instants(count, seconds, seed):
    """Kills of either end at random instants of a migration that takes so long."""
    dice = random.Random(seed)
    return [Case("kill", f"{dice.choice(('source', 'destination'))} after {dice.uniform(0, seconds):.2f}")
            for _ in range(count)]
