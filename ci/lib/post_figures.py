"""Turns what `figures holds` printed of each repetition into one line: pairs a second and the time of a post.

    post_figures.py NAME FILE...

A line of a file is a post: when it was due and when it was durable, in microseconds since 1970. A pair is two of them.
"""

import pathlib
import statistics
import sys


def median_and_spread(values):
    median = statistics.median(values)
    return median, statistics.median(abs(value - median) for value in values)


def main():
    rates, latencies = [], []
    for file in sys.argv[2:]:
        posts = [tuple(map(int, line.split())) for line in pathlib.Path(file).read_text().splitlines()]
        first, last = min(due for due, _ in posts), max(answered for _, answered in posts)
        rates.append(len(posts) / 2 / (last - first) * 1e6)
        latencies.extend((answered - due) / 1000 for due, answered in posts)
    latencies.sort()
    at = [latencies[min(len(latencies) - 1, len(latencies) * part // 100)] for part in (50, 99)]
    print(
        "{:36} {:>8,.0f} pairs/s  spread {:>5,.0f}  a post p50 {:8.2f} ms  p99 {:8.2f} ms  n {}".format(
            sys.argv[1], *median_and_spread(rates), *at, len(rates)
        )
    )


main()
