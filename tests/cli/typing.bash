# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154  # helper.bash sets domm
# Shells that have a terminal, for the tests of completion.
bats_require_minimum_version 1.5.0

# type_at PROMPT KEYS COMMAND: types keys, given as printf's format, at a command that has a terminal,
# once its prompt is there.
type_at() {
    command -v script >/dev/null || skip "script is not installed"
    local typescript=$BATS_TEST_TMPDIR/typescript
    rm -f "$typescript"
    {
        eventually grep -q "$1" "$typescript"
        # shellcheck disable=SC2059  # the keys are a format
        printf "$2"
    } | TERM=dumb script -q -e -f -c "$3" "$typescript"
}

# Names that must be quoted, and none of which begins as another does.
hard_names="ids
my guest
it's
say \"hi\"
cost \$5\`!x
web;x|y&z
glob*?[1]{2,3}
back\\slash
two:parts
(round)<angle>
#hash
~home"

# keys_for_names BEFORE: the keys that complete each of these names, typed in no quote and in both, as
# an operand in a line of its own that begins so.
keys_for_names() {
    local quote name
    for quote in '' "'" '"'; do
        while IFS= read -r name; do
            [[ $quote || $name == [a-z]* ]] && printf '%s%s\\t -x\\n' "$1 $quote" "${name:0:2}"
        done <<<"$hard_names"
    done
}

# names_given BEFORE: what `given` prints of them.
names_given() {
    local quote name
    for quote in '' "'" '"'; do
        while IFS= read -r name; do
            [[ $quote || $name == [a-z]* ]] && printf '%s<%s><-x>\n' "$1" "$name"
        done <<<"$hard_names"
    done
}

# ssh_has FILE LINES: a file below a home of the test's own, for ssh.
ssh_has() {
    export HOME=$BATS_TEST_TMPDIR/home
    mkdir -p "$(dirname "$HOME/.ssh/$1")"
    printf '%s\n' "$2" >>"$HOME/.ssh/$1"
}

# in_front_of PROGRAM: a domm in the path that has that program complete, and otherwise notes the words
# that it was given.
in_front_of() {
    mkdir -p "$BATS_TEST_TMPDIR/bin"
    cat >"$BATS_TEST_TMPDIR/bin/domm" <<EOF
#!/bin/sh
[ "\$1" != __complete ] || exec "$1" "\$@"
printf '<%s>' "\$@" >>"$BATS_TEST_TMPDIR/given"
echo >>"$BATS_TEST_TMPDIR/given"
EOF
    chmod +x "$BATS_TEST_TMPDIR/bin/domm"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# given: the words that domm was run with, since this was asked last; a line for each time.
given() {
    cat "$BATS_TEST_TMPDIR/given"
    rm "$BATS_TEST_TMPDIR/given"
}
