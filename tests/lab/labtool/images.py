# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk images and build roots: made once, kept outside the tree, named by their inputs."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import time

from .base import GUESTS, HOME, HYPERVISORS, LabError, RECIPES, SOURCE, in_parallel, say, tail

KEYS = HOME / "keys"


def make_keys():
    """The lab's ssh key pair and the host key of all its machines; made once."""
    KEYS.mkdir(parents=True, exist_ok=True)
    with open(KEYS / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (KEYS / "known_hosts").exists():
            return
        for name in ("id_ed25519", "ssh_host_ed25519_key"):
            (KEYS / name).unlink(missing_ok=True)
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", KEYS / name]
            subprocess.run(command, check=True)
        public = (KEYS / "ssh_host_ed25519_key.pub").read_text().split()
        (KEYS / "known_hosts").write_text(f"* {public[0]} {public[1]}\n")


def _hash(paths, words):
    digest = hashlib.sha256("\0".join(words).encode())
    for path in sorted(paths):
        digest.update(str(path.relative_to(SOURCE)).encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _files(*names):
    """The recipe's own inputs: named files, and all files below named directories."""
    for name in names:
        path = RECIPES / name
        yield from (p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def _image(name, inputs, env):
    """Directory of the image `name`, built by images/<recipe>.sh unless it is there."""
    recipe = inputs[0]
    words = [f"{k}={v}" for k, v in sorted(env.items())]
    words.append((KEYS / "id_ed25519.pub").read_text())
    key = _hash(_files("common.sh", *inputs), words)
    directory = HOME / "images" / f"{name}-{key}"
    directory.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{directory}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            _build(name, RECIPES / recipe, directory, env)
    return directory


def _build(name, recipe, directory, env):
    part = directory.with_suffix(".part")
    remove(part)
    part.mkdir()
    log = directory.with_suffix(".log")
    say(f"image {name}: building, log in {log}")
    start = time.monotonic()
    with open(log, "w") as out:
        result = subprocess.run(
            [recipe],
            env={**os.environ, **env, "out": str(part), "recipes": str(RECIPES), "lab_keys": str(KEYS),
                 "lab_debs": str(HOME / "debs")},
            stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    if result.returncode:
        raise LabError(f"image {name} could not be built; {log} ends with:\n{tail(log)}")
    part.rename(directory)
    say(f"image {name}: built in {time.monotonic() - start:.0f} s")


def remove(directory):
    """Removes a directory that may hold files of other owners (made in a user namespace)."""
    if directory.exists():
        subprocess.run([*namespace(), "rm", "-rf", directory], check=True)


def namespace(*options):
    """The start of a command that runs as root, in a user namespace unless we are root."""
    if os.geteuid() == 0:
        return ["unshare", *options, "--"] if options else []
    return ["unshare", "--map-auto", "--map-root-user", *options, "--"]


def guest():
    """Kernel, initrd and root file system of the guests."""
    return _image("guest", ["guest.sh", "guest", "guest-hook", "guest-init", "machine", "machine-hook", "../guest/ticker.c"], {})


def filer(guest_dir):
    env = {"guest": str(guest_dir), "guests": " ".join(GUESTS)}
    return _image("filer", ["filer.sh", "filer", "machine", "machine-hook"], env)


def dom0(hypervisor, guest_dir):
    suite, pockets = HYPERVISORS[hypervisor]
    env = {"guest": str(guest_dir), "suite": suite, "pockets": pockets}
    return _image(f"dom0-{hypervisor}", ["dom0.sh", "dom0", "machine", "machine-hook"], env)


def modules():
    """The tests' kernel modules, for the guests' kernel."""
    sources = [f"../guest/{name}" for name in ("Kbuild", "decoy.c", "disguise.c", "escalate.c", "forge.c", "slot.h")]
    return _image("modules", ["modules.sh", *sources], {"guest": str(guest())})


def symbols():
    """The guests' kernel with its symbols; a large download."""
    return _image("symbols", ["symbols.sh"], {"guest": str(guest())})


def build_root(suite):
    """A root directory with what domm's packages need to be built for `suite`."""
    return _image(f"build-{suite}", ["build.sh", "../../../debian/control"], {"suite": suite})


def for_hosts(hypervisors):
    """Images of a whole lab: {"filer": directory, hypervisor: directory, …}."""
    make_keys()
    guest_dir = guest()
    makers = {"filer": lambda: filer(guest_dir)}
    for hypervisor in hypervisors:
        makers[hypervisor] = lambda hypervisor=hypervisor: dom0(hypervisor, guest_dir)
    return dict(in_parallel(lambda item: (item[0], item[1]()), makers.items()))


def overlay(image, disk):
    """A fresh writable disk on top of an image's."""
    disk.unlink(missing_ok=True)
    if shutil.disk_usage(disk.parent).free < 8 << 30:
        raise LabError(f"less than 8 GiB free in {disk.parent}: too little for a machine's disk")
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image / "root.img", disk],
        check=True)
