# SPDX-License-Identifier: GPL-3.0-or-later
# Shared by the image recipes: where packages come from, how a root file system
# becomes a disk. Sourced; the caller has set -eu and these variables:
#   out       directory the results go to
#   recipes   this directory
#   lab_keys  directory with the lab's ssh key pair and host key
#   lab_debs  directory in which downloaded packages are kept

# Parts of a kernel package that no emulated machine has a use for: most of its size.
kernel_excludes='drivers/gpu drivers/media drivers/infiniband drivers/iio drivers/isdn
drivers/net/wireless drivers/net/ethernet drivers/staging drivers/bluetooth drivers/hwmon
drivers/usb drivers/hid drivers/md drivers/platform drivers/ata drivers/nvme drivers/infiniband drivers/comedi drivers/power drivers/edac drivers/leds drivers/mmc drivers/scsi drivers/input drivers/mtd sound net/bluetooth net/mac80211
net/wireless fs/ocfs2 fs/gfs2 fs/xfs fs/btrfs fs/ceph'

# apt_uri CODENAME: the archive this machine's own apt takes that suite from.
apt_uri() {
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $1" | head -n 1)
	if [ -z "$uri" ]; then
		echo "no package source for $1 in this machine's apt configuration (see /etc/apt/sources.list*), or 'apt-get update' never ran" >&2
		return 1
	fi
	echo "$uri"
}

# sources SUITE all|release: apt sources of SUITE; "release" leaves out every later update.
# They are found through this machine's own suite, since other suites of the same
# archive lie beside it.
sources() {
	own=$(. /etc/os-release && echo "$VERSION_CODENAME")
	main=$(apt_uri "$own")
	echo "deb $main $1 main"
	[ "$2" = release ] && return
	echo "deb $main $1-updates main"
	security=$(apt_uri "$own-security")
	echo "deb $security $1-security main"
}

# bootstrap SUITE all|release PACKAGES MMDEBSTRAP-OPTIONS...: makes $out/root.tar
bootstrap() {
	suite=$1 pockets=$2 packages=$3
	shift 3
	excludes='/usr/share/doc/* /usr/share/man/* /usr/share/locale/* /usr/share/info/*'
	for dir in $kernel_excludes; do
		excludes="$excludes /lib/modules/*/kernel/$dir/* /usr/lib/modules/*/kernel/$dir/*"
	done
	sources=$(sources "$suite" "$pockets")
	# Every package is downloaded once for all images (caching, in mmdebstrap's manual).
	debs=$lab_debs/$suite archives=/var/cache/apt/archives
	mkdir -p "$debs"
	# Date checks as this machine's own apt has them: a mirror may be a frozen one.
	mmdebstrap --variant=apt --include="$(echo $packages | tr ' ' ',')" \
		--aptopt="$(apt-config dump Acquire | grep -E '^Acquire::Check-' || echo '// none')" \
		--skip=download/empty --skip=essential/unlink --skip=cleanup/apt/cache \
		--setup-hook="mkdir -p \"\$1$archives\"; cp -n $debs/*.deb \"\$1$archives/\" 2>/dev/null || :" \
		--dpkgopt=force-unsafe-io --setup-hook="$(excluding "$excludes")" \
		--customize-hook='cd "$1/usr/share" && rm -rf doc/* man/* locale/* info/*' "$@" \
		--customize-hook="cp -n \"\$1$archives\"/*.deb $debs; rm -f \"\$1$archives\"/*.deb" \
		"$suite" "$out/root.tar" "$sources"
}

# excluding PATTERN...: the hook after which dpkg leaves out what matches. It has no say when mmdebstrap unpacks
# the essential packages. Its --dpkgopt has, but by a Python program for each of them, which takes 40 s.
excluding() {
	set -f
	printf 'mkdir -p "$1/etc/dpkg/dpkg.cfg.d"\n'
	# shellcheck disable=SC2048 # the patterns are words
	printf 'printf "path-exclude=%%s\\n" %s >> "$1/etc/dpkg/dpkg.cfg.d/lab"\n' "$(printf "'%s' " $*)"
}

# initrd MODULES LINE...: the hook that makes a small initrd of just these modules (it unpacks
# fast under emulation), with further lines of its configuration.
initrd() {
	modules=$1
	shift
	printf 'mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"\n'
	printf 'printf "%%s\\n" MODULES=list COMPRESS=gzip %s > "$1/etc/initramfs-tools/conf.d/lab"\n' "$*"
	printf 'printf "%%s\\n" %s > "$1/usr/share/initramfs-tools/modules.d/lab"\n' "$modules"
}

# masking UNIT...: the hook that masks units, before anything may have enabled them.
masking() {
	printf 'for unit in %s; do ln -sf /dev/null "$1/etc/systemd/system/$unit"; done' "$*"
}

# as_root COMMAND: with files owned by whom the archive says, also for a user who is not root.
as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else unshare --map-auto --map-root-user -- "$@"; fi
}

# unpack TAR DIR: device nodes are left out, every machine mounts devtmpfs.
unpack() {
	mkdir -p "$2"
	as_root tar -x --numeric-owner -f "$1" -C "$2" --exclude='./dev/*'
}

# make_disk DIR SIZE: $out/root.img, a sparse ext4 file system holding DIR.
make_disk() {
	as_root mke2fs -q -t ext4 -E lazy_itable_init=1,root_owner=0:0 -d "$1" "$out/root.img.part" "$2"
	as_root rm -rf "$1"
	mv "$out/root.img.part" "$out/root.img"
}
