# SPDX-License-Identifier: GPL-3.0-or-later
"""What is needed to understand a failure, of one machine."""

import shutil
import subprocess

# Each is bounded: the machine may be what has failed.
OF_ALL = {"journal": "journalctl -b -o short-precise --no-pager", "dmesg": "dmesg", "processes": "ps axf"}
OF_HOSTS = {
    "xl-dmesg": "xl dmesg",
    "domains": "xl list -v; domm --json list; domm --json monitor-status",
    "xenstore": "xenstore-ls -f",
    "migrations": "tail -n +1 /var/lib/domm/migrations/*/journal /var/lib/domm/migrations/*/report.json /run/m.*",
    "network": "ip -s link; for d in $(ls /sys/class/net); do tc -s filter show dev $d ingress; done",
    "guests": "tail -n +1 /var/log/xen/console/*.log",
}


def collect(machine, directory):
    """Writes files named after the machine into the directory."""
    for path in (machine.serial, machine.log):
        if path.exists():
            shutil.copy(path, directory / f"{machine.name}-{path.name}")
    if not machine.pid():
        return
    for name, command in (OF_ALL | OF_HOSTS if machine.is_host else OF_ALL).items():
        with open(directory / f"{machine.name}-{name}", "w") as file:
            try:
                subprocess.run([*machine.ssh_command(), command], stdin=subprocess.DEVNULL, stdout=file,
                               stderr=file, timeout=60)
            except subprocess.TimeoutExpired:
                file.write("\n(nothing more within 60 s)\n")
