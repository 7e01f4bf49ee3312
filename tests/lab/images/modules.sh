#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The tests' kernel modules (*.ko), built for the guests' kernel.
# Environment: out, recipes; guest: directory of the guests' root.tar.
set -eu
. "$recipes/common.sh"

version=$(tar -tf "$guest/root.tar" | sed -n 's,^\./usr/lib/modules/\([^/]*\)/$,\1,p')
bootstrap bookworm all "linux-headers-$version make" \
	--customize-hook='mkdir "$1/build"' \
	--customize-hook="copy-in $recipes/../guest/Kbuild $recipes/../guest/decoy.c $recipes/../guest/escalate.c $recipes/../guest/forge.c $recipes/../guest/slot.h /build" \
	--customize-hook="chroot \"\$1\" make -C /usr/src/linux-headers-$version M=/build modules" \
	--customize-hook="copy-out /build/decoy.ko /build/escalate.ko /build/forge.ko $out"
rm "$out/root.tar"
