#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guests' root file system (root.tar, laid out on the filer), kernel and initrd.
# Environment: out, recipes, lab_keys.
set -eu
. "$recipes/common.sh"

cc -O2 -Wall -Wextra -Werror -static -o "$out/ticker" "$recipes/../guest/ticker.c"
# No udev daemon in the guests: devtmpfs has all they need. So the getty is the one that does not
# wait for a device unit. No initrd of initramfs-tools: guest-hook makes one.
bootstrap bookworm all \
	'linux-image-amd64 initramfs-tools systemd-sysv udev kmod dropbear-bin busybox-static iproute2
	iputils-ping procps nfs-common tcpdump xenstore-utils libxenstore4 libsystemd0 libfuse3-3
	libjson-c5 aide netbase ngrep yara' \
	--setup-hook="$(excluding '/usr/lib/udev/hwdb.d/* /etc/kernel/postinst.d/initramfs-tools')" \
	--customize-hook="sync-in $recipes/machine /" \
	--customize-hook="sync-in $recipes/guest /" \
	--customize-hook="$recipes/machine-hook \"\$1\" '$lab_keys'" \
	--customize-hook="$recipes/guest-hook \"\$1\" '$out' '$recipes'" \
	--customize-hook="upload $out/ticker /usr/local/sbin/ticker" \
	--customize-hook='chmod 755 "$1/usr/local/sbin/ticker"' \
	--customize-hook='chroot "$1" systemctl -q enable dropbear.service console-getty.service' \
	--customize-hook='rm "$1"/etc/systemd/network/*'
rm "$out/ticker"
