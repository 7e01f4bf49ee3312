# SPDX-License-Identifier: GPL-3.0-or-later
"""valid.py SCHEMA [--lines]: fails unless standard input is JSON that is valid by the schema, or each of
its lines is, and unless the schema refuses it once any object of it has a member more."""

import json
import sys

import jsonschema


def objects(value):
    """The objects in a value; of an array those of its first item and of its last."""
    if isinstance(value, dict):
        yield value
        for member in list(value.values()):
            yield from objects(member)
    elif isinstance(value, list):
        for item in value if len(value) < 3 else (value[0], value[-1]):
            yield from objects(item)


def check(validator, value):
    validator.validate(value)
    for one in objects(value):
        one["surplus"] = None
        assert not validator.is_valid(value), f"a surplus member is valid in {one}"
        del one["surplus"]


def main(path, lines=False):
    with open(path, encoding="utf-8") as stream:
        schema = json.load(stream)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for text in sys.stdin if lines else [sys.stdin.read()]:
        check(validator, json.loads(text))


main(sys.argv[1], sys.argv[2:] == ["--lines"])
