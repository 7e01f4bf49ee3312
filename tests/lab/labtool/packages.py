# SPDX-License-Identifier: GPL-3.0-or-later
"""domm's Debian packages: built per suite, installed on the lab's machines.

For this machine's own suite its own tools build them; for another one, those of a build root."""

import fcntl
import hashlib
import os
import platform
import subprocess

from . import images
from .base import GUESTS, HOME, HYPERVISORS, LabError, RECIPES, SOURCE, in_parallel, say, tail

# Not part of the packages; leaving the lab out spares a build after each change of a test.
NOT_PACKAGED = ("tests/lab/", "tests/run", ".ci/", "README.md", "DEVELOPERS.md")
GUESTS_SUITE = "bookworm"


def _sources():
    """The tree's files as they are now, tracked or new, without what is not packaged."""
    out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                         cwd=SOURCE, check=True, capture_output=True, text=True).stdout
    names = [n for n in out.split("\0") if n and not n.startswith(NOT_PACKAGED)]
    return sorted(n for n in names if (SOURCE / n).is_file())


def _is_own(suite):
    """Whether this machine can build for the suite itself: it is of the suite, and either has all
    that is needed or may install it."""
    if platform.freedesktop_os_release().get("VERSION_CODENAME") != suite:
        return False
    has_all = subprocess.run(["dpkg-checkbuilddeps"], cwd=SOURCE, capture_output=True).returncode == 0
    return has_all or os.geteuid() == 0


def _digest():
    digest = hashlib.sha256()
    for name in _sources():
        digest.update(name.encode() + b"\0" + (SOURCE / name).read_bytes())
    return digest.hexdigest()[:16]


def _suites(lab):
    """Of whose packages the lab's machines have some."""
    return sorted({*(HYPERVISORS[m.settings["hypervisor"]][0] for m in lab.hosts()), GUESTS_SUITE})


def version(lab):
    """What names the packages that push would install."""
    return f"{_digest()} {' '.join(_suites(lab))}"


def build(suite):
    """Directory with domm's packages for a suite, built unless the sources are unchanged."""
    directory = HOME / "packages" / f"{suite}-{_digest()}"
    directory.parent.mkdir(parents=True, exist_ok=True)
    with open(HOME / "packages" / f"{suite}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            _build(suite, directory)
    return directory


# Builds in $1/domm what standard input holds, with the compiler's cache $3; packages go to $2.
_BUILD = """
set -e
rm -rf "$1"
mkdir -p "$1/domm" "$2" "$3"
tar -x --no-same-owner -C "$1/domm"
cd "$1/domm"
export PATH=/usr/lib/ccache:$PATH CCACHE_DIR="$3" CCACHE_MAXSIZE=500M
DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=$(nproc)" dpkg-buildpackage -us -uc -b
cp ../*.deb "$2"
"""

# The same in namespaces of its own with $1 as the root: build tools want /proc and /dev.
_BUILD_IN_ROOT = """
set -e
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mkdir -p "$1/packages" "$1/ccache" "$2" "$3"
mount --bind "$2" "$1/packages"
mount --bind "$3" "$1/ccache"
exec chroot "$1" sh -c "$4" sh /build /packages /ccache
"""


def _build(suite, directory):
    part = directory.with_suffix(".part")
    images.remove(part)
    cache = HOME / "ccache"
    if _is_own(suite):
        subprocess.run([RECIPES.parent / "install-missing", "--build-deps", SOURCE], check=True)
        command = ["sh", "-c", _BUILD, "sh", HOME / "build", part, cache]
    else:
        root = images.build_root(suite) / "root"
        command = images.namespace("--mount", "--pid", "--fork") + [
            "sh", "-c", _BUILD_IN_ROOT, "sh", root, part, cache, _BUILD]
    log = directory.with_suffix(".log")
    say(f"building domm's packages for {suite}, log in {log}")
    tar = subprocess.Popen(["tar", "-c", "--null", "-T", "-"], cwd=SOURCE,
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with open(log, "w") as out:
        builder = subprocess.Popen(command, stdin=tar.stdout, stdout=out, stderr=out,
                                   env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
        tar.stdout.close()
        tar.stdin.write("\0".join(_sources()).encode())
        tar.stdin.close()
        if builder.wait() or tar.wait():
            raise LabError(f"the packages for {suite} do not build; {log} ends with:\n{tail(log, 30)}")
    part.rename(directory)


def push(lab):
    """Installs domm on both hosts, and domm-guest in the root of every monitor."""
    install(lab, [*lab.hosts(), lab.machine("filer")])
    note_pushed(lab)


def install(lab, machines):
    """The part of push that concerns these machines: hosts, or the filer, which has the monitors' roots."""
    built = {suite: build(suite) for suite in _suites(lab)}

    def install_on(machine):
        if machine.is_host:
            suite = HYPERVISORS[machine.settings["hypervisor"]][0]
            put(machine, _package(built[suite], "domm"), "/var/tmp/domm.deb")
            machine.run("dpkg -i /var/tmp/domm.deb", timeout=300)
            return
        put(machine, _package(built[GUESTS_SUITE], "domm-guest"), "/var/tmp/domm-guest.deb")
        for g in GUESTS.values():
            if g.is_monitor:
                root = f"/srv/guests/{g.name}"
                machine.run(f"cp /var/tmp/domm-guest.deb {root}/var/tmp && "
                            f"chroot {root} dpkg -i /var/tmp/domm-guest.deb", timeout=300)

    in_parallel(install_on, machines)


def note_pushed(lab):
    lab.pushed.write_text(version(lab))
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
