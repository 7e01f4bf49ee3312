#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# zsh completion: the script, in a zsh that has a terminal.
# shellcheck disable=SC1003,SC2016,SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load typing
    command -v zsh >/dev/null || skip "zsh is not installed"
    export ZDOTDIR=$BATS_TEST_TMPDIR/zsh HOME=$BATS_TEST_TMPDIR
    mkdir "$ZDOTDIR"
    in_front_of "$DOMM_BUILD/tests/cli/domm-with-guests"
    export GUESTS=$hard_names
    # In a directory of completions, as the package has it.
    completes_by "fpath=('$DOMM_SOURCE/completions' \$fpath)
        autoload -Uz compinit
        compinit -u -D"
}

# completes_by LINES: zsh reads them before anything is typed. What it could add for a word goes to a
# file, with the help as it is displayed.
completes_by() {
    cat >"$ZDOTDIR/.zshrc" <<EOF
$1
compadd() {
    local -a texts
    builtin compadd -O texts "\$@"
    ((\$#texts)) && print -rl -- \$texts >>'$BATS_TEST_TMPDIR/offered'
    builtin compadd "\$@"
}
PS1='ready> '
EOF
}

type_in_zsh() {
    type_at 'ready>' "$1exit\n" 'zsh -i'
}

# offered LINE: what the last word of the line can become.
offered() {
    type_in_zsh "$1\\t\\025" >"$BATS_TEST_TMPDIR/screen"
    sort -u "$BATS_TEST_TMPDIR/offered"
    rm "$BATS_TEST_TMPDIR/offered"
}

@test "zsh offers exactly the commands of the table, and their other names" {
    [ "$(offered 'domm ')" = "$(table '
for c in table["commands"]:
    if not c["internal"]:
        print("\n".join([c["name"]] + ([c["alias"]] if "alias" in c else [])))' | sort)" ]
}

@test "zsh offers exactly the options of a command and the global ones, with their help" {
    [ "$(offered 'domm recover --')" = "$(table "
for o in table['global_options'] + [o for c in table['commands'] if c['name'] == 'recover' for o in c['options']]:
    print('--' + o['name'])" | sort)" ]
    grep -F -- '-- list the reports that are kept, the newest first' <(
        offered 'domm report --l' >/dev/null
        cat "$BATS_TEST_TMPDIR/screen"
    )
}

@test "zsh completes and quotes names as they were begun" {
    type_in_zsh "$(keys_for_names 'domm list')"
    [ "$(given)" = "$(names_given '<list>')" ]
}

@test "zsh completes names behind the quotes that were typed" {
    type_in_zsh 'domm list my\\ gu\t\ndomm list m"y gu\t\ndomm list "my "gu\t\n'
    [ "$(given)" = "<list><my guest>
<list><my guest>
<list><my guest>" ]
}

@test "zsh offers guests of the place, as they are now" {
    [ "$(offered 'domm destroy ')" = ids ]
    [ "$(GUESTS=$'ids\nnew' offered 'domm detach ids ')" = new ]
}

@test "zsh asks the domm that is typed" {
    PATH=$DOMM_BUILD:${PATH#*:} type_in_zsh '~/bin/domm mig\t my\t\ncd\nbin/domm mig\t my\t\n'
    [ "$(given)" = "<migrate><my guest>
<migrate><my guest>" ]
}

@test "zsh completes hosts of ssh's configuration" {
    ssh_has config 'Host xen-of-one "xen of two" it\'"'"'s xen-*'
    type_in_zsh 'domm migrate ids xen-\t\ndomm migrate ids xen\\ \t\ndomm migrate ids root@it\t\ndomm recover --host=it\t\n'
    [ "$(given)" = "<migrate><ids><xen-of-one>
<migrate><ids><xen of two>
<migrate><ids><root@it's>
<recover><--host=it's>" ]
}

@test "zsh completes files, also behind the = of an option" {
    touch "$HOME/my web.cfg"
    cd "$HOME"
    type_in_zsh 'domm create my\t\ndomm create "my\t\ndomm create ~/my\t\ndomm check --config=my\t\n'
    [ "$(given)" = "<create><my web.cfg>
<create><my web.cfg>
<create><$HOME/my web.cfg>
<check><--config=my web.cfg>" ]
}

@test "zsh completes values of an option, and a key without a blank" {
    type_in_zsh 'domm migrate --data=tl\t --on-busy fo\t\ndomm create x.cfg mem\t1\n'
    [ "$(given)" = "<migrate><--data=tls><--on-busy><force>
<create><x.cfg><memory=1>" ]
}

@test "the script that domm prints for zsh is the one that is installed, and can be sourced" {
    [ "$("$domm" completion zsh)" = "$(cat "$DOMM_SOURCE/completions/_domm")" ]
    completes_by "autoload -Uz compinit
        compinit -u -D
        . <($domm completion zsh)"
    type_in_zsh 'domm mig\t my\t\n'
    [ "$(given)" = "<migrate><my guest>" ]
}

@test "the package puts the script where zsh looks" {
    [ -e "$DOMM_SOURCE/debian/domm.install" ] || skip "no debian directory in a release tarball"
    place=$(sed -n 's,^usr/share/zsh/site-functions/_domm ,/,p' "$DOMM_SOURCE/debian/domm.install")
    [ -e /etc/debian_version ] || skip "this is not Debian's zsh"
    zsh -f -c 'print -l $fpath' | grep -F -x "$place"
}
