#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion: the script, in a fish of its own.
# shellcheck disable=SC1003,SC2016,SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load typing
    command -v fish >/dev/null || skip "fish is not installed"
    export HOME=$BATS_TEST_TMPDIR/home
    export XDG_CONFIG_HOME=$HOME/.config XDG_DATA_HOME=$HOME/.local
    # Otherwise fish would begin to make completions of all manuals, in the background.
    mkdir -p "$XDG_CONFIG_HOME/fish/completions" "$XDG_DATA_HOME/fish/generated_completions"
    ln -s "$DOMM_SOURCE/completions/domm.fish" "$XDG_CONFIG_HOME/fish/completions"
    cat >"$XDG_CONFIG_HOME/fish/config.fish" <<'EOF'
set -g fish_greeting
function fish_prompt
    echo 'ready> '
end
EOF
    in_front_of "$DOMM_BUILD/tests/cli/domm-with-guests"
    export GUESTS=$hard_names
}

# offered LINE: what the last word of the line can become.
offered() {
    LINE=$1 fish -c 'complete -C "$LINE"' | cut -f 1
}

# type_in_fish KEYS: fish asks a terminal for more than a dumb one can do.
type_in_fish() {
    type_at 'ready>' "$1exit\n" 'TERM=xterm fish'
}

@test "fish offers exactly the commands of the table, and their other names" {
    [ "$(offered 'domm ' | sort)" = "$(table '
for c in table["commands"]:
    if not c["internal"]:
        print("\n".join([c["name"]] + ([c["alias"]] if "alias" in c else [])))' | sort)" ]
}

@test "fish offers exactly the options of each command and the global ones, with their help" {
    for command in $(public_commands); do
        [ "$(offered "domm $command --" | sort)" = "$(
            table "
for o in table['global_options'] + [o for c in table['commands'] if c['name'] == '$command' for o in c['options']]:
    print('--' + o['name'])" | sort
        )" ]
    done
    [ "$(fish -c 'complete -C "domm mig"')" = $'migrate\tlive-migrate a monitor together with its targets' ]
}

@test "fish completes and quotes names as they were begun" {
    type_in_fish "$(keys_for_names 'domm list')"
    [ "$(given)" = "$(names_given '<list>')" ]
}

@test "fish understands the quotes of words that were typed" {
    [ "$(offered 'domm list my\ g')" = "my guest" ]
    [ "$(offered 'domm list "my g')" = "my guest" ]
    [ "$(offered "domm list 'my g")" = "my guest" ]
    [ "$(offered "domm list 'it\\'s")" = "it's" ]
    [ "$(offered 'domm attach "ids" my\ guest --mir')" = --mirror ]
}

@test "fish offers guests of the place, as they are now" {
    [ "$(offered 'domm destroy ')" = ids ]
    [ "$(GUESTS=$'ids\nnew' offered 'domm detach ids ')" = new ]
}

@test "fish asks the domm that is typed" {
    ln -s "$BATS_TEST_TMPDIR/bin" "$HOME/bin"
    PATH=$DOMM_BUILD:${PATH#*:} type_in_fish '~/bin/domm mig\t my\t\ncd\nbin/domm mig\t my\t\n'
    [ "$(given)" = "<migrate><my guest>
<migrate><my guest>" ]
}

@test "fish completes hosts of ssh's configuration" {
    ssh_has config 'Host xen-of-one "xen of two" it\'"'"'s xen-*'
    [ "$(offered 'domm migrate ids xen')" = $'xen of two\nxen-of-one' ]
    [ "$(offered 'domm migrate ids root@it')" = "root@it's" ]
    [ "$(offered 'domm recover --host=it')" = "--host=it's" ]
}

@test "fish completes files, also behind the = of an option" {
    touch "$HOME/my web.cfg"
    cd "$HOME"
    type_in_fish 'domm create my\t\ndomm create "my\t\ndomm create ~/my\t\ndomm check --config=my\t\n'
    [ "$(given)" = "<create><my web.cfg>
<create><my web.cfg>
<create><$HOME/my web.cfg>
<check><--config=my web.cfg>" ]
}

@test "fish completes values of an option, and a key without a blank" {
    [ "$(offered 'domm migrate --data=t')" = $'--data=tcp\n--data=tls' ]
    type_in_fish 'domm migrate --data=tl\t --on-busy fo\t\ndomm create x.cfg mem\t1\n'
    [ "$(given)" = "<migrate><--data=tls><--on-busy><force>
<create><x.cfg><memory=1>" ]
}

@test "the script that domm prints for fish is the one that is installed, and can be sourced" {
    [ "$("$domm" completion fish)" = "$(cat "$DOMM_SOURCE/completions/domm.fish")" ]
    rm "$XDG_CONFIG_HOME/fish/completions/domm.fish"
    [ "$(fish -c "$domm completion fish | source; complete -C 'domm list my'")" = "my guest" ]
}

@test "the package puts the script where fish looks" {
    [ -e "$DOMM_SOURCE/debian/domm.install" ] || skip "no debian directory in a release tarball"
    place=$(sed -n 's,^\(usr/share/fish/.*\)/domm.fish$,/\1,p' "$DOMM_SOURCE/debian/domm.install")
    fish -c 'printf "%s\n" $fish_complete_path' | grep -F -x "$place"
}
