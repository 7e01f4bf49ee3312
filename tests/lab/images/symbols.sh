#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guests' kernel with its symbols (vmlinux), for drgn and crash.
# Environment: out, recipes; guest: directory of the guests' root.tar.
set -eu
. "$recipes/common.sh"

version=$(tar -tf "$guest/root.tar" | sed -n 's,^\./usr/lib/modules/\([^/]*\)/$,\1,p')
bootstrap bookworm all "linux-image-$version-dbg" \
	--setup-hook="$(excluding '/usr/lib/debug/lib/*')" \
	--customize-hook="copy-out /usr/lib/debug/boot/vmlinux-$version $out"
mv "$out/vmlinux-$version" "$out/vmlinux"
rm "$out/root.tar"
