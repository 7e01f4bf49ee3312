#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# domm shell: scripts on standard input, and a terminal.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load typing
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
    says "line 2: unknown command 'nonsense'"
    says "lines failed, the first is line 2"
}

@test "-e stops at the first failure" {
    run -2 --separate-stderr shell $'nonsense\nhelp\n' -e
    [ -z "$output" ]
    says "1 of 1 lines failed, the first is line 1"
}

@test "a script without failures succeeds in silence" {
    run -0 --separate-stderr shell $'help\n'
    [ -z "$stderr" ]
    run -0 --separate-stderr shell ''
    [ -z "$output$stderr" ]
}

@test "comments and empty lines do nothing, but count" {
    run -2 --separate-stderr shell $'# nonsense\n\n   \t\nhelp # list\nnonsense'
    says "line 5: unknown command 'nonsense'"
    [[ $output == "Usage: domm ["* ]]
}

@test "quoted words are one word" {
    run -2 --separate-stderr shell $'"no such" a\n\'help\' "li"st\nhelp a\\ b\n'
    says "line 1: unknown command 'no such'"
    says "line 3: help: unknown command 'a b'"
    [[ $output == "Usage: domm list"* ]]
}

@test "a tilde is a home directory, where it begins a word" {
    run -2 --separate-stderr shell $'help ~\nhelp ~/x\nhelp \'~\'\nhelp \\~\nhelp a~\n'
    says "line 1: help: unknown command '$HOME'"
    says "line 2: help: unknown command '$HOME/x'"
    says "line 3: help: unknown command '~'"
    says "line 4: help: unknown command '~'"
    says "line 5: help: unknown command 'a~'"
}

@test "a home directory is one word, and there is none in quotes" {
    HOME="$BATS_TEST_TMPDIR/it's a home" run -2 --separate-stderr shell \
        $'help ~/x\nhelp "a ~"\nhelp a\\ ~\nhelp ~root/x\nhelp ~nobody-here\nhelp ~"/x"\n'
    says "line 1: help: unknown command '$BATS_TEST_TMPDIR/it's a home/x'"
    says "line 2: help: unknown command 'a ~'"
    says "line 3: help: unknown command 'a ~'"
    says "line 4: help: unknown command '/root/x'"
    says "line 5: help: unknown command '~nobody-here'"
    says "line 6: help: unknown command '~/x'"
}

@test "a quote that is not closed fails that line only" {
    run -2 --separate-stderr shell $'help "list\nhelp list\n'
    says "line 1: missing closing \""
    [[ $output == "Usage: domm list"* ]]
}

@test "exit and quit leave" {
    for word in exit quit; do
        run -0 --separate-stderr shell "$word"$'\nnonsense\n'
        [ -z "$output$stderr" ]
    done
}

@test "global options of a line are for that line only" {
    run -2 --separate-stderr shell $'--json help list\nhelp list\n-T nonsense\nnonsense\n'
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
    says "the shell is running already"
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
    says "2 of 3 lines failed"
}

# type_at_terminal KEYS [PROGRAM]: at a shell that has a terminal.
type_at_terminal() {
    type_at 'domm> ' "$1" "${2:-$domm} shell"
}

# opening_blocks FILE: the process whose number the file has waits for the writer of a pipe.
opening_blocks() {
    grep -q -E "wait_for_partner|fifo_open" "/proc/$(cat "$1")/wchan"
}

# typed: the lines that were run, as they were completed, but for the last.
typed() {
    sed '$d' "$HOME/.local/state/domm/history"
    rm "$HOME/.local/state/domm/history"
}

@test "on a terminal it prompts, survives a failure, and leaves with success" {
    run -0 type_at_terminal 'nonsense\nhelp list\nexit\n'
    [[ $output == *"domm> "*"unknown command 'nonsense'"*"Usage: domm list"* ]]
}

@test "on a terminal the tab key completes commands and options" {
    run -0 type_at_terminal 'help compl\t\nhelp --js\t li\t\nexit\n'
    [[ $output == *"Usage: domm completion"* ]]
    [[ $output == *'"name": "list"'* ]]
}

@test "on a terminal names are completed in quotes, and quoted where they must be" {
    touch "$HOME/my config.cfg"
    cd "$HOME"
    run -0 type_at_terminal 'create my\t-x\nexit\n'
    [[ $output == *'create my\ config.cfg -x'* ]]
    for quote in '"' "'"; do
        run -0 type_at_terminal "create ${quote}my c\t-x\nexit\n"
        [[ $output == *"create ${quote}my config.cfg${quote} -x"* ]]
    done
    run -0 type_at_terminal 'create my\\ c\t-x\nexit\n'
    [[ $output == *'create my\ config.cfg -x'* ]]
    run -0 type_at_terminal 'create ~/my\t-x\nexit\n'
    [[ $output == *'create ~/my\ config.cfg -x'* ]]
    run -0 type_at_terminal 'help "compl\t\nexit\n'
    [[ $output == *"Usage: domm completion"* ]]
}

@test "on a terminal names of guests are completed and quoted as they were begun" {
    GUESTS=$hard_names run -0 type_at_terminal "$(keys_for_names list)exit\n" \
        "$DOMM_BUILD/tests/cli/domm-with-guests"
    # What was typed is split as it is when it runs.
    typed >"$BATS_TEST_TMPDIR/lines"
    [ "$(while read -r line; do eval "printf '<%s>' $line"; echo; done <"$BATS_TEST_TMPDIR/lines")" = \
        "$(names_given '<list>')" ]
}

@test "on a terminal names are completed behind the quotes that were typed" {
    GUESTS=$'ids\nmy guest\nit\'s mine' run -0 type_at_terminal \
        'list m"y gu\t-x\nlist "my "gu\t-x\n'"list 'it'\\\\''s\t-x\nlist -x # i\t\nexit\n" \
        "$DOMM_BUILD/tests/cli/domm-with-guests"
    [ "$(typed)" = 'list m"y guest" -x
list my\ guest -x
'"list 'it'\\''s mine' -x
list -x # i" ]
}

@test "on a terminal hosts are completed" {
    ssh_has config 'Host xen-of-one "xen of two" it\'"'"'s xen-*'
    run -0 type_at_terminal 'migrate ids xen-\tx\nmigrate ids "xen of\tx\nmigrate ids root@it\tx
recover --host=xen-\tx\nrecover --host "xen-\tx\nexit\n'
    [ "$(typed)" = "migrate ids xen-of-one x
migrate ids \"xen of two\" x
migrate ids root@it\\'s x
recover --host=xen-of-one x
recover --host \"xen-of-one\" x" ]
}

@test "on a terminal the argument of an option is completed behind the =" {
    touch "$HOME/my config.cfg"
    cd "$HOME"
    run -0 type_at_terminal 'check --config=my\tx\ncheck --config="my\tx\nmigrate --data=tl\tx\nexit\n'
    [ "$(typed)" = 'check --config=my\ config.cfg x
check --config="my config.cfg" x
migrate --data=tls x' ]
}

@test "on a terminal a file is quoted that is called as a home directory or a comment" {
    touch "$HOME/~file" "$HOME/#file" "$HOME/say\"hi\""
    cd "$HOME"
    run -0 type_at_terminal 'create \\~\tx\ncreate \\#\tx\ncreate "say\tx\nexit\n'
    [ "$(typed)" = 'create \~file x
create \#file x
create "say\"hi"\" x' ]
}

@test "on a terminal the ways to leave are completed and listed" {
    run -0 type_at_terminal 'help\nqu\t\n'
    [[ $output == *"exit, quit"*"leave the shell"* ]]
    [[ $("$domm" help) != *"leave the shell"* ]]
}

@test "on a terminal a key of a configuration is completed without a blank" {
    run -0 type_at_terminal 'create x.cfg mem\t1\nexit\n'
    [[ $output == *'create x.cfg memory=1'* ]]
}

@test "a line with an open quote is in the history, to be corrected" {
    run -0 type_at_terminal 'help "list\nexit\n'
    [ "$(cat "$HOME/.local/state/domm/history")" = $'help "list\nexit' ]
}

@test "standard input that cannot be read is a failure" {
    run -1 --separate-stderr "$domm" shell </
    says "reading standard input: Is a directory"
}

@test "on a terminal an interrupt drops the line" {
    run -0 type_at_terminal 'nonsense\003help list\nexit\n'
    [[ $output != *"no command"* ]]
    [[ $output == *"Usage: domm list"* ]]
}

@test "on a terminal an interrupt drops the line in all ways of editing" {
    echo 'set editing-mode vi' >"$HOME/.inputrc"
    run -0 type_at_terminal 'nonsense\003help list\nnonsense\033\003ihelp jobs\nhelp\022li\003help abort\nexit\n'
    [ "$(typed)" = $'help list\nhelp jobs\nhelp abort' ]
}

@test "on a terminal an interrupt ends the command that runs, and not the shell" {
    command -v script >/dev/null || skip "script is not installed"
    local typescript=$BATS_TEST_TMPDIR/typescript place=$BATS_TEST_TMPDIR
    mkfifo "$place/config"
    {
        eventually grep -q 'domm> ' "$typescript"
        printf 'check --config=%s\n' "$place/config"
        eventually opening_blocks "$place/pid"
        printf '\003'
        eventually grep -q 'Interrupted system call' "$typescript"
        printf 'help list\nexit\n'
    } | TERM=dumb script -q -e -f -c "echo \$\$ >'$place/pid'; exec '$domm' shell" "$typescript"
    grep -q "Usage: domm list" "$typescript"
}

@test "on a terminal an interrupt does not end the shell" {
    command -v script >/dev/null || skip "script is not installed"
    local place=$BATS_TEST_TMPDIR typescript=$BATS_TEST_TMPDIR/typescript
    {
        eventually grep -q 'domm> ' "$typescript"
        kill -INT "$(cat "$place/pid")"
        printf 'help list\nexit\n'
    } | TERM=dumb script -q -e -f -c "echo \$\$ >'$place/pid'; exec '$domm' shell" "$typescript"
    grep -q "Usage: domm list" "$typescript"
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
