"""Reads a statement as JSON and says whether the job is settled in it: exactly one run, of a positive amount of time.

The argument is the job's id, which its entries carry in the name of the scheduler's job: a cluster that others use too has
runs of other jobs on the same account, and these are settled as well.
"""

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


lines = [line for line in lines_of(json.load(sys.stdin)) if sys.argv[1] in json.dumps(line)]
settled = [line for line in lines if line["kind"] in ("settle", "overrun")]
if len({json.dumps(line.get("run")) for line in settled}) != 1:
    sys.exit("{} entries of job {} in the statement, of one run are expected".format(len(settled), sys.argv[1]))
if not all(str(line["amount"]).strip("-0.") for line in settled):
    sys.exit("a settled entry of no time: {}".format(settled))
