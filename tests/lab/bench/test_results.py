# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures become medians, ratios, tables and pictures."""

import csv
import io
import json
import pathlib
import tempfile
import unittest
import xml.etree.ElementTree

from labtool.bench import __main__ as program
from labtool.bench import draw, figures, settings, show, summary
from test_figures import REPORT


def run(kind, number, target_ms, **more):
    made = {"monitor_mib": 160, "target_mib": 160, "kind": kind, "round": number, "total_ms": 60_500.0,
            "target_ping_ms": target_ms, "target_gap_at_ms": 40_000.0, "target_clock_ms": target_ms - 10,
            "wire_mb": 340.0, "dom0_cpu_s": 50.0, "source_memory_mb": 12.0, **more}
    if kind != "xl":
        made |= {"monitor_ping_ms": 9000.0, "monitor_gap_at_ms": 41_000.0}
    if kind in ("domm", "no-sync"):
        made |= figures.of_report(REPORT)
    return made


def some_runs():
    return [
        run("xl", 1, 5500.0), run("xl-both", 1, 6000.0, total_ms=110_000.0, wire_mb=400.0), run("domm", 1, 16_000.0),
        run("no-sync", 1, 8000.0),
        run("xl", 2, 5000.0), run("xl-both", 2, 6100.0, total_ms=121_000.0, wire_mb=360.0), run("domm", 2, 11_000.0),
        {"monitor_mib": 160, "target_mib": 160, "kind": "no-sync", "round": 2, "failure": "LabError: it broke"},
        run("xl", 3, 9000.0), run("domm", 3, 12_000.0),
    ]


def small(*words):
    return settings.settings(settings.parser().parse_args(["--small", *words]))


class Summary(unittest.TestCase):
    def test_ratios_are_of_medians_and_without_failures(self):
        told = summary.in_short(small(), some_runs(), 160)
        self.assertEqual(told["downtime_vs_xl"], round(12 / 5.5, 3))
        self.assertEqual(told["downtime_vs_no_sync"], 1.5)
        self.assertEqual(told["total_vs_xl"], round(60.5 / 115.5, 3))
        self.assertEqual(told["bytes_vs_xl"], round(340 / 380, 3))
        self.assertEqual(told["unmonitored_cpu_ms_most"], 0)
        self.assertEqual(told["runs"], {"xl": 3, "xl-both": 2, "domm": 3, "no-sync": 1})
        self.assertEqual(told["failed"], 1)

    def test_what_was_not_measured_is_null(self):
        current = small("--hypervisor", "current")
        runs = [r for r in some_runs() if r["kind"] != "xl-both"]
        told = json.loads(json.dumps(summary.in_short(current, runs, 160)))
        self.assertIsNone(told["total_vs_xl"])
        self.assertIsNone(told["bytes_vs_xl"])
        self.assertIsNotNone(told["downtime_vs_xl"])
        self.assertIsNone(summary.in_short(small(), [], 160)["downtime_vs_xl"])

    def test_the_typical_run_is_the_median_one(self):
        self.assertEqual(summary.typical(summary.good(some_runs(), 160, "domm"))["round"], 3)
        self.assertIsNone(summary.typical([]))


class Show(unittest.TestCase):
    def test_the_table_has_medians_spread_and_each_failure(self):
        text = show.table(small(), some_runs(), 160)
        self.assertRegex(text, r"no answer to pings, s +5\.50 \(5\.00 – 9\.00\) .* 12\.00 \(11\.00 – 16\.00\)")
        self.assertIn("FAILED, and not in the medians: no-sync, round 2: LabError: it broke", text)
        self.assertRegex(text, r"downtime_vs_xl +2\.18")
        self.assertNotIn("left out", text)

    def test_the_table_says_what_is_left_out(self):
        text = show.table(small("--hypervisor", "current"), some_runs(), 160)
        self.assertIn("both at once is left out", text)
        self.assertRegex(text, r"total_vs_xl +0\.5|total_vs_xl +not measured")

    def test_csv_has_all_runs(self):
        rows = list(csv.DictReader(io.StringIO(show.csv_text(some_runs()))))
        self.assertEqual(len(rows), 10)
        self.assertEqual(rows[7]["failure"], "LabError: it broke")
        self.assertEqual(rows[2]["monitor_restore_ms"], "4000.0")

    def test_what_is_written_can_be_read(self):
        with tempfile.TemporaryDirectory() as directory:
            show.write(pathlib.Path(directory) / "new", small(), some_runs())
            self.assertEqual(show.read(pathlib.Path(directory) / "new"), (small(), some_runs()))


class Rounds(unittest.TestCase):
    def test_no_round_is_begun_that_would_end_too_late(self):
        now = [0.0]
        program.time.monotonic, kept = lambda: now[0], program.time.monotonic
        try:
            chosen, seen = small(), []
            chosen.runs = 5
            for number in program._rounds(chosen, 0.0):
                seen.append(number)
                now[0] += 280
        finally:
            program.time.monotonic = kept
        self.assertEqual(seen, [1, 2])


class Draw(unittest.TestCase):
    def test_domms_phases_begin_when_it_has_begun(self):
        phases = draw.boxes(run("domm", 1, 12_000.0))
        self.assertEqual([phase[:2] for phase in phases["target"]], [(10.5 + n, 11.5 + n) for n in range(7)])

    def test_xl_has_one_phase_and_a_guest_that_stayed_none(self):
        self.assertEqual([phase[:2] for phase in draw.boxes(run("xl", 1, 5000.0))["target"]], [(0, 60.5)])
        self.assertEqual(list(draw.boxes(run("xl", 1, 5000.0))), ["target"])

    def test_gnuplot_draws_both_pictures(self):
        if not draw.shutil.which("gnuplot"):
            self.skipTest("there is no gnuplot")
        with tempfile.TemporaryDirectory() as directory:
            self.assertIsNone(draw.write(pathlib.Path(directory), small(), some_runs()))
            for name in ("bars", "timeline-160"):
                text = (pathlib.Path(directory) / f"{name}.svg").read_text()
                self.assertTrue(xml.etree.ElementTree.fromstring(text).tag.endswith("svg"))
                self.assertGreater(len(text), 5000)
