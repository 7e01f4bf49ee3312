# SPDX-License-Identifier: GPL-3.0-or-later
"""The program behind tests/lab/faults/matrix. It prints TAP, and then a table."""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time

from ..base import HOME, LabError, SOURCE, say
from ..lab import Lab
from . import points, trial
from .points import DEFAULT_KINDS, KINDS, LATE_FAILURE


def _kinds(text):
    kinds = text.split(",")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no kind '{unknown[0]}'; there are {', '.join(KINDS)}")
    return kinds


def _parser():
    p = argparse.ArgumentParser(
        prog="matrix", description="Migrates the lab's pair again and again from one snapshot, each time with one "
        "fault; has domm recover settle what is left, and checks that exactly one copy of each guest runs, monitored "
        "and with its memory intact, and that nothing is left behind.",
        epilog="Kinds: " + "; ".join(f"{kind}: {text}" for kind, text in KINDS.items()) + ".")
    p.add_argument("cases", nargs="?", default="", type=re.compile, metavar="REGEX",
                   help="only cases that it matches: KIND END WHEN WHAT GUEST, as \"kill source after stop 1\"")
    p.add_argument("--kinds", type=_kinds, default=list(DEFAULT_KINDS), metavar="KIND,…",
                   help=f"faults to try at each point (default: {','.join(DEFAULT_KINDS)})")
    p.add_argument("--undo", action="store_true",
                   help=f"have it {LATE_FAILURE}, and put the faults into what takes it back")
    p.add_argument("--random", type=int, metavar="N", help="instead: kill either end at N random instants")
    p.add_argument("--seed", type=int, default=1, help="of the instants (default: 1)")
    p.add_argument("--minutes", type=float, help="begin no case later than this")
    p.add_argument("--list", action="store_true", help="list the cases and try none")
    p.add_argument("--to", type=pathlib.Path, metavar="DIRECTORY",
                   default=SOURCE / "build" / "faults" / time.strftime("%Y%m%d-%H%M%S"),
                   help="for the results (default: build/faults/TIME)")
    return p


def _choose(lab, args):
    trial.bring_up(lab)
    text, seconds = trial.points_passed(lab)
    passed, first = points.of_lines(text), ()
    say(f"{len(passed)} points are passed without a fault, in {seconds:.0f} s")
    if args.random:
        return points.instants(args.random, seconds, args.seed)
    if args.undo:
        first = (LATE_FAILURE,)
        passed = [point for point in points.of_lines(trial.points_passed(lab, first)[0]) if point not in passed]
    chosen = points.cases(passed, args.kinds, args.cases, first)
    if not chosen:
        raise LabError(f"no case matches '{args.cases.pattern}'; --list shows them")
    return chosen


def _keep_stopping(lab, chosen):
    """It costs a migration, so it pays only if several cases may begin there."""
    may = sum(case.late or case.seconds is not None for case in chosen)
    return trial.keep_stopping(lab) if may > 1 else None


def _try_all(lab, args):
    results, begun = [], time.monotonic()
    chosen = _choose(lab, args)
    stopping_after = None if args.list else _keep_stopping(lab, chosen)
    print(f"1..{len(chosen)}", flush=True)
    for number, case in enumerate(chosen, 1):
        if args.list:
            print(f"ok {number} {case} # skip", flush=True)
            continue
        if args.minutes and time.monotonic() > begun + 60 * args.minutes:
            print(f"ok {number} {case} # skip no time for it", flush=True)
            continue
        result = trial.try_case(lab, case, args.to, stopping_after)
        results.append(result)
        args.to.mkdir(parents=True, exist_ok=True)
        (args.to / "results.json").write_text(json.dumps(results, indent=1))
        print(f"{'not ok' if result['violations'] else 'ok'} {number} {case} in {result['seconds']}s", flush=True)
        if case.seconds is not None and result["happened"] is False:
            print("# it met no process: the migration was over, or had not reached that end", flush=True)
        for line in result["violations"]:
            print("# " + line.replace("\n", "\n# "), flush=True)
    return results


def table(results):
    """The results for a reader, as Markdown."""
    lines = ["| fault | exit code | the pair is then at | domm recover said | s | holds |",
             "| --- | --- | --- | --- | --- | --- |"]
    for r in results:
        lines.append(f"| {r['case']} | {r['code']} | {r['home'] or 'none'} | {'; '.join(r['recovered']) or 'nothing'} | "
                     f"{r['seconds']} | {'NO' if r['violations'] else 'yes'} |")
    return "\n".join(lines)


def main():
    parser = _parser()
    args = parser.parse_args()
    if args.random and (args.cases.pattern or args.undo):
        parser.error("--random takes neither an expression nor --undo: it has no points")
    lab = Lab(os.environ.get("LAB_NAME", "test"))
    HOME.mkdir(parents=True, exist_ok=True)
    try:
        with lab.locked():
            try:
                lab.up({"host1": "current", "host2": "current"}, 1, 2048)
                results = _try_all(lab, args)
            finally:
                lab.down()
    except (LabError, subprocess.SubprocessError, OSError) as e:
        print(f"matrix: error: {e}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        say(f"interrupted; what was tried: {args.to}")
        sys.exit(130)
    if results:
        print(table(results))
    sys.exit(any(r["violations"] for r in results))


if __name__ == "__main__":
    main()
