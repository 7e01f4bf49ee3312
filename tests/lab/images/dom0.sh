#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# dom0's disk (root.img), its kernel and initrd, and the hypervisor (xen.elf).
# Environment: out, recipes, lab_keys; guest: directory of the guests' kernel and initrd;
# suite: the Debian suite; pockets: "all", or "release" for the suite as first released.
set -eu
. "$recipes/common.sh"

case $suite in
bookworm) xen=4.17 libs='libreadline8 libjson-c5 libnl-route-3-200 libssl3 libzstd1 libpopt0' ;;
trixie) xen=4.20 libs='libreadline8t64 libjson-c5 libnl-route-3-200 libssl3t64 libzstd1 libpopt0' ;;
*)
	echo "no recipe for the Debian suite $suite" >&2
	exit 1
	;;
esac
bootstrap "$suite" "$pockets" \
	"linux-image-amd64 initramfs-tools xen-system-amd64 xen-utils-$xen systemd-sysv udev kmod
	openssh-server iproute2 iputils-ping procps less nfs-common tcpdump xenstore-utils python3
	bash-completion strace socat jq rsync dropbear-bin pacemaker pacemaker-cli-utils
	resource-agents $libs" \
	--essential-hook="$(initrd 'virtio_pci virtio_blk ext4')" \
	--customize-hook="sync-in $recipes/machine /" \
	--customize-hook="sync-in $recipes/dom0 /" \
	--customize-hook="$recipes/machine-hook \"\$1\" '$lab_keys'" \
	--customize-hook='mkdir -p "$1/var/lib/lab"' \
	--customize-hook="copy-in $guest/vmlinux $guest/initrd.img /var/lib/lab" \
	--customize-hook='echo "XENCONSOLED_ARGS=--log=guest" > "$1/etc/default/xen"' \
	--customize-hook='mkdir -p "$1/var/log/xen/console"' \
	--customize-hook='echo "/dev/vda / ext4 noatime 0 1" > "$1/etc/fstab"' \
	--customize-hook="$(masking xendomains.service rpcbind.service rpcbind.socket)" \
	--customize-hook='chroot "$1" systemctl -q enable systemd-networkd.service' \
	--customize-hook='chroot "$1" systemctl -q disable corosync.service pacemaker.service' \
	--customize-hook='cp -L "$1/vmlinuz" "$1/initrd.img" '"$out" \
	--customize-hook="zcat \"\$1\"/boot/xen-$xen-amd64.gz > $out/xen.elf"
unpack "$out/root.tar" "$out/root"
rm "$out/root.tar"
make_disk "$out/root" 6G
