"""Turns lines of a name and seconds into one line a name: median, spread (median absolute deviation), least, most, and how much of
the base it is."""

import statistics
import sys

times = {}
for line in sys.stdin:
    name, seconds = line.split()
    times.setdefault(name, []).append(float(seconds))
base = statistics.median(times[sys.argv[1]])
for name, seconds in times.items():
    median = statistics.median(seconds)
    spread = statistics.median(abs(time - median) for time in seconds)
    print(
        "{:28} median {:8.3f} s  spread {:6.3f}  least {:8.3f}  most {:8.3f}  n {:2}  {:6.2f} of {}".format(
            name, median, spread, min(seconds), max(seconds), len(seconds), median / base, sys.argv[1]
        )
    )
