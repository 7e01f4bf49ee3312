# SPDX-License-Identifier: GPL-3.0-or-later
"""Which faults are tried, what is seen of what they leave, and the program that causes them."""

import pathlib
import re
import subprocess
import tempfile
import unittest

from labtool.faults import __main__ as program
from labtool.faults import invariant, points, trial

XL = "Name                ID   Mem VCPUs\tState\tTime(s)\n"
READY = '{"monitors": [{"targets": [{"verdict": "ready"}]}]}'


class Machine:
    """Answers commands by what they contain; by nothing, if it is not told of one."""

    def __init__(self, name, **answers):
        self.name = name
        self.answers = {"xl list": XL, "--json jobs": '{"jobs": []}', "userdata": "0", "domm -N": "0", **answers}

    def run(self, command, **_options):
        for part, answer in self.answers.items():
            if part in command:
                return answer(command) if callable(answer) else answer
        return ""


class Lab:
    """host1 has the pair, and all is well, but for what a test says."""

    def __init__(self, host1=None, host2=None, gaps="0"):
        pair = XL + "target1 1 160 1 -b---- 5.0\ndomm1 2 160 1 r----- 5.0\ntarget2 3 160 1 -b---- 5.0\n"
        ticks = iter(range(100, 200))
        self.machines = {
            "host1": Machine("host1", **{"xl list": pair, "userdata": "1", "monitor-status": READY, **(host1 or {})}),
            "host2": Machine("host2", **(host2 or {})),
            "filer": Machine("filer", tail=lambda _: str(next(ticks)), awk=gaps)}

    def hosts(self):
        return [self.machines["host1"], self.machines["host2"]]

    def machine(self, name):
        return self.machines[name]


class Invariant(unittest.TestCase):
    def setUp(self):
        self.patience = invariant.RUN_SECONDS, invariant.READY_SECONDS
        invariant.RUN_SECONDS = invariant.READY_SECONDS = 0

    def tearDown(self):
        invariant.RUN_SECONDS, invariant.READY_SECONDS = self.patience

    def test_a_pair_that_is_well(self):
        self.assertEqual(invariant.violations(Lab()), ("host1", []))

    def test_what_does_not_hold_is_told(self):
        suspended = XL + "target1 1 160 1 ---s-- 5\ndomm1 2 160 1 r----- 5\n"
        cases = (
            ("runs on one host", dict(host2={"xl list": XL + "target1 7 160 1 -b---- 0.1\n"})),
            ("runs on one host", dict(host2={"xl list": XL + "domm1--incoming 7 160 1 --p--- 0\n"})),
            ("runs on one host", dict(host1={"xl list": suspended})),
            ("the pair is ready", dict(host1={"monitor-status": READY.replace("ready", "blind")})),
            ("processes on host2", dict(host2={"pgrep": "4711 domm receive"})),
            ("unfinished on host1", dict(host1={"--json jobs": '{"jobs": [{}]}'})),
            ("files on host2", dict(host2={"/run/domm/abort": "/run/domm/abort-x"})),
            ("vifs on host2", dict(host2={"backend/vif": "9"})),
            ("records on host2", dict(host2={"userdata": "1"})),
            ("do not follow each other", dict(gaps="2")),
            ("migrated again", dict(host1={"domm -N": "domm: error: no\n6"})),
        )
        for text, lab in cases:
            with self.subTest(text):
                self.assertIn(text, "\n".join(invariant.violations(Lab(**lab))[1]))

    def test_after_a_loss_there_is_no_second_copy(self):
        self.assertEqual(invariant.violations_without(Lab(), ())[1], [])
        twice = Lab(host2={"xl list": XL + "target1 7 160 1 -b---- 0\n"})
        self.assertIn("target1 is on both hosts", invariant.violations_without(twice, ("target1",))[1])
        gone = Lab(host1={"xl list": XL, "userdata": "0"})
        self.assertIn("domm1 is gone", invariant.violations_without(gone, ("target1",))[1])
        self.assertEqual(invariant.violations_without(gone, invariant.GUESTS)[1], [])


class Cases(unittest.TestCase):
    def test_points_are_those_that_were_passed(self):
        passed = points.of_lines("source before check 0\nsource after check 0\nnoise\nsource before check 0\n")
        self.assertEqual(passed, ["source before check 0", "source after check 0"])
        chosen = points.cases(passed, ["kill", "cut"], re.compile("cut .* after"))
        self.assertEqual([str(case) for case in chosen], ["cut source after check 0"])

    def test_cases_behind_the_stop_begin_there(self):
        passed = ["source after copy 1", points.STOPPING_POINT, "source after stop 1", "source before send-commit 0",
                  "destination after receive 0", "destination before restore 0", "destination after adopt 0"]
        late = [case.point for case in points.cases(passed, ["kill"], re.compile("")) if case.is_behind_stopping(9)]
        self.assertEqual(late, [passed[2], passed[3], passed[5], passed[6]])
        undo = points.cases(["source before undo-lock 0"], ["kill"], re.compile(""), (points.LATE_FAILURE,))
        self.assertTrue(undo[0].is_behind_stopping(9))
        self.assertTrue(points.Case("kill", "source after 9.50").is_behind_stopping(9.4))
        self.assertFalse(points.Case("kill", "source after 9.50").is_behind_stopping(9.6))

    def test_instants_are_the_same_for_a_seed(self):
        self.assertEqual(points.instants(9, 50, 7), points.instants(9, 50, 7))
        self.assertNotEqual(points.instants(9, 50, 7), points.instants(9, 50, 8))
        self.assertTrue(all(0 <= case.seconds <= 50 for case in points.instants(9, 50, 7)))

    def test_the_table_says_what_does_not_hold(self):
        result = {"case": "kill source after stop 1", "code": "-", "home": "host1", "recovered": ["host1: run here"],
                  "seconds": 82, "violations": []}
        text = program.table([result, {**result, "home": None, "violations": ["x"]}])
        self.assertIn("| kill source after stop 1 | - | host1 | host1: run here | 82 | yes |", text)
        self.assertIn("| none | host1: run here | 82 | NO |", text)


class Program(unittest.TestCase):
    """tests/lab/host/fault, in a directory of its own."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.at = pathlib.Path(directory.name)
        text = (trial.LAB / "host" / "fault").read_text().replace("/run/", f"{self.at}/")
        (self.at / "fault").write_text(text)
        self.plan = self.at / "domm-fault.plan"

    def fault(self, point):
        return subprocess.run(["sh", self.at / "fault", *point.split()]).returncode

    def test_each_line_of_the_plan_happens_once_and_at_its_point(self):
        self.plan.write_text("fail source before send-commit 0\nfail source after undo-stop 1\n")
        self.assertEqual(self.fault("source before send-commit 1"), 0)
        self.assertEqual(self.fault("source before send-commit 0"), 1)
        self.assertEqual(self.fault("source before send-commit 0"), 0)
        self.assertEqual(self.fault("source after undo-stop 1"), 1)
        self.assertEqual(self.plan.read_text(), "")
        self.assertEqual(len((self.at / "domm-fault.points").read_text().splitlines()), 4)

    def test_a_wait_ends_when_it_may(self):
        self.plan.write_text(f"wait {points.STOPPING_POINT}\n")
        waiting = subprocess.Popen(["sh", self.at / "fault", *points.STOPPING_POINT.split()])
        self.addCleanup(waiting.kill)
        while not (self.at / "domm-fault.waits").exists():
            self.assertIsNone(waiting.poll())
        (self.at / "domm-fault.go").touch()
        self.assertEqual(waiting.wait(10), 0)

    def test_without_a_plan_nothing_happens(self):
        self.assertEqual(self.fault("source after stop 1"), 0)

    def test_a_kill_is_the_parents(self):
        self.plan.write_text("kill source after stop 1\n")
        parent = subprocess.run(["sh", "-c", f"sh {self.at}/fault source after stop 1; echo still here"],
                                capture_output=True, text=True)
        self.assertEqual((parent.returncode, parent.stdout), (-9, ""))


if __name__ == "__main__":
    unittest.main()
