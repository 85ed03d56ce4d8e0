"""Tells what `ci/bench settle` measured of a month: memory, time and rows a second of both turns. Fails where the first did
not enter every run, or the second entered one.

    settled_month.py COUNT FOLDER
"""

import json
import pathlib
import sys

count, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
for turn, expected in (("first", (count, 0, 0)), ("again", (0, count, 0))):
    report = json.loads((folder / (turn + ".json")).read_text())["settled"]
    found = (report["new"], report["same"], report["corrected"])
    if found != expected:
        sys.exit("settle-{} {}: new, same, corrected are {} and not {}".format(count, turn, found, expected))
    kilobytes, seconds = (folder / turn).read_text().split()[-2:]
    print(
        "{:24} {:>7,} kB  {:>6} s  {:>6,.0f} rows/s  {:>7,} new (limit 100,000 kB)".format(
            "settle-{}-{}".format(count, turn), int(kilobytes), seconds, count / float(seconds), report["new"]
        )
    )
