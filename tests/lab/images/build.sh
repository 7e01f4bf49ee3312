#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A root directory ($out/root) in which domm's packages are built for one Debian suite.
# Environment: out, recipes, suite.
set -eu
. "$recipes/common.sh"

bootstrap "$suite" all 'build-essential ccache fakeroot' \
	--customize-hook='mkdir -p "$1/build/debian"' \
	--customize-hook="upload $recipes/../../../debian/control /build/debian/control" \
	--customize-hook='chroot "$1" apt-get -q -y --no-install-recommends build-dep /build'
unpack "$out/root.tar" "$out/root"
rm "$out/root.tar"
