#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The table, the help, and the manual pages say the same.
# shellcheck disable=SC2154  # helper.bash and bats set the variables
bats_require_minimum_version 1.5.0

setup() {
    load helper
}

manual() {
    command -v mandoc >/dev/null || skip "mandoc is not installed"
    mandoc -T ascii -O width=200 "$man/$1" | col -bx
}

# The part of domm(1) from a heading to the next.
section() {
    manual domm.1 | sed -n "/^$1\$/,/^[A-Z]/p"
}

@test "help lists every command with its summary" {
    run -0 "$domm" help
    while IFS=$'\t' read -r name summary; do
        grep -E "^  $name +$summary\$" <<<"$output"
    done < <(table 'print("\n".join(c["name"] + "\t" + c["summary"] for c in table["commands"] if not c["internal"]))')
}

@test "help lists every global option" {
    run -0 "$domm" help
    while read -r option; do
        grep -E -- "--$option +[a-z]" <<<"$output"
    done < <(table 'print("\n".join(o["name"] for o in table["global_options"]))')
}

@test "help does not list internal commands" {
    run -0 "$domm" help
    [[ $output != *__complete* ]]
}

@test "help, help --help, -h and --help print the same" {
    run -0 "$domm" help
    [ "$output" = "$("$domm" -h)" ]
    [ "$output" = "$("$domm" --help)" ]
}

@test "help COMMAND and COMMAND --help print the same, for every command" {
    for command in $(public_commands); do
        [ "$("$domm" help "$command")" = "$("$domm" "$command" --help)" ]
        [ "$("$domm" help "$command")" = "$("$domm" "$command" -h)" ]
    done
}

@test "help COMMAND shows synopsis, description and each option" {
    table '
for c in table["commands"]:
    print(c["name"], c["synopsis"], c["description"].split("\n")[0], sep="\t")
    for o in c["options"]:
        print(c["name"], "--" + o["name"], o["help"], sep="\t")
' | while IFS=$'\t' read -r name first second; do
        run -0 "$domm" help "$name"
        [[ $output == *"$first"* ]]
        [[ $output == *"$second"* ]]
    done
}

@test "help of an unknown command is wrong usage" {
    fails 2 "$domm" help nonsense
    says "no command 'nonsense'"
}

@test "domm(1) documents every command, with the same synopsis" {
    commands=$(section COMMANDS)
    table 'print("\n".join((c["name"] + " " + c["synopsis"]).strip() for c in table["commands"] if not c["internal"]))' |
        while read -r line; do
            grep -F -x -- "     domm $line" <<<"$(sed 's/ \[-[^]]*\]//g' <<<"$commands")" ||
                { echo "missing in domm(1): $line"; exit 1; }
        done
}

@test "domm(1) documents no other command" {
    [ "$(section COMMANDS | grep -c '^     domm ')" = "$(public_commands | wc -l)" ]
}

@test "domm(1) documents the options of every command and no others" {
    [ "$(section COMMANDS | grep -o -E '^ +-[A-Za-z], --[a-z-]+( [A-Z]+)?' | sed 's/^ *//' | sort)" = \
        "$(table '
for c in table["commands"]:
    for o in c["options"]:
        print("-%s, --%s%s" % (o["letter"], o["name"], " " + o["argument"] if "argument" in o else ""))
' | sort)" ]
}

@test "domm(1) documents the global options and no others" {
    [ "$(section OPTIONS | grep -o -E '^ +(-[A-Za-z], )?--[a-z-]+' | sed 's/^ *//' | sort)" = \
        "$(table '
for o in table["global_options"]:
    print(("-%s, " % o["letter"] if "letter" in o else "") + "--" + o["name"])
' | sort)" ]
}

@test "domm(1) documents the exit codes with the same meaning" {
    [ "$(section 'EXIT STATUS' | grep -E '^ +[0-9]+ ' | sed 's/^ *//; s/  */ /')" = \
        "$(table 'print("\n".join("%d %s" % (c["code"], c["meaning"]) for c in table["exit_codes"]))')" ]
}

@test "the manual pages are clean to mandoc" {
    command -v mandoc >/dev/null || skip "mandoc is not installed"
    mandoc -T lint -W warning "$man/domm.1" "$man/domm-agent.8"
}

@test "domm-agent(8) documents the options domm-agent takes" {
    page=$(manual domm-agent.8)
    for option in --interval --help --version; do
        grep -E -- "-[a-zA-Z], $option" <<<"$page"
    done
}

@test "version --json and --version agree with the table's program" {
    run -0 "$domm" --version
    [[ $output =~ ^domm\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    [ "$output" = "$("$domm" -V)" ]
    [ "${output#domm }" = "$("$domm" --json version 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["domm"])')" ]
}
