#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guests' root file system (root.tar, laid out on the filer), kernel and initrd.
# Environment: out, recipes, lab_keys.
set -eu
. "$recipes/common.sh"

cc -O2 -Wall -Wextra -Werror -static -o "$out/ticker" "$recipes/../guest/ticker.c"
# No udev daemon in the guests: devtmpfs has all they need. So the getty is the one that
# does not wait for a device unit.
bootstrap bookworm all \
	'linux-image-amd64 initramfs-tools systemd-sysv udev kmod openssh-server iproute2
	iputils-ping procps nfs-common tcpdump xenstore-utils libxenstore4 libsystemd0 libfuse3-3
	libjson-c5 aide netbase ngrep yara' \
	--essential-hook="$(initrd 'xen-netfront xen-blkfront nfs nfsv3 af_packet' BOOT=nfs)" \
	--customize-hook="sync-in $recipes/machine /" \
	--customize-hook="sync-in $recipes/guest /" \
	--customize-hook="$recipes/machine-hook \"\$1\" '$lab_keys'" \
	--customize-hook="upload $out/ticker /usr/local/sbin/ticker" \
	--customize-hook='chmod 755 "$1/usr/local/sbin/ticker"' \
	--customize-hook='chroot "$1" systemctl -q enable ticker.service console-getty.service' \
	--customize-hook='rm "$1"/etc/systemd/network/*' \
	--customize-hook="$(masking systemd-networkd.service systemd-networkd.socket \
		rpcbind.service rpcbind.socket systemd-udevd.service systemd-udev-trigger.service \
		systemd-udevd-control.socket systemd-udevd-kernel.socket serial-getty@.service)" \
	--customize-hook='cp -L "$1/vmlinuz" "$1/initrd.img" '"$out"
rm "$out/ticker"
