# SPDX-License-Identifier: GPL-3.0-or-later
"""Medians, spread and ratios of runs. Pure."""

import statistics

# name: (figure, of this kind, to that of this kind)
RATIOS = {
    "downtime_vs_xl": ("target_ping_ms", "domm", "xl"),
    "downtime_vs_xl_by_clock": ("target_clock_ms", "domm", "xl"),
    "downtime_vs_no_sync": ("target_ping_ms", "domm", "no-sync"),
    "total_vs_xl": ("total_ms", "domm", "xl-both"),
    "bytes_vs_xl": ("wire_mb", "domm", "xl-both"),
    "dom0_cpu_vs_xl": ("dom0_cpu_s", "domm", "xl-both"),
    "monitor_downtime_vs_xl": ("monitor_ping_ms", "domm", "xl-both"),
}


def failed(run):
    return "failure" in run


def good(runs, size, kind):
    """The runs that count."""
    return [r for r in runs if r["monitor_mib"] == size and r["kind"] == kind and not failed(r)]


def spread(runs, figure):
    """(median, least, most) of a figure, or None where no run has it."""
    values = [r[figure] for r in runs if r.get(figure) is not None]
    return (statistics.median(values), min(values), max(values)) if values else None


def ratio(runs, size, name):
    """Of two medians; None if one was not measured."""
    figure, *kinds = RATIOS[name]
    mine, other = (spread(good(runs, size, kind), figure) for kind in kinds)
    return mine[0] / other[0] if mine and other and other[0] > 0 else None


def typical(runs):
    """The run whose target stood still for the median time, or just longer."""
    ordered = sorted(runs, key=lambda r: r["target_ping_ms"])
    return ordered[len(ordered) // 2] if ordered else None


def in_short(settings, runs, size):
    """What is printed as JSON for one size of the monitor."""
    domm = good(runs, size, "domm")
    unmonitored = spread(domm, "unmonitored_cpu_ms")
    memory = spread(domm, "source_memory_mb")

    def rounded(value, digits):
        return None if value is None else round(value, digits)

    return {
        "monitor_mib": size, "target_mib": settings.target, "hypervisor": settings.hypervisor,
        **{name: rounded(ratio(runs, size, name), 3) for name in RATIOS},
        "unmonitored_cpu_ms_most": unmonitored and rounded(unmonitored[2], 3),
        "source_memory_mb": memory and rounded(memory[0], 1),
        "runs": {kind: len(good(runs, size, kind)) for kind in settings.kinds},
        "failed": sum(failed(r) for r in runs if r["monitor_mib"] == size),
    }
