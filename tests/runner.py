# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the suites and shows a line for each test as it ends. Called by tests/run.

Each suite is a program that speaks TAP. The proof of the main job is what runs without arguments:
units, units with sanitizers, the command line, and of the lab what tests/lab/quick lists."""

import argparse
import itertools
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent
LAB = SOURCE / "tests" / "lab"
BUILD = SOURCE / "build"
SANITIZED = SOURCE / "build-sanitizers"
FAILURES = BUILD / "failures"
LAB_LIMIT_S = 3000
LAST_TEST_MIN = 14  # of a lab, on a machine whose memory others keep busy
LAB_NAMES = (os.environ.get("LAB_NAME", "test"), os.environ.get("LAB_NAME", "test") + "-2")
RESULT = re.compile(r"(?P<not>not )?ok \d+ (?:- )?(?P<name>.*?)(?: in (?P<ms>\d+)ms)?(?P<skip> # skip.*)?$")
# In the order of value, as --all may run out of time: what migrates, what monitors, and the lab itself.
LAB_ORDER = ("86-migrate", "85-crash", "89-soak", "91-recover", "92-faults", "84-not-ready", "88-migrate-more",
             "93-cluster", "94-intro", "87-ambush", "83-pv-target", "70-pair", "72-image", "74-kernel-watch",
             "75-memory", "95-hostile-monitor", "80-ids", "81-decoy", "79-follow", "71-verdicts", "73-confined",
             "76-escalation", "82-kernel-check", "50-domm", "77-counters", "78-block", "10-hosts", "20-guests",
             "40-fault", "30-snapshot", "90-other-hypervisors")
# What keeps one CPU of this machine busy, not both as a migration does: two of these run at a time, each
# in its own lab.
ONE_CPU = {"10-hosts", "20-guests", "30-snapshot", "40-fault", "50-domm", "70-pair", "71-verdicts", "72-image",
           "73-confined", "74-kernel-watch", "75-memory", "76-escalation", "77-counters", "78-block",
           "79-follow", "80-ids", "81-decoy", "82-kernel-check", "95-hostile-monitor"}

started = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - started:5.0f} s] {text}", flush=True)


class Suites:
    """Runs suites and keeps what became of their tests. tap may be called by several threads."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.times = []
        self.failures = []
        self.suite_times = []
        self.children = set()
        self.interrupted = False
        self.last_begin = float("inf")  # of a test of the lab, in seconds from the start
        self.counting = threading.Lock()
        self.at_end = lambda: None

    def _start(self, command, **options):
        if self.interrupted:
            sys.exit()  # of this thread
        child = subprocess.Popen(command, text=True, errors="replace", stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
                                 **options)
        self.children.add(child)
        return child

    def interrupt(self):
        """Ends what runs, and lets nothing else begin."""
        self.interrupted = True
        for child in self.children.copy():
            self._end(child)

    @staticmethod
    def _end(child):
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)

    def too_late(self):
        return time.monotonic() - started > self.last_begin

    def skip(self, suite, tests):
        say(f"skip {suite}: the time is over for {tests} of its tests")
        with self.counting:
            self.skipped += tests

    def tap(self, suite, command, cwd=BUILD, limit_s=600, may_be_late=False, **env):
        """Runs a program that speaks TAP, for no longer than its limit. A test that it planned and did
        not run has failed, but for those that would begin too late where this may be."""
        start = last = time.monotonic()
        planned = seen = failed = 0
        ended = False
        child = self._start(command, cwd=cwd, bufsize=1, env={**os.environ, **env})
        overdue = threading.Timer(limit_s, os.killpg, (child.pid, signal.SIGKILL))
        overdue.start()
        for line in child.stdout:
            line = line.rstrip("\n")
            plan = re.match(r"1\.\.(\d+)", line)
            result = RESULT.match(line)
            if plan:
                planned = int(plan[1])
            elif result:
                now = time.monotonic()
                seconds = int(result["ms"]) / 1000 if result["ms"] else now - last
                last = now
                seen += 1
                failed += self._count(suite, result, seconds)
                if may_be_late and seen < planned and self.too_late():
                    ended = True
                    self._end(child)
                    break
            elif line:
                print(f"    {suite}: {line}", flush=True)
        status = child.wait()
        self.children.discard(child)
        if not overdue.is_alive():
            say(f"{suite}: killed after {limit_s} s")
        overdue.cancel()
        missing = max(planned - seen, 0)
        if ended:
            self.skip(suite, missing)
        elif missing or (status and not failed) or not seen:
            say(f"FAIL {suite}: ended with {status} after {seen} of {planned} tests")
            with self.counting:
                self.failed += max(missing, 1)
            self.failures.append(f"{suite}: {max(missing, 1)} that did not run")
        self.suite_times.append((time.monotonic() - start, suite))

    def _count(self, suite, result, seconds):
        bad = bool(result["not"] or result["skip"])  # a proof that is skipped is none
        with self.counting:
            self.passed += not bad
            self.failed += bad
        self.times.append((seconds, f"{suite}: {result['name']}"))
        if bad:
            self.failures.append(f"{suite}: {result['name']}")
        say(f"{'FAIL' if bad else 'ok  '} {suite}: {result['name']} ({seconds:.1f} s)")
        return bad

    def step(self, what, command, cwd=SOURCE):
        """Runs a command whose failure ends everything; shows its output only then."""
        say(what)
        child = self._start(command, cwd=cwd)
        output = child.communicate()[0]
        self.children.discard(child)
        if child.returncode:
            print(output)
            say(f"FAIL {what}")
            self.failed += 1
            self.close()

    def close(self):
        """Ends what still runs, prints the summary and ends the program."""
        self.at_end()
        if self.suite_times:
            say("suites: " + ", ".join(f"{name} {seconds:.0f} s" for seconds, name in self.suite_times
                                       if seconds > 5))
            say("the slowest tests:")
            for seconds, name in sorted(self.times, reverse=True)[:10]:
                print(f"    {seconds:6.1f} s  {name}")
        if self.failures:
            say("failed:")
            print("".join(f"    {name}\n" for name in self.failures), end="")
        if self.skipped:
            say(f"{self.skipped} skipped, as the time was over; without --within they run")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(self.failed != 0)


def build(suites, directory, *options):
    directory.mkdir(exist_ok=True)
    if not (SOURCE / "configure").exists():
        suites.step("autoreconf", ["autoreconf", "-fi"])
    if not (directory / "Makefile").exists():
        suites.step(f"configure {' '.join(options)}",
                    ["../configure", "--quiet", "--enable-werror", "CC=ccache gcc", *options], directory)
    jobs = f"-j{os.cpu_count()}"
    for target in ("all", "check-programs"):
        suites.step(f"make {target} in {directory.name}", ["make", jobs, target], directory)


def make_list(variable, directory):
    """What a variable of the Makefile holds."""
    command = ["make", "-s", "--no-print-directory", "print-list", f"LIST={variable}"]
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout.split()


def unit_name(path):
    """test-move, or fuzz/record for a fuzz target, which runs its corpus here."""
    path = pathlib.Path(path)
    return path.name if path.parent.name == "unit" else f"fuzz/{path.name}"


def run_units(suites, directory, names):
    sanitized = directory == SANITIZED
    for unit in make_list("UNIT_TESTS", directory) + make_list("FUZZ_TARGETS", directory):
        name = unit_name(unit)
        if names is None or name in names:
            suites.tap(name + (" (sanitizers)" if sanitized else ""), [directory / unit], directory,
                       CMOCKA_MESSAGE_OUTPUT="TAP", DOMM_BUILD=str(directory), DOMM_SOURCE=str(SOURCE))


def run_bats(suites, name, path, only=None, limit_s=600, may_be_late=False, **env):
    command = ["bats", "--tap", "--timing", *(["--filter", only] if only else []), path]
    suites.tap(name, command, BUILD, limit_s, may_be_late, DOMM_BUILD=str(BUILD), DOMM_SOURCE=str(SOURCE),
               DOMM_FAILURES=str(FAILURES), **env)


def run_command_line(suites, names):
    for path in make_list("CLI_TESTS", BUILD):
        name = "cli/" + pathlib.Path(path).stem
        if names is None or name in names:
            run_bats(suites, name, SOURCE / path)


def quick():
    """{lab file: which of its tests} of tests/lab/quick."""
    lines = (LAB / "quick").read_text().splitlines()
    return dict(line.split(None, 1) for line in lines if line and not line.startswith("#"))


class LabBoot(threading.Thread):
    """Brings the lab up, with a pair, while other tests run; and a copy of it if there is use for two."""

    def __init__(self, twice):
        super().__init__(daemon=True)
        self.log = BUILD / "lab-boot.log"
        self.twice = twice
        self.child = None
        self.status = 0

    def run(self):
        labs_down()
        with open(self.log, "w") as log:
            self._lab(log, LAB_NAMES[0], "watched")
            if self.twice:
                self._lab(log, LAB_NAMES[0], "down")
                self._lab(log, LAB_NAMES[1], "copy", LAB_NAMES[0])

    def _lab(self, log, name, *command):
        if self.status:
            return
        self.child = subprocess.Popen([LAB / "lab", "--lab", name, *command], stdin=subprocess.DEVNULL,
                                      stdout=log, stderr=log)
        self.status = self.child.wait()

    def stop(self):
        if self.child and self.child.poll() is None:
            self.child.terminate()
        labs_down()

    def finish(self, suites):
        if self.is_alive():
            say(f"waiting for the lab to be up, log in {self.log}")
        self.join()
        if self.status:
            print(self.log.read_text())
            say("FAIL the lab does not come up")
            suites.failed += 1
            suites.close()


def lab_down(name):
    subprocess.run([LAB / "lab", "--lab", name, "down"], stdin=subprocess.DEVNULL, check=False)


def labs_down():
    for name in (*LAB_NAMES, "other"):
        lab_down(name)


def run_lanes(lanes):
    """Each keeps about one CPU busy."""
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()


def run_lab(suites, wanted):
    """The files of `wanted`, in their order: those of ONE_CPU that follow each other in two labs at a time."""

    def take(names, lab):
        while names:
            name = names.pop(0)
            path, only = LAB / f"{name}.bats", wanted[name]
            if suites.too_late():
                suites.skip(name, sum(line.startswith("@test") for line in path.read_text().splitlines()))
                continue
            run_bats(suites, name, path, None if only == "all" else only, LAB_LIMIT_S, True, LAB_NAME=lab)
        lab_down(lab)  # which takes a fifth of a CPU when nobody uses it

    for one_cpu, group in itertools.groupby(wanted, ONE_CPU.__contains__):
        names = list(group)
        labs = LAB_NAMES if one_cpu and len(names) > 1 else LAB_NAMES[:1]
        run_lanes([threading.Thread(target=take, args=(names, lab)) for lab in labs])


def main():
    labs = {p.stem for p in LAB.glob("*.bats")}
    parser = argparse.ArgumentParser(
        prog="tests/run", description="Runs the tests. Without arguments: the proof of the main job.",
        epilog="A NAME is units, sanitizers, cli, lab, a unit test (test-move), a file of the command line "
               "(cli/help) or of the lab (86-migrate). Lab files: " + " ".join(sorted(labs)))
    parser.add_argument("--all", action="store_true", help="run every test, in the order of value")
    parser.add_argument("--within", type=int, metavar="MINUTES",
                        help=f"begin no test of the lab in the last {LAST_TEST_MIN} of so many minutes, but skip it")
    parser.add_argument("names", nargs="*", metavar="NAME", help="run only these")
    args = parser.parse_args()
    suites = Suites()
    if args.within:
        suites.last_begin = 60 * (args.within - LAST_TEST_MIN)

    def interrupted(signum, _frame):
        say("interrupted: ending the tests and the lab")
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        suites.interrupt()
        suites.at_end()
        print(f"{suites.passed} passed, {suites.failed + 1} failed", flush=True)
        os._exit(128 + signum)

    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, interrupted)
    run(suites, args, labs)
    suites.close()


def run(suites, args, labs):
    names = set(args.names)
    everything = not names
    wanted = quick() if everything and not args.all else \
        {name: None for name in LAB_ORDER if everything or "lab" in names or name in names}
    build(suites, BUILD)
    units = {unit_name(u) for u in make_list("UNIT_TESTS", BUILD) + make_list("FUZZ_TARGETS", BUILD)}
    command_line = {"cli/" + pathlib.Path(p).stem for p in make_list("CLI_TESTS", BUILD)}
    unknown = names - labs - units - command_line - {"units", "sanitizers", "cli", "lab"}
    if unknown:
        sys.exit(f"tests/run: no tests are called {', '.join(sorted(unknown))}; see tests/run --help")

    boot = None
    if wanted:
        suites.step("programs of the lab", ["make", "lab-programs"], BUILD)
        boot = LabBoot(twice=len(ONE_CPU & wanted.keys()) > 1)
        suites.at_end = boot.stop
        boot.start()
    if everything or "units" in names or names & units:
        run_units(suites, BUILD, None if everything or "units" in names else names)
    lanes = []
    if everything or "sanitizers" in names:
        build(suites, SANITIZED, "--enable-sanitizers")
        lanes.append(threading.Thread(target=run_units, args=(suites, SANITIZED, None)))
    if everything or "cli" in names or names & command_line:
        lanes.append(threading.Thread(target=run_command_line,
                                      args=(suites, None if everything or "cli" in names else names)))
    run_lanes(lanes)
    if boot:
        boot.finish(suites)
        run_lab(suites, wanted)


if __name__ == "__main__":
    main()
