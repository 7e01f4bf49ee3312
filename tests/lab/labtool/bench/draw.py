# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the results, as programs for gnuplot."""

import shutil
import subprocess

from . import summary
from .settings import KINDS

COLOURS = {"xl": "#999999", "xl-both": "#555555", "domm": "#1f77b4", "no-sync": "#ff7f0e"}
PANELS = {
    "target_ping_ms": ("target does not answer pings, s", 1000),
    "monitor_ping_ms": ("monitor does not answer pings, s", 1000),
    "total_ms": ("total, s", 1000),
    "wire_mb": ("sent by the source, MB", 1),
}
# (from this mark, to that one): what the guest does, and its colour
PHASES = {
    ("copy", "converged"): ("pre-copy", "#9ecae1"),
    ("converged", "stop"): ("waits for the other", "#deebf7"),
    ("stop", "stopped"): ("suspends", "#fdae6b"),
    ("stopped", "sent"): ("final copy", "#e6550d"),
    ("sent", "restored"): ("restore", "#a63603"),
    ("restored", "resumed"): ("waits, stopped", "#d9d9d9"),
    ("resumed", "ready"): ("until ready", "#a1d99b"),
}
XL_RUNS = "#cccccc"
NO_ANSWER = "#000000"


def bars(settings, runs):
    """Medians with least and most, for each size of the monitor and each kind."""
    lines = ["set terminal svg size 1000,800 dynamic background rgb 'white'", "set multiplot layout 2,2",
             "set style data histogram", "set style histogram errorbars gap 1 lw 1",
             "set style fill solid 0.9 border -1", "set grid ytics",
             "set key outside below horizontal maxcols 2", "set xlabel 'monitor, MiB'"]
    for figure, (title, divisor) in PANELS.items():
        lines += [f"$rows_{figure} << END", *_rows(settings, runs, figure, divisor), "END"]
        plots = [f"$rows_{figure} using {2 + 3 * i}:{3 + 3 * i}:{4 + 3 * i}:xtic(1) title '{KINDS[kind]}' "
                 f"lc rgb '{COLOURS[kind]}'" for i, kind in enumerate(settings.kinds)]
        most = max([r[figure] / divisor for r in runs if r.get(figure)], default=1)
        lines += [f"set title '{title}'", f"set yrange [0:{most * 1.1:.4f}]", "plot " + ", \\\n  ".join(plots)]
    return "\n".join(lines + ["unset multiplot", ""])


def _rows(settings, runs, figure, divisor):
    for size in settings.sizes:
        row = [str(size)]
        for kind in settings.kinds:
            found = summary.spread(summary.good(runs, size, kind), figure)
            row += [f"{value / divisor:.4f}" for value in found] if found else ["0", "0", "0"]
        yield " ".join(row)


def boxes(run):
    """What each guest of a run does: {role: [(from, to, colour)]}, in seconds."""
    found = {}
    for role in ("target", "monitor"):
        if run.get(f"{role}_ping_ms") is None:
            continue
        phases = [(run.get(f"{role}_{begin}_at_ms"), run.get(f"{role}_{end}_at_ms"), colour)
                  for (begin, end), (_, colour) in PHASES.items()]
        phases = [p for p in phases if p[0] is not None and p[1] is not None]
        if not phases:  # xl tells no marks
            phases = [(0, run["total_ms"], XL_RUNS)]
        else:  # domm counts from when it has begun
            started = run["total_ms"] - run["report_total_ms"]
            phases = [(started + begin, started + end, colour) for begin, end, colour in phases]
        found[role] = [(begin / 1000, end / 1000, colour) for begin, end, colour in phases]
    return found


def timeline(settings, runs, size):
    """One typical run of each kind, above each other; a black bar is the time without an answer."""
    rows, names = [], []
    for kind in settings.kinds:
        run = summary.typical(summary.good(runs, size, kind))
        for role, phases in (boxes(run) if run else {}).items():
            y = len(names)
            names.append(f'"{KINDS[kind]}: {role}" {y}')
            rows += [f"{begin:.3f} {end:.3f} {y - 0.3:.2f} {y + 0.3:.2f} {int(colour[1:], 16)}"
                     for begin, end, colour in phases]
            begin = run[f"{role}_gap_at_ms"] / 1000
            rows.append(f"{begin:.3f} {begin + run[f'{role}_ping_ms'] / 1000:.3f} {y + 0.32:.2f} {y + 0.4:.2f} "
                        f"{int(NO_ANSWER[1:], 16)}")
    legend = [*PHASES.values(), ("xl migrate", XL_RUNS), ("no answer to pings", NO_ANSWER)]
    plots = ["$rows using (($1+$2)/2):(($3+$4)/2):1:2:3:4:5 with boxxyerror lc rgb variable notitle"]
    plots += [f"NaN with boxes lc rgb '{colour}' title '{text}'" for text, colour in legend]
    return "\n".join([
        f"set terminal svg size 1100,{max(300, 110 + 45 * len(names))} dynamic background rgb 'white'",
        f"set title 'Typical runs, monitor of {size} MiB'", "set style fill solid 1 noborder",
        "set key outside right top", "set xlabel 's since the command began'", "set grid xtics", "set xrange [0:*]",
        f"set yrange [{len(names) - 0.4}:-0.6]", f"set ytics ({', '.join(names)})",
        "$rows << END", *rows, "END", "plot " + ", \\\n  ".join(plots), ""])


def write(directory, settings, runs):
    """bars.svg, and a timeline for each size; returns what could not be drawn."""
    pictures = {"bars": bars(settings, runs)}
    for size in settings.sizes:
        if any(summary.good(runs, size, kind) for kind in settings.kinds):
            pictures[f"timeline-{size}"] = timeline(settings, runs, size)
    if not shutil.which("gnuplot"):
        return "there is no gnuplot (Debian: gnuplot-nox), so nothing is drawn"
    for name, program in pictures.items():
        with open(directory / f"{name}.svg", "w") as out:
            drawn = subprocess.run(["gnuplot"], input=program, text=True, stdout=out, stderr=subprocess.PIPE)
        if drawn.returncode:
            return f"gnuplot cannot draw {name}: {drawn.stderr.strip()}"
    return None
