"""Reads a statement as JSON and says whether a run is settled in it: exactly one, of a positive amount of time."""

import json
import sys


def lines_of(value):
    """Every object with a `kind` and an `amount`, however deep it lies."""
    if isinstance(value, list):
        for item in value:
            yield from lines_of(item)
    elif isinstance(value, dict):
        if "kind" in value and "amount" in value:
            yield value
        for item in value.values():
            yield from lines_of(item)


settled = [line for line in lines_of(json.load(sys.stdin)) if line["kind"] in ("settle", "overrun")]
if len({json.dumps(line.get("run")) for line in settled}) != 1:
    sys.exit("{} settled runs in the statement, one is expected".format(len(settled)))
if not all(str(line["amount"]).strip("-0.") for line in settled):
    sys.exit("a settled entry of no time: {}".format(settled))
