"""One line of the rates on standard input, one a line: median, spread (median absolute deviation), least and most.

    rates.py NAME UNIT
"""

import statistics
import sys

rates = [float(line) for line in sys.stdin]
median = statistics.median(rates)
spread = statistics.median(abs(rate - median) for rate in rates)
print(
    "{:36} {:>8,.0f} {}  spread {:>5,.0f}  least {:>8,.0f}  most {:>8,.0f}  n {}".format(
        sys.argv[1], median, sys.argv[2], spread, min(rates), max(rates), len(rates)
    )
)
