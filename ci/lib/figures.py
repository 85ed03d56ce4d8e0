"""Turns what hyperfine exports into one line: median, spread (median absolute deviation), least and most, in ms."""

import json
import statistics
import sys

times = [1000 * seconds for seconds in json.load(sys.stdin)["results"][0]["times"]]
median = statistics.median(times)
spread = statistics.median(abs(time - median) for time in times)
print(
    "{:24} median {:8.2f} ms  spread {:6.2f}  least {:8.2f}  most {:8.2f}  n {}".format(
        sys.argv[1], median, spread, min(times), max(times), len(times)
    )
)
