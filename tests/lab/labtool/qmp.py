# SPDX-License-Identifier: GPL-3.0-or-later
"""QEMU Machine Protocol: one command, one short connection (docs/interop/qmp-spec of QEMU)."""

import json
import socket

from .base import LabError


def qmp(path, command, timeout=60, **arguments):
    """Runs one QMP command through the socket at path and returns its result."""
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout)
            s.connect(str(path))
            stream = s.makefile("rw")
            json.loads(stream.readline())  # the greeting
            _call(stream, "qmp_capabilities", {})
            return _call(stream, command, arguments)
    except (OSError, ValueError) as e:
        raise LabError(f"QEMU does not answer {command} on {path}: {e}") from e


def ask(path, line, timeout=120):
    """Runs a line of QEMU's human monitor and returns what it prints."""
    return qmp(path, "human-monitor-command", timeout, **{"command-line": line})


def monitor(path, line):
    """Runs a line of QEMU's human monitor that prints nothing unless it fails."""
    text = ask(path, line)
    if text.strip():
        raise LabError(f"QEMU refused '{line}': {text.strip()}")


def _call(stream, command, arguments):
    stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    stream.flush()
    while True:
        answer = json.loads(stream.readline())
        if "error" in answer:
            raise LabError(f"QEMU refused {command}: {answer['error']['desc']}")
        if "return" in answer:
            return answer["return"]
