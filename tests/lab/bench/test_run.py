# SPDX-License-Identifier: GPL-3.0-or-later
"""A run on machines that only answer: what is asked of which, in which order, and what a failure becomes."""

import json
import pathlib
import tempfile
import time
import unittest

from labtool.base import LabError
from labtool.bench import run, settings, stage
from test_figures import REPORT, pings


class FakeMachine:
    """Answers like a machine whose domm and xl work, or end with `code`."""

    def __init__(self, name, asked, code):
        self.name, self.asked, self.code = name, asked, code

    def run(self, command, **_):
        self.asked.append((self.name, command))
        if "EPOCHREALTIME" in command and "begin" not in command:
            return f"{time.time() + (0.5 if self.name == 'host2' else 0)}\n"
        if command.startswith("begin="):
            report = json.dumps({"event": "report", **REPORT}).replace(": ", ":") + "\n" if "--json" in command else ""
            return f"{report}\nBENCH {self.code} 1000.000000 1060.500000\n"
        if command.startswith("kill"):
            return '{"cpu_s": 10.0, "sent_bytes": 1000000, "memory_kb": 1000}\n'
        if command.startswith("cat /run/pings"):
            return pings([999.0, 1000.0, 1040.0, 1045.5, 1045.52, 1061.0])
        if "cat /run/longest-gap" in command:
            return "          6000000000\n"
        return "ready\n" if "monitor-status" in command else ""


class FakeLab:
    def __init__(self, code=0):
        self.asked, self.restored = [], []
        self.machines = {name: FakeMachine(name, self.asked, code) for name in ("filer", "host1", "host2")}

    def machine(self, name):
        return self.machines[name]

    def hosts(self):
        return [self.machines["host1"], self.machines["host2"]]

    def restore(self, name):
        self.restored.append(name)


class Run(unittest.TestCase):
    def setUp(self):
        run.time.sleep, self.sleep = lambda _: None, time.sleep
        run.logs.collect, self.collect = lambda machine, to: (to / machine.name).touch(), run.logs.collect
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def tearDown(self):
        run.time.sleep, run.logs.collect = self.sleep, self.collect

    def measure(self, lab, kind, *words):
        chosen = settings.settings(settings.parser().parse_args(["--small", *words]))
        return run.measure(lab, chosen, 160, kind, 1, self.directory)

    def test_domm_has_all_figures(self):
        lab = FakeLab()
        made = self.measure(lab, "domm")
        self.assertNotIn("failure", made)
        self.assertEqual(lab.restored, [stage.snapshot_of(160)])
        self.assertEqual((made["total_ms"], made["wire_mb"], made["dom0_cpu_s"]), (60500, 1, 20))
        self.assertAlmostEqual(made["target_ping_ms"], 40000, delta=1)
        self.assertAlmostEqual(made["monitor_clock_ms"], 5500, delta=50)
        self.assertEqual(made["ptes"], 40960)
        self.assertFalse([c for _, c in lab.asked if "detach" in c])
        self.assertTrue((self.directory / "160-1-domm" / "pings-target1").exists())

    def test_the_load_is_measured_around_the_migration_alone(self):
        lab = FakeLab()
        self.measure(lab, "domm")
        order = [next(i for i, (_, c) in enumerate(lab.asked) if what in c)
                 for what in ("-USR1", "dom0-cost.log", "setsid ping", "begin=", "kill $(cat", "pkill -INT")]
        self.assertEqual(order, sorted(order))

    def test_xl_moves_a_guest_that_is_not_monitored(self):
        lab = FakeLab()
        made = self.measure(lab, "xl")
        self.assertNotIn("failure", made)
        self.assertIn(("host1", "domm detach domm1"), lab.asked)
        self.assertNotIn("monitor_ping_ms", made)
        self.assertNotIn("monitor_clock_ms", made)
        self.assertIn("monitor_clock_ms", self.measure(FakeLab(), "xl-both"))

    def test_xl_by_tcp_has_a_receiver_first(self):
        lab = FakeLab()
        self.measure(lab, "xl", "--data", "tcp")
        commands = [c for _, c in lab.asked]
        self.assertLess(next(i for i, c in enumerate(commands) if "xl-receive" in c),
                        next(i for i, c in enumerate(commands) if "xl-send" in c))

    def test_a_failure_is_kept_with_its_reason_and_all_logs(self):
        made = self.measure(FakeLab(code=7), "domm")
        self.assertIn("exited with 7", made["failure"])
        self.assertNotIn("total_ms", made)
        self.assertTrue((self.directory / "160-1-domm" / "host2").exists())

    def test_a_lab_that_breaks_is_a_failure_of_the_run(self):
        lab = FakeLab()

        def restore(name):
            raise LabError("QEMU does not start")

        lab.restore = restore
        self.assertIn("QEMU does not start", self.measure(lab, "domm")["failure"])

    def test_another_outcome_than_moved_is_a_failure(self):
        REPORT["outcome"] = "held"
        try:
            self.assertIn("'held'", self.measure(FakeLab(), "domm")["failure"])
        finally:
            REPORT["outcome"] = "moved"
