#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bash completion: the script, run in a bash of its own.
# shellcheck disable=SC1003,SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

functions=/usr/share/bash-completion/bash_completion

setup() {
    load helper
    load typing
    export PATH=$DOMM_BUILD:$PATH
}

# complete WORD...: what the last word can become, as bash would offer it.
complete_line() {
    [ -e "$functions" ] || skip "bash-completion is not installed"
    bash --norc -c '
        . "$1"
        eval "$("$DOMM_BUILD/domm" completion)"
        spec=$(complete -p domm)
        shift
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        COMP_LINE=$*
        COMP_LINE=${COMP_LINE/ : /:}
        COMP_LINE=${COMP_LINE/ = /=}
        COMP_POINT=${#COMP_LINE}
        function=${spec#*-F }
        ${function% *} 2>/dev/null
        printf "%s\n" "${COMPREPLY[@]}"' - "$functions" domm "$@"
}

# type_in_bash KEYS: in a bash that completes as it does for users.
type_in_bash() {
    [ -e "$functions" ] || skip "bash-completion is not installed"
    cat >"$BATS_TEST_TMPDIR/bashrc" <<EOF
. $functions
. "$DOMM_SOURCE/completions/domm"
PS1='ready> '
EOF
    type_at 'ready>' "$1exit\n" "bash --noprofile --rcfile '$BATS_TEST_TMPDIR/bashrc' -i"
}

@test "the script is the one that is installed, and that of a shell has its name" {
    [ "$("$domm" completion)" = "$(cat "$DOMM_SOURCE/completions/domm")" ]
    [ "$("$domm" completion bash)" = "$("$domm" completion)" ]
    for shell in $("$domm" __complete -- completion ""); do
        "$domm" completion "$shell" | grep "^# $shell completion for domm(1)"
    done
    fails 2 "$domm" completion csh
    says "'csh'"
}

@test "it offers exactly the commands of the table, and their other names" {
    [ "$(complete_line "")" = "$(table '
for c in table["commands"]:
    if not c["internal"]:
        print("\n".join([c["name"]] + ([c["alias"]] if "alias" in c else [])))')" ]
    [ "$(complete_line co-)" = co-migrate ]
    [ "$(complete_line co-migrate --paus)" = --paused ]
}

@test "it offers the commands that begin so" {
    [ "$(complete_line ver)" = version ]
    [ "$(complete_line -v --json ver)" = version ]
    [ "$(complete_line nonsense)" = "" ]
}

@test "it offers exactly the options of each command, and the global ones" {
    for command in $(public_commands); do
        [ "$(complete_line "$command" -- | sort)" = "$(
            table "
for o in table['global_options'] + [o for c in table['commands'] if c['name'] == '$command' for o in c['options']]:
    print('--' + o['name'])" | sort
        )" ]
    done
}

@test "it offers the global options before a command" {
    [ "$(complete_line --j)" = --json ]
}

@test "it offers commands as operands of help, once" {
    [ "$(complete_line help comp)" = completion ]
    [ "$(complete_line help list "")" = "" ]
}

@test "names are completed and quoted as they were begun" {
    in_front_of "$DOMM_BUILD/tests/cli/domm-with-guests"
    GUESTS=$hard_names type_in_bash "$(keys_for_names 'domm list')"
    [ "$(given)" = "$(names_given '<list>')" ]
}

@test "names are completed behind the quotes that were typed" {
    in_front_of "$DOMM_BUILD/tests/cli/domm-with-guests"
    GUESTS=$'ids\nmy guest\nmy ghost\nit\'s mine' type_in_bash \
        'domm list my\\ gu\t\ndomm list m"y gu\t\ndomm list "my" gu\t\ndomm list "my "gu\t\n'"domm list 'it'\\\\''s\t\n"
    [ "$(given)" = "<list><my guest>
<list><my guest>
<list><my><gu>
<list><my guest>
<list><it's mine>" ]
}

@test "of several names, what they have in common is completed" {
    in_front_of "$DOMM_BUILD/tests/cli/domm-with-guests"
    GUESTS=$'ids\nmy guest\nmy ghost' type_in_bash 'domm list m\tu\t\ndomm list "m\tu\t\n'
    [ "$(given)" = "<list><my guest>
<list><my guest>" ]
}

@test "guests are those of the place, as they are now" {
    export GUESTS=$'ids\nmy guest'
    in_front_of "$DOMM_BUILD/tests/cli/domm-with-guests"
    [ "$(complete_line destroy "")" = ids ]
    [ "$(complete_line detach ids "")" = 'my\ guest' ]
    [ "$(complete_line mig ids "")" = "$(complete_line migrate 'my\ guest' "")" ]
    GUESTS=$'ids\nnew' complete_line detach ids "" | grep -x new
}

@test "migrations and targets are those of the command, as they are now" {
    host=$DOMM_BUILD/tests/cli/fake-host
    export FAKE_HOST=$BATS_TEST_TMPDIR/host
    uuid=0000000-0000-4000-8000-000000000000
    mkdir -p "$FAKE_HOST/expected"
    echo "{\"name\":\"lost\",\"monitor\":{\"uuid\":\"8$uuid\",\"name\":\"past\"}}" >"$FAKE_HOST/expected/7$uuid"
    [ "$("$host" __complete -- acknowledge "")" = lost ]
    [ -z "$("$host" __complete -- recover "")" ]
    "$host" migrate -s false web host2
    [ "$("$host" __complete -- recover "" | sort)" = "$("$host" --json jobs | python3 -c '
import json, sys
for job in json.load(sys.stdin)["jobs"]:
    print("\n".join(sorted(job["guests"] + [job["migration"]])))')" ]
    [ -z "$("$host" __complete -- abort "")" ]
    "$host" report "$("$host" __complete -- report "")"
    [ "$("$host" __complete -- monitor-status w)" = web ]
}

@test "an argument that is joined to its option is completed behind the =" {
    [ "$(complete_line migrate --data = t)" = $'tls\ntcp' ]
    [ "$(complete_line create x.cfg mem)" = memory= ]
}

# ssh_has FILE LINES: a file below a home of the test's own, for ssh.
ssh_has() {
    export HOME=$BATS_TEST_TMPDIR/home
    mkdir -p "$(dirname "$HOME/.ssh/$1")"
    printf '%s\n' "$2" >>"$HOME/.ssh/$1"
}

@test "hosts are those of ssh's configuration, and of the files that it includes" {
    ssh_has config 'Host xen-of-one xen-of-two *.xen-of xen-of? !xen-of-three
    HostName xen-of-the-network
# Host xen-of-nobody
include lan/*.conf "~/.ssh/of others"
HOST = "xen-of a b" xen-of-four # xen-of-comment
Match host xen-of-match
Host "xen-of'
    ssh_has lan/a.conf "Host xen-of-lan
Include config"
    ssh_has 'of others' "Host xen-of-others"
    [ "$("$domm" __complete -- migrate web xen-of)" = "xen-of-one
xen-of-two
xen-of-lan
xen-of a b
xen-of-four
xen-of-others" ]
    [ "$("$domm" __complete -- migrate web root@xen-of-o)" = "root@xen-of-one
root@xen-of-others" ]
    [ "$("$domm" __complete -- recover --host xen-of-l)" = xen-of-lan ]
    [ "$("$domm" __complete -- recover --host=xen-of-l)" = --host=xen-of-lan ]
    [ "$(complete_line migrate web xen-of-l)" = xen-of-lan ]
    [ "$(complete_line migrate web root@xen-of-l)" = root@xen-of-lan ]
    [ "$(complete_line recover --host = xen-of-l)" = xen-of-lan ]
}

@test "without a configuration of ssh there are no hosts and no errors" {
    HOME=$BATS_TEST_TMPDIR/none run -0 --separate-stderr "$domm" __complete -- migrate web no-such-host
    [ -z "$output$stderr" ]
}

@test "the domm that is typed is asked" {
    in_front_of "$DOMM_BUILD/tests/cli/domm-with-guests"
    PATH=$DOMM_BUILD:${PATH#*:} HOME=$BATS_TEST_TMPDIR GUESTS=$hard_names \
        type_in_bash '~/bin/domm mig\t my\t\ncd\nbin/domm mig\t my\t\n'
    [ "$(given)" = "<migrate><my guest>
<migrate><my guest>" ]
}

@test "hosts are quoted as names are" {
    ssh_has config 'Host "xen of" it\'"'"'s'
    in_front_of "$DOMM_BUILD/domm"
    type_in_bash 'domm migrate ids xe\t\ndomm migrate ids "it\t\n'
    [ "$(given)" = "<migrate><ids><xen of>
<migrate><ids><it's>" ]
}

@test "files are completed and quoted" {
    touch "$BATS_TEST_TMPDIR/my web.cfg"
    cd "$BATS_TEST_TMPDIR"
    in_front_of "$DOMM_BUILD/domm"
    type_in_bash 'domm create my\t\ndomm create "my\t\ndomm check --config=my\t\n'
    [ "$(given)" = "<create><my web.cfg>
<create><my web.cfg>
<check><--config=my web.cfg>" ]
}

@test "it is silent where Xen cannot be asked for domains" {
    skip_on_xen
    run -0 --separate-stderr complete_line list ""
    [ -z "$output$stderr" ]
}

@test "the script passes shellcheck" {
    command -v shellcheck >/dev/null || skip "shellcheck is not installed"
    shellcheck "$DOMM_SOURCE/completions/domm"
}

@test "what set can change is offered in its place, and no number" {
    [ "$("$domm" __complete set web "")" = $'bandwidth\nmax-downtime' ]
    [ "$("$domm" __complete set web b)" = bandwidth ]
    [ -z "$("$domm" __complete set web bandwidth "")" ]
}
