#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Command lines that are wrong, and where the output goes.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
}

@test "without a command the help is printed" {
    [ "$("$domm")" = "$("$domm" help)" ]
}

@test "an unknown command is wrong usage" {
    fails 2 "$domm" nonsense
    says "unknown command 'nonsense'"
    says "domm help"
    [[ $stderr != *"did you mean"* ]]
}

@test "a slip of the fingers gets the near match" {
    fails 2 "$domm" verison
    says "did you mean 'version'"
}

@test "a part of a name gets the command that has it" {
    fails 2 "$domm" status
    says "did you mean 'monitor-status'"
    fails 2 "$domm" st
    says "did you mean 'monitor-status'"
}

@test "what is wrong about a command line is said before Xen is asked" {
    fails 2 "$domm" monitor-status -f xml
    says "--format: 'xml' is not one of text, json, prometheus"
    fails 3 "$domm" attach -m vif=0 ids web
    says '"to" is missing'
    fails 2 "$domm" release -f -r ids
}

@test "the clear beginning of a command is enough" {
    [ "$("$domm" hel)" = "$("$domm" help)" ]
}

# What is the beginning of several commands needs a table that has such: tests/unit/test-lookup.c.
@test "an empty command is wrong usage, though it is the beginning of all" {
    fails 2 "$domm" ""
    says "unknown command ''"
}

@test "an internal command cannot be abbreviated" {
    fails 2 "$domm" __comp
}

@test "an unknown option is wrong usage, before the command and after it" {
    fails 2 "$domm" --nonsense list
    says "unknown option --nonsense"
    fails 2 "$domm" -x list
    says "unknown option -x"
    fails 2 "$domm" list --nonsense
    says "list: unknown option --nonsense"
    says "domm help list"
}

@test "an ambiguous option names what it can be" {
    fails 2 "$domm" --ver list
    says "--ver is ambiguous: --verbose, --version"
}

@test "an argument for an option that takes none is wrong usage" {
    fails 2 "$domm" --json=yes help
    says "--json takes no argument"
}

@test "an argument too many is wrong usage" {
    fails 2 "$domm" version now
    says "unexpected argument 'now'"
    says "usage: domm version"
    fails 2 "$domm" help list list
}

@test "global options may stand before the command or after it" {
    run -0 "$domm" --json help
    [ "$output" = "$("$domm" help --json)" ]
}

@test "-N is taken by a command that changes nothing" {
    run -0 "$domm" -N help
}

@test "results that cannot be written are a failure" {
    [ -e /dev/full ] || skip "no /dev/full"
    for line in help "help list" --version completion "--json help"; do
        # shellcheck disable=SC2086  # several words
        run -1 --separate-stderr bash -c '"$@" >/dev/full' - "$domm" $line
        says "writing to standard output"
    done
}

@test "a closed standard output is a failure" {
    run -1 --separate-stderr bash -c '"$1" help >&-' - "$domm"
    says "standard output"
}

@test "errors are plain text where stderr is no terminal" {
    fails 2 "$domm" nonsense
    [[ $stderr != *$'\033'* ]]
}

# Runs a command with a terminal of its own for everything.
on_terminal() {
    command -v script >/dev/null || skip "script is not installed"
    script -q -e -c "$*" /dev/null </dev/null
}

@test "errors are coloured on a terminal, unless NO_COLOR is set" {
    run -2 on_terminal "$domm" nonsense
    [[ $output == *$'\033[31merror'* ]]
    NO_COLOR=1 run -2 on_terminal "$domm" nonsense
    [[ $output != *$'\033['* ]]
}

@test "-T puts the time before a diagnostic" {
    fails 2 "$domm" -T list --nonsense
    [[ $stderr =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z\ domm:\ error: ]]
}

@test "control characters of an argument do not reach the terminal" {
    fails 2 "$domm" $'a\033[2Jb'
    [[ $stderr != *$'\033'* ]]
}
