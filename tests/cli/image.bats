#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What domm-image refuses before it builds anything, and how it sets up accounts.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

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
    refuses 2 'expected one DIRECTORY, got 0'
    refuses 2 'missing option -a PACKAGE' "$to"
    refuses 2 'see domm-image -h' -x "$to"
    refuses 2 'is not the name of a Debian suite' -a a.deb -s '../x' "$to"
    refuses 2 'is not a size' -a a.deb -S big "$to"
    refuses 2 'is not the name of a guest' -a a.deb -t 'a"b' "$to"
    refuses 5 'cannot read the package' -a "$to.deb" "$to"
}

@test "domm-image refuses another package" {
    mkdir -p "$BATS_TEST_TMPDIR/p/DEBIAN"
    printf 'Package: other\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n' \
        > "$BATS_TEST_TMPDIR/p/DEBIAN/control"
    dpkg-deb -b "$BATS_TEST_TMPDIR/p" "$BATS_TEST_TMPDIR/other.deb" >/dev/null
    refuses 3 'is not the package domm-guest' -a "$BATS_TEST_TMPDIR/other.deb" "$to"
}

# In the place of the programs that build a root file system: a small one, of which domm-image's own
# set-up runs. SHADOW is its list of passwords, before.
stand_in() {
    local bin=$BATS_TEST_TMPDIR/bin
    mkdir "$bin"
    printf 'Package: domm-guest\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n' |
        install -D /dev/stdin "$BATS_TEST_TMPDIR/g/DEBIAN/control"
    dpkg-deb -b "$BATS_TEST_TMPDIR/g" "$BATS_TEST_TMPDIR/guest.deb" >/dev/null
    cat >"$bin/mmdebstrap" <<'EOF'
#!/bin/sh
set -e
root=$BATS_TEST_TMPDIR/root
mkdir -p "$root/etc/network" "$root/etc/initramfs-tools" "$root/dev"
printf '%s\n' "$SHADOW" >"$root/etc/shadow"
touch "$root/vmlinuz" "$root/initrd.img"
for word; do case $word in --customize-hook=sh\ *) sh -c "${word#*=}" sh "$root" ;; esac; done
tar -cf "$word" -C "$root" .
EOF
    # passwd itself would have to be root to change its root directory.
    cat >"$bin/chroot" <<'EOF'
#!/bin/sh
root=$1
shift
case $* in
"passwd -q -d root") sed -i 's/^root:[^:]*:/root::/' "$root/etc/shadow" ;;
"passwd -q -l root") sed -i 's/^root:/root:!/' "$root/etc/shadow" ;;
esac
EOF
    printf '#!/bin/sh\nwhile [ $# -gt 2 ]; do shift; done; touch "$1"\n' >"$bin/mke2fs"
    chmod +x "$bin"/*
    PATH=$bin:$PATH
    export BATS_TEST_TMPDIR
}

@test "in a built monitor no account has an empty password, and root is logged in on hvc0 only" {
    stand_in
    SHADOW=$'root:*:1:0:99999:7:::\nnobody:*:1:0:99999:7:::' "$image" -a "$BATS_TEST_TMPDIR/guest.deb" "$to"
    [ "$(cut -d: -f1,2 "$BATS_TEST_TMPDIR/root/etc/shadow")" = $'root:!*\nnobody:*' ]
    [ "$(grep -r -l autologin "$BATS_TEST_TMPDIR/root/etc")" = \
        "$BATS_TEST_TMPDIR/root/etc/systemd/system/serial-getty@hvc0.service.d/autologin.conf" ]
}

@test "domm-image refuses a package that makes an account without a password" {
    stand_in
    SHADOW=$'root:*:1:0:99999:7:::\nguest::1:0:99999:7:::' refuses 1 'accounts without a password: guest' \
        -a "$BATS_TEST_TMPDIR/guest.deb" "$to"
}

# xl list -l, of a guest with two vifs, a root on a file server and a disk.
stand_in_xl() {
    cat >"$BATS_TEST_TMPDIR/bin/xl" <<'END'
#!/bin/sh
[ "$*" = "list -l web" ] || exit 1
cat <<'JSON'
[
    {
        "domid": 1,
        "config": {
            "c_info": {
                "name": "web"
            },
            "b_info": {
                "cmdline": "root=/dev/nfs nfsroot=10.0.0.3:/srv/web,vers=3 rw",
                "type.pvh": {

                }
            },
            "disks": [
                {
                    "pdev_path": "/dev/vg/web-data",
                    "vdev": "xvda",
                    "format": "raw"
                }
            ],
            "nics": [
                {
                    "devid": 0,
                    "mac": "00:16:3e:00:00:01",
                    "bridge": "br-lan"
                },
                {
                    "devid": 2,
                    "bridge": "br-dmz"
                }
            ],
            "on_reboot": "restart"
        }
    }
]
JSON
END
    chmod +x "$BATS_TEST_TMPDIR/bin/xl"
}

@test "domm.cfg is filled in from the target where it runs, and domm accepts it" {
    stand_in
    stand_in_xl
    export SHADOW='root:*:1:0:99999:7:::'
    "$image" -a "$BATS_TEST_TMPDIR/guest.deb" -t web "$to"
    cat "$to/domm.cfg"
    for line in 'target = "web"' 'vif = [ "bridge=br-lan", "", "" ]' 'mirror = [ "vif=0,to=1", "vif=2,to=2" ]' \
        'storage = [ "nfs=10.0.0.3:/srv/web" ]'; do
        grep -x -F -- "$line" "$to/domm.cfg"
    done
    grep "disk /dev/vg/web-data: a storage" "$to/domm.cfg"
    sed -i 's/^storage.*/storage = [ "nfs=10.0.0.3:\/srv\/web,check=0" ]/' "$to/domm.cfg"
    run "$domm" check --config "$to/domm.cfg"
    [[ $output == *"web: memory, 2 mirrors, 1 file systems"* ]]
}

@test "a target that does not run here is named, and the rest is left to the administrator" {
    stand_in
    export SHADOW='root:*:1:0:99999:7:::'
    "$image" -a "$BATS_TEST_TMPDIR/guest.deb" -t web "$to" 2>"$BATS_TEST_TMPDIR/said"
    grep 'web does not run here' "$BATS_TEST_TMPDIR/said"
    grep -x 'target = "web"' "$to/domm.cfg"
    grep -x '# mirror = \[ "vif=0,to=1" \]' "$to/domm.cfg"
    grep -x 'vif = \[ "bridge=xenbr0", "" \]' "$to/domm.cfg"
}
