#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The file server's disk (root.img), its kernel and initrd: plain Debian with an NFS
# server that exports one root file system per guest.
# Environment: out, recipes, lab_keys; guest: directory of the guests' root.tar;
# guests: their names.
set -eu
. "$recipes/common.sh"

bootstrap bookworm all \
	'linux-image-amd64 initramfs-tools systemd-sysv udev kmod openssh-server iproute2
	iputils-ping procps nfs-kernel-server tcpdump socat dnsmasq-base' \
	--essential-hook="$(initrd 'virtio_pci virtio_blk ext4')" \
	--customize-hook="sync-in $recipes/machine /" \
	--customize-hook="sync-in $recipes/filer /" \
	--customize-hook="$recipes/machine-hook \"\$1\" '$lab_keys'" \
	--customize-hook='mkdir -p "$1/srv/guests"' \
	--customize-hook='echo "/dev/vda / ext4 noatime 0 1" > "$1/etc/fstab"' \
	--customize-hook='chroot "$1" systemctl -q enable systemd-networkd.service' \
	--customize-hook='cp -L "$1/vmlinuz" "$1/initrd.img" '"$out"
unpack "$out/root.tar" "$out/root"
rm "$out/root.tar"
for name in $guests; do
	unpack "$guest/root.tar" "$out/root/srv/guests/$name"
done
# The kernel asks these to end a target; its init is BusyBox.
for name in $guests; do
	case $name in target*) as_root sh -c "cd '$out/root/srv/guests/$name/sbin' && ln -sf /bin/busybox poweroff &&
		ln -sf /bin/busybox reboot && ln -sf /bin/busybox halt" ;; esac
done
make_disk "$out/root" 12G
