"""Tells what `ci/bench import` measured of a file: rows a second, processor time and memory of both turns, beside bare rows.
Fails where the first did not enter every run, or the second entered one.

    imported.py COUNT FOLDER
"""

import json
import pathlib
import sys

count, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
bare = int((folder / "bare").read_text())
print("{:24} {:>9,} rows/s, written by SQLite alone".format("bare-{}".format(count), bare))
for turn, expected in (("first", (count, 0, 0)), ("again", (0, count, 0))):
    report = json.loads((folder / (turn + ".json")).read_text())["imported"]
    found = (report["new"], report["same"], report["corrected"])
    if found != expected:
        sys.exit("import-{} {}: new, same, corrected are {} and not {}".format(count, turn, found, expected))
    kilobytes, seconds, user, system = (float(word) for word in (folder / turn).read_text().split()[-4:])
    rate = count / seconds
    print(
        "{:24} {:>9,.0f} rows/s  {:6.1f} s  {:6.1f} s of processors  {:>9,.0f} kB  {:.2f} of bare".format(
            "import-{}-{}".format(count, turn), rate, seconds, user + system, kilobytes, rate / bare
        )
    )
