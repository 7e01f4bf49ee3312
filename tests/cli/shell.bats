#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm shell: scripts on standard input, and a terminal.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    export HOME=$BATS_TEST_TMPDIR
    unset XDG_STATE_HOME
}

# shell SCRIPT [OPTION...]
shell() {
    local script=$1
    shift
    printf %s "$script" | "$domm" shell "$@"
}

@test "a failing line does not end the script; the exit code is that of the first failure" {
    run -2 --separate-stderr shell $'help completion\nnonsense\nhelp list\nlist\n'
    [[ $output == *"Usage: domm completion"*"Usage: domm list"* ]]
    says "line 2: there is no command 'nonsense'"
    says "the lines failed, the first was line 2"
}

@test "-e stops at the first failure" {
    run -2 --separate-stderr shell $'nonsense\nhelp\n' -e
    [ -z "$output" ]
    says "1 of the lines failed, the first was line 1"
}

@test "a script without failures succeeds in silence" {
    run -0 --separate-stderr shell $'help\n'
    [ -z "$stderr" ]
    run -0 --separate-stderr shell ''
    [ -z "$output$stderr" ]
}

@test "comments and empty lines do nothing, but count" {
    run -2 --separate-stderr shell $'# nonsense\n\n   \t\nhelp # list\nnonsense'
    says "line 5: there is no command 'nonsense'"
    [[ $output == "Usage: domm ["* ]]
}

@test "quoted words are one word" {
    run -2 --separate-stderr shell $'"no such" a\n\'help\' "li"st\nhelp a\\ b\n'
    says "line 1: there is no command 'no such'"
    says "line 3: help: there is no command 'a b'"
    [[ $output == "Usage: domm list"* ]]
}

@test "a quote that is not closed fails that line only" {
    run -2 --separate-stderr shell $'help "list\nhelp list\n'
    says "line 1: a \" is not closed"
    [[ $output == "Usage: domm list"* ]]
}

@test "exit and quit leave" {
    for word in exit quit; do
        run -0 --separate-stderr shell "$word"$'\nnonsense\n'
        [ -z "$output$stderr" ]
    done
}

@test "global options of a line are for that line only" {
    run -2 --separate-stderr shell $'--json help list\nhelp list\n-t nonsense\nnonsense\n'
    [[ $output == "{"*"}"$'\n'"Usage: domm list"* ]]
    [[ $stderr =~ Z\ domm:\ error:\ line\ 3: ]]
    # shellcheck disable=SC1011
    [[ $stderr =~ $'\n'domm:\ error:\ line\ 4: ]]
}

@test "global options of the shell are for all lines" {
    run -0 bash -c 'printf "help list\nhelp help\n" | "$1" --json shell | grep -c "^{"' - "$domm"
    [ "$output" = 2 ]
}

@test "a shell in the shell is refused" {
    run -2 --separate-stderr shell $'shell\nhelp list\n'
    says "this is the shell already"
    [[ $output == "Usage: domm list"* ]]
}

@test "the exit code of a failing command arrives" {
    skip_on_xen
    run -4 --separate-stderr shell $'help list\nlist\nnonsense\n'
}

@test "a line that cannot be written fails, and the next one runs" {
    [ -e /dev/full ] || skip "no /dev/full"
    run -1 --separate-stderr bash -c 'printf "help\n# x\nhelp\n" | "$1" shell >/dev/full' - "$domm"
    says "line 1: writing to standard output: No space left on device"
    says "2 of the lines failed"
}

# Types keys, given as printf's format, at a shell that has a terminal, once its prompt is there.
type_at_terminal() {
    command -v script >/dev/null || skip "script is not installed"
    local typescript=$BATS_TEST_TMPDIR/typescript
    rm -f "$typescript"
    {
        eventually grep -q 'domm> ' "$typescript"
        # shellcheck disable=SC2059  # the keys are a format
        printf "$1"
    } | TERM=dumb script -q -e -f -c "$domm shell" "$typescript"
}

@test "on a terminal it prompts, survives a failure, and leaves with success" {
    run -0 type_at_terminal 'nonsense\nhelp list\nexit\n'
    [[ $output == *"domm> "*"no command 'nonsense'"*"Usage: domm list"* ]]
}

@test "on a terminal the tab key completes commands and options" {
    run -0 type_at_terminal 'help compl\t\nhelp --js\t li\t\nexit\n'
    [[ $output == *"Usage: domm completion"* ]]
    [[ $output == *'"name": "list"'* ]]
}

@test "on a terminal an interrupt drops the line" {
    run -0 type_at_terminal 'nonsense\003help list\nexit\n'
    [[ $output != *"no command"* ]]
    [[ $output == *"Usage: domm list"* ]]
}

@test "history is kept below the state directory, for this user alone" {
    run -0 type_at_terminal 'help list\nexit\n'
    [ "$(cat "$HOME/.local/state/domm/history")" = $'help list\nexit' ]
    [ "$(stat -c %a "$HOME/.local/state/domm/history")" = 600 ]
    XDG_STATE_HOME=$HOME/state run -0 type_at_terminal 'exit\n'
    [ -f "$HOME/state/domm/history" ]
}

@test "a script leaves no history" {
    run -0 shell $'help\n'
    [ ! -e "$HOME/.local" ]
}
