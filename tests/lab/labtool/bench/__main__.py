# SPDX-License-Identifier: GPL-3.0-or-later
"""The program behind tests/lab/bench/pair."""

import os
import subprocess
import sys
import time

from ..base import HOME, LabError, say
from . import draw, show, summary
from .settings import parser, settings


def _rounds(chosen, begun):
    """Numbers of rounds, for as long as another one probably ends in time."""
    longest = 0
    for number in range(1, chosen.runs + 1):
        start = time.monotonic()
        if chosen.minutes and start + longest > begun + chosen.minutes * 60:
            say(f"no time for round {number} within {chosen.minutes} minutes")
            return
        yield number
        longest = max(longest, time.monotonic() - start)


def _measure_size(lab, chosen, size, runs, directory):
    from . import run, stage
    try:
        stage.add_monitor(lab, chosen, size)
    except LabError as e:
        runs.append({"monitor_mib": size, "kind": "domm create", "round": 0, "failure": str(e)})
        say(f"no monitor of {size} MiB: {e}")
        return
    for number in _rounds(chosen, time.monotonic()):
        for kind in chosen.kinds:
            runs.append(run.measure(lab, chosen, size, kind, number, directory))
            show.write(directory, chosen, runs)


def _measure(chosen, directory):
    from . import stage
    from ..lab import Lab
    lab, runs = Lab(os.environ.get("LAB_NAME", "bench")), []
    HOME.mkdir(parents=True, exist_ok=True)
    with lab.locked():
        try:
            stage.bring_up(lab, chosen)
            for size in chosen.sizes:
                _measure_size(lab, chosen, size, runs, directory)
        finally:
            lab.down()
    show.write(directory, chosen, runs)
    return runs


def main():
    args = parser().parse_args()
    directory = args.show or args.to
    try:
        if args.show:
            chosen, runs = show.read(directory)
        else:
            chosen = settings(args)
            runs = _measure(chosen, directory)
    except (LabError, subprocess.SubprocessError, OSError) as e:
        print(f"pair: error: {e}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        say(f"interrupted; runs that were over: {directory}")
        sys.exit(130)
    problem = draw.write(directory, chosen, runs)
    say(problem or f"results and pictures: {directory}")
    show.say_all(chosen, runs)
    sys.exit(any(summary.failed(r) for r in runs))


if __name__ == "__main__":
    main()
