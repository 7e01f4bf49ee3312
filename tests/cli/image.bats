#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What domm-image refuses before it builds anything.
# shellcheck disable=SC2154  # helper.bash and bats set the variables

setup() {
    load helper
    image=$DOMM_SOURCE/scripts/domm-image
    to=$BATS_TEST_TMPDIR/to
}

refuses() {
    fails "$1" "$image" "${@:3}"
    says "$2"
    [ -z "$(ls -A "$to" 2>/dev/null)" ]
}

@test "domm-image -h says what its manual page says" {
    options() { grep -o -E '^ *-[a-zA-Z] ' | tr -d ' ' | sort; }
    [ "$("$image" -h | options)" = "$(MANWIDTH=78 mandoc -T ascii "$DOMM_SOURCE/man/domm-image.8" |
        sed 's/.\x08//g' | grep -E '^ {5}-' | sed -E 's/^ +(-.).*/\1 /' | options)" ]
}

@test "wrong usage of domm-image is refused" {
    refuses 2 'one DIRECTORY is needed'
    refuses 2 '-a PACKAGE is needed' "$to"
    refuses 2 'see domm-image -h' -x "$to"
    refuses 2 'is no suite' -a a.deb -s '../x' "$to"
    refuses 2 'is no size' -a a.deb -S big "$to"
    refuses 2 'names no guest' -a a.deb -t 'a"b' "$to"
    refuses 5 'cannot be read' -a "$to.deb" "$to"
}

@test "domm-image refuses another package" {
    mkdir -p "$BATS_TEST_TMPDIR/p/DEBIAN"
    printf 'Package: other\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n' \
        > "$BATS_TEST_TMPDIR/p/DEBIAN/control"
    dpkg-deb -b "$BATS_TEST_TMPDIR/p" "$BATS_TEST_TMPDIR/other.deb" >/dev/null
    refuses 3 'is not the package domm-guest' -a "$BATS_TEST_TMPDIR/other.deb" "$to"
}
