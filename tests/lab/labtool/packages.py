# SPDX-License-Identifier: GPL-3.0-or-later
"""domm's Debian packages: built per suite in a clean root, installed on the lab's machines."""

import fcntl
import hashlib
import os
import subprocess

from . import images
from .base import GUESTS, HOME, HYPERVISORS, LabError, SOURCE, in_parallel, say, tail

# Not part of the packages; leaving the lab out spares a build after each change of a test.
NOT_PACKAGED = ("tests/lab/", "tests/run", ".ci/", "README.md", "DEVELOPERS.md")


def _sources():
    """The tree's files as they are now, tracked or new, without what is not packaged."""
    out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                         cwd=SOURCE, check=True, capture_output=True, text=True).stdout
    names = [n for n in out.split("\0") if n and not n.startswith(NOT_PACKAGED)]
    return sorted(n for n in names if (SOURCE / n).is_file())


def build(suite):
    """Directory with domm's packages for a suite, built unless the sources are unchanged."""
    root = images.build_root(suite)
    names = _sources()
    digest = hashlib.sha256(str(root).encode())
    for name in names:
        digest.update(name.encode() + b"\0" + (SOURCE / name).read_bytes())
    directory = HOME / "packages" / f"{suite}-{digest.hexdigest()[:16]}"
    directory.parent.mkdir(parents=True, exist_ok=True)
    with open(HOME / "packages" / f"{suite}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            _build(suite, root / "root", names, directory)
    return directory


# Runs in namespaces of its own with $1 as the root: build tools want /proc and /dev.
_IN_ROOT = """
set -e
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
rm -rf "$1/build"
mkdir -p "$1/build/domm" "$2"
tar -x --no-same-owner -C "$1/build/domm"
chroot "$1" sh -c 'cd /build/domm && DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" dpkg-buildpackage -us -uc -b'
cp "$1"/build/*.deb "$2"
"""


def _build(suite, root, names, directory):
    say(f"building domm's packages for {suite}")
    part = directory.with_suffix(".part")
    images.remove(part)
    log = directory.with_suffix(".log")
    tar = subprocess.Popen(["tar", "-c", "--null", "-T", "-"], cwd=SOURCE,
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    command = images.namespace("--mount", "--pid", "--fork") + ["sh", "-c", _IN_ROOT, "sh", root, part]
    with open(log, "w") as out:
        builder = subprocess.Popen(command, stdin=tar.stdout, stdout=out, stderr=out,
                                   env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
        tar.stdout.close()
        tar.stdin.write("\0".join(names).encode())
        tar.stdin.close()
        if builder.wait() or tar.wait():
            raise LabError(f"the packages for {suite} do not build; {log} ends with:\n{tail(log, 30)}")
    part.rename(directory)


def push(lab):
    """Installs domm on both hosts, and domm-guest in the root of every domM."""
    suites = {m.name: HYPERVISORS[m.settings["hypervisor"]][0] for m in lab.hosts()}
    built = {suite: build(suite) for suite in sorted({*suites.values(), "bookworm"})}

    def install(machine):
        if machine.is_host:
            put(machine, _package(built[suites[machine.name]], "domm"), "/var/tmp/domm.deb")
            machine.run("dpkg -i /var/tmp/domm.deb", timeout=300)
            return
        put(machine, _package(built["bookworm"], "domm-guest"), "/var/tmp/domm-guest.deb")
        for g in GUESTS.values():
            if g.type == "pv":
                root = f"/srv/guests/{g.name}"
                machine.run(f"cp /var/tmp/domm-guest.deb {root}/var/tmp && "
                            f"chroot {root} dpkg -i /var/tmp/domm-guest.deb", timeout=300)

    in_parallel(install, [*lab.hosts(), lab.machine("filer")])
    say("domm is installed on " + ", ".join(m.name for m in lab.hosts()))


def _package(directory, name):
    found = sorted(directory.glob(f"{name}_*.deb"))
    if len(found) != 1:
        raise LabError(f"{directory} holds {len(found)} packages {name}, not 1")
    return found[0]


def put(machine, path, remote):
    """Copies a file to a machine."""
    with open(path, "rb") as file:
        result = subprocess.run([*machine.ssh_command(), f"cat > {remote}"], stdin=file,
                                stderr=subprocess.PIPE, text=True, timeout=120)
    if result.returncode:
        raise LabError(f"{machine.name}: cannot copy {path.name} there: {result.stderr.strip()}")
