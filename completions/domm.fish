# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for domm(1). domm itself knows, from its table of commands, what a word can become;
# this asks it, and fish quotes its answers.

# What is typed of the word, without its quotes, of which the last may be open.
function __domm_word
    set -l typed (commandline -ct)
    for quote in '' "'" '"'
        string unescape -- "$typed$quote"; and return
    end
    echo -- $typed
end

# Keeps the answers; fails if they are names of files, which fish itself completes.
function __domm_ask
    set -l words (commandline -opc)
    set -l program (string replace -r '^~/' ~/ -- $words[1])
    set -g __domm_answers ($program __complete -- $words[2..] (__domm_word) 2>/dev/null)
    test "$__domm_answers" != :file
end

complete -c domm -n __domm_ask -f -a '$__domm_answers'
