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

# section PAGE HEADING: its part from a heading to the next.
section() {
    manual "$1" | sed -n "/^$2\$/,/^[A-Z]/p"
}

# The manuals of commands, by the table: domm-check(1) is the file domm-check.1.
pages() {
    table 'print("\n".join(sorted({c["page"] for c in table["commands"] if not c["internal"]})))' |
        sed 's/(\(.\))$/.\1/'
}

# of_page FILE EXPRESSION: what Python makes of the list `commands`, those that this page describes.
of_page() {
    table "
commands = [c for c in table['commands'] if c.get('page', '').replace('(', '.').replace(')', '') == '$1']
print('\n'.join(sorted($2)))"
}

# What describes the commands of a page: domm(1) is about much more.
commands_section() {
    section "$1" "$([ "$1" = domm.1 ] && echo "SMALL COMMANDS" || echo "$2")"
}

@test "help lists every command with its summary" {
    run -0 "$domm" help
    while IFS=$'\t' read -r name summary; do
        grep -E "^  $name +$summary\$" <<<"$output"
    done < <(table 'print("\n".join(c["name"] + (", " + c["alias"] if "alias" in c else "") + "\t" + c["summary"] for c in table["commands"] if not c["internal"]))')
}

@test "help says which shells complete, and how each gets that" {
    for shell in $("$domm" __complete -- completion ""); do
        [[ $("$domm" help) == *"$shell"* ]]
        "$domm" help completion | grep -E "domm completion.*$shell"
        manual domm.1 | grep -E "^ +(\. <\()?domm completion( $shell)?"
    done
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
        output=$("$domm" help "$name" | tr -s ' \n' ' ') # texts are wrapped
        [[ $output == *"$first"* ]]
        [[ $output == *"$second"* ]]
    done
}

@test "help of an unknown command is wrong usage" {
    fails 2 "$domm" help nonsense
    says "unknown command 'nonsense'"
}

@test "domm(1) lists every command with its summary and its manual, in the order of help" {
    [ "$(section domm.1 COMMANDS | sed -n -E 's/^     ([a-z-]+)  +/\1 /p')" = "$(table '
for c in table["commands"]:
    if not c["internal"]:
        print(c["name"], c["summary"] + ("" if c["page"] == "domm(1)" else "; " + c["page"]))')" ]
}

@test "help of each command names its manual" {
    table 'print("\n".join(c["name"] + " " + c["page"] for c in table["commands"] if not c["internal"]))' |
        while read -r name page; do
            "$domm" help "$name" | grep -F -x "The manual is $page."
        done
}

@test "each manual has the synopses of its commands and of no others" {
    for page in $(pages); do
        echo "$page"
        [ "$(commands_section "$page" SYNOPSIS | sed -n 's/ \[-[^]]*\]//g; /^     domm [a-z-]* -/d; s/^     domm //p' | sort)" = \
            "$(of_page "$page" '(c["name"] + " " + c["synopsis"]).strip() for c in commands')" ]
    done
}

@test "each synopsis has the letters of the options of its command and no others" {
    table '
for c in table["commands"]:
    if not c["internal"]:
        letters = ["-" + o["letter"] + (" " + o["argument"] if "argument" in o else "") for o in c["options"] if "letter" in o]
        print(c["page"].replace("(", ".").replace(")", ""), c["name"], ";".join(sorted(letters)))' |
        while read -r page name letters; do
            echo "$name"
            [ "$(commands_section "$page" SYNOPSIS | grep "^     domm $name\b" |
                grep -o -E -- ' \[?-[A-Za-z]\b( [A-Z]+)?' | sed 's/^ \[\?//' | LC_ALL=C sort | paste -s -d ';')" = "$letters" ]
        done
}

@test "another name of a command has its help, and is in its manual" {
    table 'print("\n".join(c["name"] + " " + c["alias"] + " " + c["page"].replace("(", ".").replace(")", "")
                           for c in table["commands"] if "alias" in c))' |
        while read -r name alias page; do
            [ "$("$domm" help "$alias")" = "$("$domm" help "$name")" ]
            "$domm" help "$name" | grep -F "$alias is another name of this command."
            manual "$page" | grep -F "$alias is another name of this command."
        done
}

@test "no line of help exceeds 80 columns" {
    {
        "$domm" help
        for command in $(public_commands) receive __complete; do
            "$domm" help "$command"
            "$domm" "$command" --help
        done
        for program in dommd domm-agent domm-kernel-check; do
            "$DOMM_BUILD/$program" --help
        done
        "$DOMM_SOURCE/scripts/domm-image" -h
    } >"$BATS_TEST_TMPDIR/help"
    run -1 grep -E '.{81}' "$BATS_TEST_TMPDIR/help"
}

@test "each manual documents the options of its commands and no others" {
    for page in $(pages); do
        echo "$page"
        [ "$(commands_section "$page" OPTIONS | grep -o -E '^     (-[A-Za-z], )?--[a-z-]+( [A-Z]+)?' | sed 's/^ *//' | LC_ALL=C sort)" = \
            "$(of_page "$page" '("-%s, " % o["letter"] if "letter" in o else "") + "--" + o["name"] +
                (" " + o["argument"] if "argument" in o else "") for c in commands for o in c["options"]')" ]
    done
}

@test "domm(1) documents the global options and no others" {
    [ "$(section domm.1 OPTIONS | grep -o -E '^ +(-[A-Za-z], )?--[a-z-]+' | sed 's/^ *//' | sort)" = \
        "$(table '
for o in table["global_options"]:
    print(("-%s, " % o["letter"] if "letter" in o else "") + "--" + o["name"])
' | sort)" ]
}

@test "domm(1) documents the exit codes with the same meaning" {
    [ "$(section domm.1 'EXIT STATUS' | grep -E '^ +[0-9]+ ' | sed 's/^ *//; s/  */ /')" = \
        "$(table 'print("\n".join("%d %s" % (c["code"], c["meaning"]) for c in table["exit_codes"]))')" ]
}

@test "the manuals of commands have the same sections, with examples early" {
    for page in $(pages); do
        [ "$page" != domm.1 ] || continue
        echo "$page"
        sections=$(sed -n 's/^\.Sh //p' "$man/$page" | paste -s -d ';')
        [[ $sections == NAME\;SYNOPSIS\;DESCRIPTION\;OPTIONS\;*"EXIT STATUS;EXAMPLES;"* ]]
        [[ $sections == *\;"SEE ALSO" ]]
        # man domm-COMMAND finds it.
        [ "$(sed -n '/^\.Sh NAME/,/^\.Nd/s/^\.Nm domm-\([a-z-]*\).*/\1/p' "$man/$page" | sort)" = \
            "$(of_page "$page" 'c["name"] for c in commands')" ]
    done
}

@test "the manual pages are clean to mandoc" {
    command -v mandoc >/dev/null || skip "mandoc is not installed"
    mandoc -T lint -W warning "$man"/domm*.[0-9]
    run -1 grep -E '^(<{7}|={7}|>{7})( |$)' "$man"/*.[0-9] # what a merge has left is text to it
}

@test "a manual that another one refers to is there, and domm(1) refers to all" {
    while read -r _ name number _; do
        [ -e "$man/$name.$number" ] || { echo "$name($number)"; return 1; }
    done < <(grep -h '^\.Xr domm' "$man"/*.[0-9])
    for page in "$man"/*.[0-9]; do
        name=${page##*/}
        [ "$name" = domm.1 ] || sed -n '/^\.Sh SEE ALSO/,/^\.Sh B/p' "$man/domm.1" | grep "^\.Xr ${name%.*} ${name##*.}\b"
    done
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
