#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The tests' kernel modules (*.ko), built for the guests' kernel.
# Environment: out, recipes; guest: directory of the guests' root.tar.
set -eu
. "$recipes/common.sh"

version=$(tar -tf "$guest/root.tar" | sed -n 's,^\./usr/lib/modules/\([^/]*\)/$,\1,p')
modules='decoy disguise escalate forge'
sources=$(for name in Kbuild slot.h $(printf '%s.c ' $modules); do printf '%s ' "$recipes/../guest/$name"; done)
built=$(for name in $modules; do printf '/build/%s.ko ' "$name"; done)
bootstrap bookworm all "linux-headers-$version make" \
	--customize-hook='mkdir "$1/build"' \
	--customize-hook="copy-in $sources /build" \
	--customize-hook="chroot \"\$1\" make -C /usr/src/linux-headers-$version M=/build modules" \
	--customize-hook="copy-out $built $out"
rm "$out/root.tar"
