#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the structure of the C sources below cmd/ and lib/, by their text alone.

house.py CHECK [DIRECTORY]
  circles   no circle of files. A file depends on a header that it includes, and on a file that
            defines a function or an object that it uses, whichever header declares it.
  names     no two structs, enums or unions have one name, and no two functions that a debugger can
            see together: those of lib, and those of one program.
  comments  every function that a header declares has a comment, its own or its group's.
  words     words that were given up (tests/given-up-words) do not come back.

Prints each violation as a line, and exits with 1 if there is one.
"""
import collections
import os
import re
import sys

TOKEN = re.compile(
    r"(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+')", re.S
)
INCLUDE = re.compile(r'^#include "((?:lib|cmd)/[^"]+)"', re.M)
# clang-format puts the beginning of every definition at the beginning of a line.
DEFINITION = re.compile(
    r"^(?!static\b|typedef\b|extern\b|struct \w+ \{|enum|union|#|else|return)"
    r"[A-Za-z_][^;{}()=]*?\b(\w+)\([^;{}]*\)\n\{",
    re.M,
)
OBJECT = re.compile(
    r"^(?!static\b|typedef\b|extern\b|return\b|#)[A-Za-z_][\w *]*?\b(\w+)(?:\[[^\]]*\])* = ", re.M
)
STATIC = re.compile(r"^static [^;{}()=]*?\b(\w+)[\[(= ]", re.M)
FUNCTION = re.compile(r"^(?!typedef\b|extern\b|#)[A-Za-z_][^;{}()=]*?(?:DOMM_PRINTF\([^)]*\)[^;{}()=]*?)?\b(\w+)\([^;{}]*\)\n?\s*\{", re.M)
TYPE = re.compile(r"^(struct|enum|union) (\w+) ?\{", re.M)
NAME = re.compile(r"[A-Za-z_]\w*")


def sources(*endings):
    """Paths of the tree's C files, but for the one that the build makes."""
    found = []
    for top in ("cmd", "lib"):
        for directory, _, names in os.walk(top):
            found += [os.path.join(directory, n) for n in names if n.endswith(endings or (".c", ".h")) and n != "completion-scripts.h"]
    return sorted(found)


def texts():
    """Paths of everything that people read, but for this check and its list."""
    yield from (name for name in ("DEVELOPERS.md", "Makefile.am", "README.md", "configure.ac") if os.path.exists(name))
    for top in ("cmd", "completions", "debian", "lib", "m4", "man", "scripts", "tests"):
        for directory, _, names in os.walk(top):
            for name in names:
                path = os.path.join(directory, name)
                built = name.endswith((".o", ".log", ".trs", ".Po")) or "__pycache__" in directory
                if not built and not os.path.islink(path) and name not in ("given-up-words", "house.py"):
                    yield path


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def code(text):
    """The text without comments and with empty strings; lines stay where they are."""

    def blank(match):
        if match["comment"]:
            return "\n" * match[0].count("\n")
        return match[0][0] * 2

    return TOKEN.sub(blank, text)


def definitions(path):
    text = code(read(path))
    return set(DEFINITION.findall(text)) | set(OBJECT.findall(text))


def exported():
    """Where each name with external linkage is defined. A name may be defined in several programs."""
    where = collections.defaultdict(set)
    for path in sources(".c"):
        for name in definitions(path):
            if name != "main":
                where[name].add(path)
    return where


def program(path):
    """Files of a program use its own and those of lib."""
    return path.split("/")[1] if path.startswith("cmd/") else "lib"


def meet(path, other):
    """Whether both may be in one program."""
    return program(path) == program(other) or "lib" in (program(path), program(other))


def edges():
    """Why one file depends on another: {file: {file: why}}."""
    graph = collections.defaultdict(dict)
    where = exported()
    for path in sources():
        text = code(read(path))
        for included in INCLUDE.findall(read(path)):
            graph[path][included] = f"{path} includes {included}"
        if path.endswith(".h"):
            continue
        local = definitions(path) | set(STATIC.findall(text))
        for name in sorted(set(NAME.findall(text)) - local):
            for other in where.get(name, ()):
                if program(other) in (program(path), "lib"):
                    graph[path].setdefault(other, f"{path} uses {name} of {other}")
    return graph


def components(graph):
    """Strongly connected components of more than one node (Tarjan)."""
    index, low, stack, on, result = {}, {}, [], set(), []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on.add(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in on:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            part = []
            while True:
                part.append(stack.pop())
                on.discard(part[-1])
                if part[-1] == node:
                    break
            if len(part) > 1:
                result.append(sorted(part))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return result


def circles():
    graph = edges()
    for part in components(graph):
        yield "circle: " + ", ".join(part)
        for path in part:
            for other, why in sorted(graph[path].items()):
                if other in part:
                    yield "  " + why


def names():
    seen = collections.defaultdict(set)
    for path in sources():
        for kind, name in TYPE.findall(code(read(path))):
            seen[name].add(f"{path} ({kind})")
    for name, places in sorted(seen.items()):
        if len(places) > 1:
            yield f"{name}: " + ", ".join(sorted(places))
    functions = collections.defaultdict(set)
    for path in sources(".c"):
        for name in FUNCTION.findall(code(read(path))):
            functions[name].add(path)
    for name, paths in sorted(functions.items()):
        for path in sorted(paths):
            same = [p for p in sorted(paths) if p > path and meet(p, path)]
            if same and name != "main":
                yield f"{name}() is defined in {path} and {', '.join(same)}"



PROTOTYPE = re.compile(r"^(?!typedef\b|static\b|#)[A-Za-z_][^;{}()#]*?\b(\w+)\((?!\*)[^;{}]*\)[^;{}]*;", re.M)


def comments():
    """A group is lines of prototypes without an empty line between them; one comment is for all."""
    for path in sources(".h"):
        for block in re.split(r"\n[ \t]*\n", read(path)):
            bare = code(block)
            names = PROTOTYPE.findall(bare)
            if names and "/*" not in block:
                for name in names:
                    yield f"{path}: {name} has no comment"


def words():
    here = os.path.dirname(os.path.abspath(__file__))
    given_up = []
    for line in read(os.path.join(here, "given-up-words")).splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition("\t")
            given_up.append((re.compile(word), rest.strip()))
    for path in texts():
        try:
            text = read(path)
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            for word, better in given_up:
                if word.search(line):
                    yield f"{path}:{number}: {word.pattern}, say {better}: {line.strip()}"


CHECKS = {"circles": circles, "names": names, "comments": comments, "words": words}


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in CHECKS:
        sys.exit(__doc__)
    if len(sys.argv) == 3:
        os.chdir(sys.argv[2])
    found = list(CHECKS[sys.argv[1]]())
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
