#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guests' root file system (root.tar, laid out on the filer), kernel and initrd.
# Environment: out, recipes, lab_keys.
set -eu
. "$recipes/common.sh"

cc -O2 -Wall -Wextra -Werror -static -o "$out/ticker" "$recipes/../guest/ticker.c"
# What boots from NFS needs little in its initrd, and a small one unpacks fast under emulation.
initrd='mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d" &&
printf "MODULES=list\nBOOT=nfs\nCOMPRESS=gzip\n" > "$1/etc/initramfs-tools/conf.d/lab" &&
printf "xen-netfront\nxen-blkfront\nnfs\nnfsv3\naf_packet\n" > "$1/usr/share/initramfs-tools/modules.d/lab"'
# No udev daemon in the guests: devtmpfs has all they need. So the getty is the one that
# does not wait for a device unit.
bootstrap bookworm all \
	'linux-image-amd64 initramfs-tools systemd-sysv udev kmod openssh-server iproute2
	iputils-ping procps nfs-common tcpdump xenstore-utils libxenstore4 libsystemd0 libfuse3-3
	libjson-c5' \
	--essential-hook="$initrd" \
	--customize-hook="sync-in $recipes/machine /" \
	--customize-hook="sync-in $recipes/guest /" \
	--customize-hook="$recipes/machine-hook \"\$1\" '$lab_keys'" \
	--customize-hook="upload $out/ticker /usr/local/sbin/ticker" \
	--customize-hook='chmod 755 "$1/usr/local/sbin/ticker"' \
	--customize-hook='chroot "$1" systemctl -q enable ticker.service console-getty.service' \
	--customize-hook='rm "$1"/etc/systemd/network/*; for unit in systemd-networkd.service systemd-networkd.socket systemd-resolved.service rpcbind.service rpcbind.socket systemd-udevd.service systemd-udev-trigger.service systemd-udevd-control.socket systemd-udevd-kernel.socket serial-getty@.service; do ln -sf /dev/null "$1/etc/systemd/system/$unit"; done' \
	--customize-hook='cp -L "$1/vmlinuz" "$1/initrd.img" '"$out"
rm "$out/ticker"
