"""Tells what `ci/bench import` measured of a file: rows a second, processor time and memory of both turns, beside bare rows.
Fails where the first did not enter every run, or the second entered one.

    imported.py COUNT FOLDER [server]
"""

import json
import pathlib
import sys

count, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
bare = int((folder / "bare").read_text())
place, alone = ("import-server", "COPY") if sys.argv[3:] == ["server"] else ("import", "SQLite")
print("{:28} {:>9,} rows/s, written by {} alone".format("bare-{}".format(count), bare, alone))
for turn, expected in (("first", (count, 0, 0)), ("again", (0, count, 0))):
    report = json.loads((folder / (turn + ".json")).read_text())["imported"]
    found = (report["new"], report["same"], report["corrected"])
    if found != expected:
        sys.exit("{}-{} {}: new, same, corrected are {} and not {}".format(place, count, turn, found, expected))
    kilobytes, seconds, user, system = (float(word) for word in (folder / turn).read_text().split()[-4:])
    rate = count / seconds
    print(
        "{:28} {:>9,.0f} rows/s  {:6.1f} s  {:6.1f} s of processors  {:>9,.0f} kB  {:.2f} of bare (limit 300,000 kB)".format(
            "{}-{}-{}".format(place, count, turn), rate, seconds, user + system, kilobytes, rate / bare
        )
    )
