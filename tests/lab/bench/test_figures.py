# SPDX-License-Identifier: GPL-3.0-or-later
"""What programs of the lab print becomes figures."""

import json
import subprocess
import unittest

from labtool.bench import figures, kinds, settings

REPORT = {
    "version": 1, "outcome": "moved", "total_ns": 60_000_000_000, "ptes": 40960,
    "guests": [
        {"role": role, "name": name, "rounds": 3, "bytes": 170_000_000, "final_bytes": 4_000_000,
         **{f"{part}_ns": (i + 1) * 1_000_000_000 for i, part in enumerate(figures.PARTS)},
         **({"unmonitored_cpu_ns": 0, "unmonitored_wall_ns": 0} if role == "target" else {}),
         "marks": {f"{mark}_ns": (10 + i) * 1_000_000_000 for i, mark in enumerate(figures.MARKS)}}
        for role, name in (("monitor", "domm1"), ("target", "target1"))],
}


def pings(times):
    lines = ["PING 10.99.0.11 (10.99.0.11) 56(84) bytes of data."]
    lines += [f"[{time:.6f}] 64 bytes from 10.99.0.11: icmp_seq={n} ttl=64 time=1.2 ms" for n, time in enumerate(times)]
    return "\n".join(lines) + "\n"


class Pings(unittest.TestCase):
    def test_the_longest_gap_counts(self):
        begin, length = figures.longest_gap(pings([100.0, 100.02, 100.5, 100.52, 105.52, 105.54]), 100.1, 105.5)
        self.assertAlmostEqual(begin, 100.52)
        self.assertAlmostEqual(length, 5.0)

    def test_a_guest_that_never_answers_again_has_no_downtime(self):
        said = pings([1.0, 1.02, 1.3]) + "[3.000000] From 10.99.0.3 icmp_seq=9 Destination Host Unreachable\n"
        with self.assertRaisesRegex(figures.Unmeasured, "no answer to pings after 0.3 s"):
            figures.longest_gap(said, 1.0, 2.0)

    def test_nor_has_one_that_did_not_answer_before(self):
        for said in ("", pings([5.0, 5.02])):
            with self.assertRaisesRegex(figures.Unmeasured, "before"):
                figures.longest_gap(said, 1.0, 2.0)

    def test_it_is_told_from_when_the_command_began_whatever_the_clocks_say(self):
        run = figures.of_pings("target", pings([991.9, 1002.0, 1007.0, 1007.02]), began=990.0, ended=1004.0, ahead=2.0)
        self.assertAlmostEqual(run["target_gap_at_ms"], -100)
        self.assertAlmostEqual(run["target_ping_ms"], 10100)


class Command(unittest.TestCase):
    def shell(self, command):
        return subprocess.run(["bash", "-c", figures.timed(command)], capture_output=True, text=True, check=True).stdout

    def test_its_code_and_times_come_back(self):
        code, begin, end = figures.command_result(self.shell("printf unended; sleep 0.1; (exit 7)"))
        self.assertEqual(code, 7)
        self.assertTrue(0.1 <= end - begin < 5)

    def test_one_that_did_not_end_is_said(self):
        with self.assertRaises(figures.Unmeasured):
            figures.command_result("BENCH 0")


class Reports(unittest.TestCase):
    def test_the_report_is_found_among_events(self):
        output = 'warning\n{"event":"state","state":"copying"}\n' + json.dumps({"event": "report", **REPORT}) + "\n"
        self.assertEqual(figures.report(output)["ptes"], 40960)

    def test_none_is_said(self):
        with self.assertRaises(figures.Unmeasured):
            figures.report('{"event":"state"}\n{')

    def test_each_part_of_each_guest_is_kept(self):
        run = figures.of_report(REPORT)
        for role in ("target", "monitor"):
            for i, part in enumerate(figures.PARTS):
                self.assertEqual(run[f"{role}_{part}_ms"], (i + 1) * 1000)
            self.assertEqual(run[f"{role}_ready_at_ms"], 17000)
        self.assertEqual((run["report_total_ms"], run["unmonitored_cpu_ms"]), (60000, 0))

    def test_what_never_happened_stays_unknown(self):
        told = json.loads(json.dumps(REPORT))
        told["guests"][0]["marks"]["ready_ns"] = None
        told["guests"][0]["downtime_ns"] = None
        run = figures.of_report(told)
        self.assertIsNone(run["monitor_ready_at_ms"])
        self.assertIsNone(run["monitor_downtime_ms"])


class Others(unittest.TestCase):
    def test_the_guests_clock_is_corrected_by_the_hosts(self):
        run = figures.of_guest_clock("target", "          5500000000\n", ahead=0.5)
        self.assertAlmostEqual(run["target_clock_ms"], 5000)

    def test_a_clock_that_cannot_be_read_is_said(self):
        with self.assertRaisesRegex(figures.Unmeasured, "No such file"):
            figures.of_guest_clock("target", "cat: /run/longest-gap: No such file or directory\n", 0)
        with self.assertRaises(figures.Unmeasured):
            figures.of_guest_clock("target", "", 0)

    def test_dom0s_are_added(self):
        source = json.dumps({"cpu_s": 20.5, "sent_bytes": 3_000_000, "memory_kb": 1000})
        destination = json.dumps({"cpu_s": 9.5, "sent_bytes": 1, "memory_kb": 2000})
        run = figures.of_dom0s(source, destination)
        self.assertEqual((run["dom0_cpu_s"], run["wire_mb"]), (30, 3))
        self.assertAlmostEqual(run["source_memory_mb"], 1.024)


class Kinds(unittest.TestCase):
    def settings(self, *words):
        return settings.settings(settings.parser().parse_args(words))

    def run_with(self, settled, kind, codes):
        """Runs the command with an xl that exits with these codes, by guest."""
        xl = (f'xl() {{ (case "$*" in *target1*) exit {codes["target1"]} ;; '
              f'*) exit {codes.get("domm1", 0)} ;; esac); }}\n')
        text = xl + kinds.command(kind, settled, "host2").replace("/run/", "$where/")
        return subprocess.run(["bash", "-c", "where=$(mktemp -d); trap 'rm -r $where' EXIT\n" + text],
                              capture_output=True, text=True).returncode

    def test_both_of_two_xl_have_to_succeed(self):
        small = self.settings("--small")
        self.assertEqual(self.run_with(small, "xl-both", {"target1": 0, "domm1": 0}), 0)
        self.assertEqual(self.run_with(small, "xl-both", {"target1": 0, "domm1": 1}), 1)
        self.assertEqual(self.run_with(small, "xl-both", {"target1": 2, "domm1": 0}), 1)
        self.assertEqual(self.run_with(small, "xl", {"target1": 3}), 1)

    def test_domm_is_told_how(self):
        self.assertEqual(kinds.command("domm", self.settings("--small"), "host2"),
                         "domm --json migrate --data ssh domm1 host2")
        busy = self.settings("--small", "--load", "dirty", "--data", "tls")
        self.assertEqual(kinds.command("no-sync", busy, "host2"),
                         "DOMM_UNSAFE=1 domm --json migrate --data tls --timeout 120 --on-busy force --no-sync "
                         "domm1 host2")

    def test_xl_goes_by_plain_tcp_only_then(self):
        tcp = self.settings("--small", "--data", "tcp")
        self.assertIn("xl-send host2 9002", kinds.command("xl-both", tcp, "host2"))
        self.assertIn("xl-receive 9002", kinds.receivers("xl-both", tcp))
        self.assertNotIn("9002", kinds.receivers("xl", tcp))
        self.assertEqual(kinds.receivers("domm", tcp), "")
        self.assertEqual(kinds.receivers("xl-both", self.settings("--small")), "")

    def test_both_at_once_only_where_xl_can(self):
        self.assertNotIn("xl-both", self.settings("--small", "--hypervisor", "current").kinds)
        self.assertEqual(self.settings("--small").kinds, ["xl", "xl-both", "domm", "no-sync"])

    def test_small_ends_in_time_unless_runs_are_told(self):
        self.assertEqual((self.settings("--small").sizes, self.settings("--small").minutes), ([160], 12))
        self.assertIsNone(self.settings("--small", "--runs", "5").minutes)
        self.assertEqual(self.settings().sizes, [128, 256, 512, 1024])
