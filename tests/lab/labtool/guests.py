# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's guests: targets (PVH, with the ticker) and monitors (PV), rooted on the filer."""

import shlex

from .base import GUESTS, LabError, in_parallel, say, wait_for

UP_SECONDS = 600
TARGETS = ("target1", "target2")


def guest(name):
    if name not in GUESTS:
        raise LabError(f"no guest '{name}' in the lab; there are {', '.join(GUESTS)}")
    return GUESTS[name]


def xl_config(g, memory, vcpus):
    """The guest's xl.cfg."""
    command_line = (f"root=/dev/nfs nfsroot=10.99.0.3:/srv/guests/{g.name} rw console=hvc0 "
                    f"ip={g.address}::10.99.0.3:255.255.255.0:{g.name}:eth0:off "
                    f"net.ifnames=0 mitigations=off systemd.hostname={g.name}")
    if not g.is_monitor:
        command_line += " init=/usr/local/sbin/init"
    return (f'name = "{g.name}"\nuuid = "{g.uuid}"\ntype = "{g.type}"\n'
            f"memory = {memory}\nvcpus = {vcpus}\n"
            'kernel = "/var/lib/lab/vmlinux"\nramdisk = "/var/lib/lab/initrd.img"\n'
            f'cmdline = "{command_line}"\nvif = [ "mac={g.mac},bridge=xenbr0" ]\n')


def watch_config(g, target, memory=None, memory_only=False, ready_timeout=400):
    """The domm.cfg of a monitor that watches a target: all of it, by a second vif for the mirror, or
    its memory only."""
    text = xl_config(g, memory or g.memory, 1) + f'target = "{target.name}"\nready_timeout = {ready_timeout}\n'
    if memory_only:
        return text
    return (text.replace('bridge=xenbr0" ]', 'bridge=xenbr0", "mac=00:16:3e:d0:33:31" ]') +
            f'mirror = [ "vif=0,to=1" ]\nstorage = [ "nfs=10.99.0.3:/srv/guests/{target.name},max_age=3" ]\n')


def watched(g):
    """The target that a monitor of the lab watches: that of its number."""
    return guest(g.name.replace("domm", "target"))


def configurations():
    """What a snapshot with guests depends on."""
    return {g.name: watch_config(g, watched(g)) if g.is_monitor else xl_config(g, g.memory, 1)
            for g in GUESTS.values()}


def host_of(lab, g):
    """The host a guest runs on, or None."""
    for host in lab.hosts():
        if host.run(f"xl domid {g.name} 2>/dev/null || true").strip():
            return host
    return None


def configure(lab, g, memory=None, vcpus=1):
    """Writes the guest's configuration to /etc/xen/<name>.cfg of both hosts."""
    text = xl_config(g, memory or g.memory, vcpus)
    in_parallel(lambda host: host.run(f"cat > /etc/xen/{g.name}.cfg", input=text), lab.hosts())


def start(lab, g, host, memory=None, vcpus=1):
    """Creates the guest on a host and waits until it can be logged into."""
    there = host_of(lab, g)
    if there:
        raise LabError(f"{g.name} runs on {there.name} already")
    configure(lab, g, memory, vcpus)
    host.run(f"xl create /etc/xen/{g.name}.cfg")
    say(f"{g.name} is created on {host.name}")
    wait_until_up(host, g)
    say(f"{g.name} is up")


def in_guest(host, g, command, **options):
    """Runs a command in the guest, by way of its host."""
    return host.run(f"in-guest {g.name} {shlex.quote(command)}", **options)


def wait_until_up(host, g):
    def why():
        return host.run(f"xl list; tail -n 20 /var/log/xen/console/guest-{g.name}.log", check=False)

    ready = "systemctl is-active -q multi-user.target && echo yes" if g.is_monitor else "pgrep ticker && echo yes"
    wait_for(f"{g.name} on {host.name}: ssh",
             lambda: "yes" in in_guest(host, g, ready, check=False), UP_SECONDS, 2, why)


def watch(lab, g, target):
    """Creates the monitor of a target on host1, and returns when it is ready."""
    host1 = lab.machine("host1")
    host1.run("cat > /etc/xen/watch.cfg", input=watch_config(g, target))
    host1.run("domm create /etc/xen/watch.cfg", timeout=900)
    say(f"{g.name} watches {target.name}")
