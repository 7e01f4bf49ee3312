# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what programs of the lab print, and makes the figures of one run of it. Pure.

A run is a flat dictionary: times in ms, sizes in MB (10^6 bytes); None is what was not measured."""

import json
import re

REPLY = re.compile(r"^\[(\d+\.\d+)\] \d+ bytes from ", re.M)
ENDED = re.compile(r"^BENCH (\d+) (\d+)[.,](\d+) (\d+)[.,](\d+)$", re.M)
PARTS = ("precopy", "suspend", "final_copy", "restore", "resume", "wait_to_stop", "downtime", "ready")
MARKS = ("copy", "converged", "stop", "stopped", "sent", "restored", "resumed", "ready")


class Unmeasured(Exception):
    """A figure is missing; the text says which, and why."""


def longest_gap(pings, began, ended):
    """From the output of ping -D: when the longest time without an answer began, and how long it was,
    in seconds. Answers are needed from before the migration began until after it ended."""
    times = [float(time) for time in REPLY.findall(pings)]
    if not times or times[0] > began:
        raise Unmeasured("no answer to pings before the migration")
    if times[-1] < ended:
        raise Unmeasured(f"no answer to pings after {times[-1] - began:.1f} s of a migration of {ended - began:.1f} s")
    length, begin = max((after - before, before) for before, after in zip(times, times[1:]))
    return begin, length


def timed(command):
    """The shell command with a last line that command_result reads."""
    return f"begin=$EPOCHREALTIME\n{command}\ncode=$? end=$EPOCHREALTIME\necho; echo BENCH $code $begin $end"


def command_result(output):
    """Of what timed() runs: exit code, and when it began and ended, in seconds."""
    found = ENDED.search(output)
    if not found:
        raise Unmeasured("the migration's command did not end:\n" + output[-500:])
    code, *times = found.groups()
    return int(code), float(".".join(times[:2])), float(".".join(times[2:]))


def report(output):
    """domm's report, from what domm --json migrate prints."""
    for line in output.splitlines():
        if line.startswith("{") and '"event":"report"' in line.replace(" ", ""):
            return json.loads(line)
    raise Unmeasured("domm migrate printed no report")


def _ms(ns):
    return None if ns is None else ns / 1e6


def of_report(told):
    """The figures that domm itself tells."""
    run = {"report_total_ms": _ms(told["total_ns"]), "ptes": told["ptes"]}
    for guest in told["guests"]:
        role = guest["role"]
        run[f"{role}_rounds"] = guest["rounds"]
        run[f"{role}_sent_mb"] = guest["bytes"] / 1e6
        run[f"{role}_final_mb"] = guest["final_bytes"] / 1e6
        for part in PARTS:
            run[f"{role}_{part}_ms"] = _ms(guest.get(f"{part}_ns"))
        for mark in MARKS:
            run[f"{role}_{mark}_at_ms"] = _ms(guest["marks"][f"{mark}_ns"])
        if role == "target":
            run["unmonitored_cpu_ms"] = _ms(guest["unmonitored_cpu_ns"])
            run["unmonitored_wall_ms"] = _ms(guest["unmonitored_wall_ns"])
    return run


def of_pings(role, pings, began, ended, ahead):
    """began, ended: when the migration did, by a clock to which the pinging machine's is `ahead`, in s."""
    begin, length = longest_gap(pings, began + ahead, ended + ahead)
    return {f"{role}_ping_ms": length * 1000, f"{role}_gap_at_ms": (begin - ahead - began) * 1000}


def of_guest_clock(role, said, ahead):
    """said: the output of longest-gap. The guest takes its suspend for as long as the two hosts' clocks
    say, so it is too long by what the destination's is `ahead`, in s."""
    try:
        return {f"{role}_clock_ms": int(said.split()[0]) / 1e6 - ahead * 1000}
    except (IndexError, ValueError):
        raise Unmeasured(f"the {role}'s clock: '{said.strip()[-200:]}'") from None


def of_dom0s(source, destination):
    """What dom0-cost printed on both hosts."""
    source, destination = json.loads(source), json.loads(destination)
    return {
        "wire_mb": source["sent_bytes"] / 1e6,
        "source_cpu_s": source["cpu_s"], "destination_cpu_s": destination["cpu_s"],
        "dom0_cpu_s": source["cpu_s"] + destination["cpu_s"],
        "source_memory_mb": source["memory_kb"] * 1.024 / 1000,
        "destination_memory_mb": destination["memory_kb"] * 1.024 / 1000,
    }
