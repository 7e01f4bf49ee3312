#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What must stay true of the source tree and the build.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
}

sources() {
    find "$DOMM_SOURCE/cmd" "$DOMM_SOURCE/lib" -name '*.[ch]' ! -name completion-scripts.h # generated
}

@test "only lib/xen includes Xen's headers" {
    run -1 grep -r -l -E '#include <(xen|libxl)' --include='*.[ch]' --exclude-dir=xen \
        "$DOMM_SOURCE/cmd" "$DOMM_SOURCE/lib"
}

@test "lib exits nowhere, prints nothing and parses no options" {
    run -1 grep -r -n -E '\b(exit|abort|printf|puts|putchar|perror|getopt|getopt_long) ?\(' \
        --include='*.c' "$DOMM_SOURCE/lib"
}

@test "lib does not use cmd" {
    run -1 grep -r -n '#include "cmd/' "$DOMM_SOURCE/lib"
}

@test "every source begins with its licence" {
    for file in $(sources) "$DOMM_SOURCE"/tests/unit/*.[ch]; do
        [[ $(head -n 1 "$file") =~ SPDX-License-Identifier:\ (L?GPL-(2.1|3.0)-or-later) ]] ||
            { echo "$file"; return 1; }
    done
}

@test "the Debian package has the version of the program" {
    [ -e "$DOMM_SOURCE/debian/changelog" ] || skip "no debian directory in a release tarball"
    [[ $(head -n 1 "$DOMM_SOURCE/debian/changelog") == "domm ($("$domm" --version | sed 's/^domm //'))"* ]]
}

@test "the programs are hardened" {
    command -v readelf >/dev/null || skip "readelf is not installed"
    for program in "$domm" "$agent" "$DOMM_BUILD/domm-kernel-check"; do
        readelf -h "$program" | grep -q 'Type: *DYN'
        readelf -d "$program" | grep -q -E 'FLAGS_1.*NOW'
        readelf -l "$program" | grep -q GNU_RELRO
        readelf -l "$program" | grep GNU_STACK -A1 | grep -q 'RW  '
    done
}

@test "the log that dommd writes in the background is rotated" {
    [ -e "$DOMM_SOURCE/debian/changelog" ] || skip "no debian directory in a release tarball"
    log=$(sed -n 's/^#define LOG_FILE "\(.*\)"$/\1/p' "$DOMM_SOURCE/cmd/dommd/main.c")
    grep -q "^$log {" "$DOMM_SOURCE/debian/domm.logrotate"
    if command -v logrotate >/dev/null; then logrotate -d "$DOMM_SOURCE/debian/domm.logrotate"; fi
}

@test "the package makes the group that may read memory files" {
    [ -e "$DOMM_SOURCE/debian/changelog" ] || skip "no debian directory in a release tarball"
    group=$(sed -n 's/^#define GROUP "\([^"]*\)".*/\1/p' "$DOMM_SOURCE/cmd/agent/files.c")
    [ -n "$group" ]
    sh -n "$DOMM_SOURCE/debian/domm-guest.postinst"
    grep -q "groupadd --system $group" "$DOMM_SOURCE/debian/domm-guest.postinst"
    # Without it the kernel would let everybody read.
    grep -q allow_other "$DOMM_SOURCE/cmd/agent/files.c"
    grep -q default_permissions "$DOMM_SOURCE/cmd/agent/files.c"
}

@test "every manual is installed, and in a package" {
    for page in "$DOMM_SOURCE"/man/*.[0-9]; do
        name=${page##*/}
        grep -q -E "^dist_man_MANS.* man/$name( |\$)|^	man/$name( |\$)" "$DOMM_SOURCE/Makefile.am" || { echo "$name"; return 1; }
        [ -e "$DOMM_SOURCE/debian/changelog" ] || continue
        packaged=
        while read -r pattern; do
            # shellcheck disable=SC2053  # it is a pattern
            if [[ usr/share/man/man${name##*.}/$name == $pattern ]]; then packaged=yes; fi
        done < <(cat "$DOMM_SOURCE"/debian/*.install)
        [ "$packaged" ] || { echo "$name is in no package"; return 1; }
    done
}
