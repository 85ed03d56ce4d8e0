"""Makes a state folder of many jobs out of one that pakt made: copies its job directory under new ids.

    many_jobs.py STATE COUNT OPEN

STATE holds exactly one job, which is over. Afterwards it holds COUNT jobs, the newest OPEN of which are not over: each
of these names a scheduler job of its own.
"""

import json
import pathlib
import shutil
import sys

state, count, still_open = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
(original,) = (state / "jobs").iterdir()
DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def text_of(number):
    """26 digits of Crockford's base 32, as a ULID has them."""
    return "".join(DIGITS[number >> 5 * place & 31] for place in reversed(range(26)))


def number_of(text):
    number = 0
    for letter in text:
        number = number << 5 | DIGITS.index(letter)
    return number


first = number_of(original.name)
last_scheduler_job = json.loads((original / "submitted.json").read_text())["scheduler_job"]
for number in range(1, count):
    # A later millisecond each, so that the order of the ids is the order of the jobs.
    copy = original.with_name(text_of(first + (number << 80)))
    is_open = number >= count - still_open
    shutil.copytree(original, copy, ignore=lambda _, names: [name for name in names if is_open and name == "ended.json"])
    for name in ("intent.json", "submitted.json"):
        record = json.loads((copy / name).read_text())
        if name == "intent.json":
            record["id"], record["name"] = copy.name, "copy-{}".format(number)
        elif is_open:
            record["scheduler_job"] = int(last_scheduler_job) + number
        (copy / name).write_text(json.dumps(record))
(state / "ended.index").unlink(missing_ok=True)
