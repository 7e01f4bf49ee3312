#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# bash completion: the script, run in a bash of its own.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    export PATH=$DOMM_BUILD:$PATH
}

# complete WORD...: what the last word can become, as bash would offer it.
complete_line() {
    bash --norc -c '
        eval "$(domm completion)"
        spec=$(complete -p domm)
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        function=${spec#*-F }
        ${function% *}
        printf "%s\n" "${COMPREPLY[@]}"' - domm "$@"
}

@test "the script is the one that is installed, and names bash" {
    [ "$("$domm" completion)" = "$(cat "$DOMM_SOURCE/completions/domm")" ]
    [ "$("$domm" completion bash)" = "$("$domm" completion)" ]
    fails 2 "$domm" completion fish
    says "'fish'"
}

@test "it offers exactly the commands of the table" {
    [ "$(complete_line "")" = "$(public_commands)" ]
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

@test "it is silent where Xen cannot be asked for domains" {
    skip_on_xen
    run -0 --separate-stderr complete_line list ""
    [ -z "$output$stderr" ]
}

@test "the script passes shellcheck" {
    command -v shellcheck >/dev/null || skip "shellcheck is not installed"
    shellcheck "$DOMM_SOURCE/completions/domm"
}
