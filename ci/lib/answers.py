"""One line for each kind of answer on standard input: median and spread (median absolute deviation), rows, and rows a second.

    answers.py NAME

A line is what was asked, how many rows came, and the microseconds it took.
"""

import statistics
import sys

answers = {}
for line in sys.stdin:
    asked, rows, microseconds = line.split()
    answers.setdefault(asked, []).append((int(rows), int(microseconds) / 1000))
for asked, found in answers.items():
    rows, times = found[-1][0], [milliseconds for _, milliseconds in found]
    median = statistics.median(times)
    print(
        "{:28} median {:10.2f} ms  spread {:8.2f}  most {:10.2f}  {:>10,} rows  {:>12,.0f} rows/s  n {}".format(
            sys.argv[1] + "-" + asked,
            median,
            statistics.median(abs(time - median) for time in times),
            max(times),
            rows,
            rows / median * 1000,
            len(times),
        )
    )
