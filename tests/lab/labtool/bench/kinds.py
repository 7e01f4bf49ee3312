# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands by which the guests are migrated, for the source's shell. Pure."""

TARGET, MONITOR = "target1", "domm1"
MOVED = {"xl": (TARGET,), "xl-both": (TARGET, MONITOR), "domm": (TARGET, MONITOR), "no-sync": (TARGET, MONITOR)}
XL_PORTS = {TARGET: 9001, MONITOR: 9002}


def by_domm(kind):
    return kind in ("domm", "no-sync")


def command(kind, settings, destination):
    """Migrates; its exit code is 0 only if all of it has worked."""
    if by_domm(kind):
        return _domm(kind, settings, destination)
    guests = MOVED[kind]
    starts = [f"{_xl(guest, settings, destination)} >/run/xl.{guest} 2>&1 & {guest}=$!" for guest in guests]
    ends = [f"wait ${guest} || failed=1" for guest in guests]
    shown = " ".join(f"/run/xl.{guest}" for guest in guests)
    return "\n".join(["failed=0", *starts, *ends, f"tail -n 15 {shown}", "(exit $failed)"])


def _domm(kind, settings, destination):
    words = ["domm", "--json", "migrate", "--data", settings.data]
    if settings.load == "dirty":  # which may never converge
        words += ["--timeout", "120", "--on-busy", "force"]
    if kind == "no-sync":
        words = ["DOMM_UNSAFE=1", *words, "--no-sync"]
    return " ".join([*words, MONITOR, destination])


def _xl(guest, settings, destination):
    if settings.data == "tcp":
        return f"xl migrate -s '' {guest} 'bash /run/xl-send {destination} {XL_PORTS[guest]}'"
    return f"xl migrate {guest} {destination}"


def receivers(kind, settings):
    """What has to run at the destination before: xl's end of a plain TCP connection."""
    if by_domm(kind) or settings.data != "tcp":
        return ""
    return "\n".join(
        f"(setsid python3 /run/xl-receive {port} >/run/xl-received.{guest} 2>&1 </dev/null &)\n"
        f"until ss -H -l -t -n 'sport = {port}' | grep -q .; do sleep 0.2; done"
        for guest, port in XL_PORTS.items() if guest in MOVED[kind])
