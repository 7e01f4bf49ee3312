# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as a table for people, as CSV and as JSON. Pure but for write()."""

import csv
import dataclasses
import io
import json

from . import summary
from .figures import PARTS
from .settings import KINDS, Settings

# figure: (what it is called, divided by, decimals)
ROWS = {
    "total_ms": ("total, s", 1000, 1),
    "target_ping_ms": ("target: no answer to pings, s", 1000, 2),
    "target_clock_ms": ("target: gap of its clock, s", 1000, 2),
    "monitor_ping_ms": ("monitor: no answer to pings, s", 1000, 2),
    "monitor_clock_ms": ("monitor: gap of its clock, s", 1000, 2),
    "wire_mb": ("sent by the source's LAN port, MB", 1, 1),
    "dom0_cpu_s": ("CPU of both dom0s, s", 1, 1),
    "source_memory_mb": ("memory of the source's dom0, MB", 1, 1),
    "destination_memory_mb": ("memory of the destination's, MB", 1, 1),
    "ptes": ("page-table entries", 1, 0),
    "unmonitored_cpu_ms": ("unmonitored CPU time, ms", 1, 3),
}
WIDTH = 24


def _cell(runs, figure, divisor, decimals):
    found = summary.spread(runs, figure)
    if not found:
        return "-"
    median, least, most = (f"{value / divisor:.{decimals}f}" for value in found)
    return f"{median} ({least} – {most})"


def _line(title, cells):
    return (f"{title:34}" + "".join(f"{cell:>{WIDTH}}" for cell in cells)).rstrip()


def _parts(runs):
    """The parts of domm's migrations, as its reports tell them."""
    yield _line("parts of domm migrate, s", PARTS[:4])
    for role in ("target", "monitor"):
        yield _line(f"  {role}", [_cell(runs, f"{role}_{part}_ms", 1000, 2) for part in PARTS[:4]])
    yield _line("", PARTS[4:])
    for role in ("target", "monitor"):
        yield _line(f"  {role}", [_cell(runs, f"{role}_{part}_ms", 1000, 2) for part in PARTS[4:]])


def table(settings, runs, size):
    """All that was measured with a monitor of one size: median (least – most)."""
    by_kind = [summary.good(runs, size, kind) for kind in settings.kinds]
    lines = [f"Monitor of {size} MiB, {settings.text()}: median (least – most)", "",
             _line("", [KINDS[kind] for kind in settings.kinds]),
             _line("runs", [str(len(of_kind)) for of_kind in by_kind])]
    for figure, (title, divisor, decimals) in ROWS.items():
        lines.append(_line(title, [_cell(of_kind, figure, divisor, decimals) for of_kind in by_kind]))
    lines += ["", *_parts(summary.good(runs, size, "domm")), "", "ratios of medians:"]
    for name, (figure, mine, other) in summary.RATIOS.items():
        value = summary.ratio(runs, size, name)
        text = f"{value:.2f}" if value is not None else "not measured"
        lines.append(f"  {name:28} {text:>12}   {figure}: {KINDS[mine]} / {KINDS[other]}")
    if "xl-both" not in settings.kinds and settings.hypervisor != "shadow":
        lines.append(f"  Xen {settings.hypervisor} cannot live-migrate a PV guest by xl: both at once is left out")
    return "\n".join(lines + [""] + failures(runs, size))


def failures(runs, size):
    """A line for each run that does not count, and its reason."""
    bad = [r for r in runs if r["monitor_mib"] == size and summary.failed(r)]
    return [f"FAILED, and not in the medians: {r['kind']}, round {r['round']}: {r['failure']}" for r in bad]


def csv_text(runs):
    """One line for each run, failed ones included."""
    columns = list(dict.fromkeys(column for r in runs for column in r))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(runs)
    return out.getvalue()


def write(directory, settings, runs):
    """results.json, from which read() takes everything, and runs.csv."""
    directory.mkdir(parents=True, exist_ok=True)
    results = {"settings": dataclasses.asdict(settings), "runs": runs,
               "summary": [summary.in_short(settings, runs, size) for size in settings.sizes]}
    (directory / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (directory / "runs.csv").write_text(csv_text(runs))


def read(directory):
    results = json.loads((directory / "results.json").read_text())
    return Settings(**results["settings"]), results["runs"]


def say_all(settings, runs):
    """Tables of all sizes, then a line of JSON for each: the last line is the last size's."""
    for size in settings.sizes:
        print(table(settings, runs, size))
    for size in settings.sizes:
        print(json.dumps(summary.in_short(settings, runs, size)), flush=True)
