"""Tells what `ci/bench slurmdbd` measured: the import beside `sacct` alone, and the memory of slurmdbd. Fails where a run is
missing.

    from_slurm.py COUNT FOLDER
"""

import json
import pathlib
import statistics
import sys

count, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
report = json.loads((folder / "first.json").read_text())["imported"]
if report["new"] < count:
    sys.exit("slurmdbd: {} of {} jobs were entered".format(report["new"], count))
kilobytes, seconds, user, system = (float(word) for word in (folder / "first").read_text().split()[-4:])
alone = statistics.median(float(line) for line in (folder / "sacct").read_text().split())
print("{:24} {:6.1f} s to /dev/null, median of 3".format("sacct-{}".format(count), alone))
print(
    "{:24} {:6.1f} s, {:.2f} of sacct (limit 1.40)  {:,.0f} kB, slurmdbd {:,} kB (limit 300,000)".format(
        "from-slurm-{}".format(count), seconds, seconds / alone, kilobytes, int((folder / "daemon").read_text())
    )
)
