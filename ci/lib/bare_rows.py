#!/usr/bin/env python3
"""Writes COUNT rows as SQLite alone can, and prints rows a second: what an import is compared with.

    bare_rows.py COUNT FOLDER

A run of 14 columns with a unique index of four, and an entry of 11 columns with a leaf of 32 bytes, each in a table of one
file with a write-ahead log; 10,000 of both in one transaction, values made beforehand.
"""

import sqlite3
import sys
import time

CHUNK = 10_000


def main():
    count, folder = int(sys.argv[1]), sys.argv[2]
    database = sqlite3.connect(folder + "/bare.sqlite", isolation_level=None)
    database.execute("PRAGMA journal_mode = wal")
    database.execute("PRAGMA synchronous = full")
    run = ", ".join("c%d" % column for column in range(14))
    entry = ", ".join("c%d" % column for column in range(11))
    database.execute("CREATE TABLE runs (%s)" % run)
    database.execute("CREATE UNIQUE INDEX runs_by_key ON runs (c0, c1, c2, c3)")
    database.execute("CREATE TABLE entries (%s)" % entry)
    runs = "INSERT INTO runs VALUES (%s)" % ", ".join("?" * 14)
    entries = "INSERT INTO entries VALUES (%s)" % ", ".join("?" * 11)
    spent = 0.0
    for first in range(0, count, CHUNK):
        numbers = range(first, min(first + CHUNK, count))
        of_runs = [
            (1, 2, 10_000_000 + n, 1_790_000_000 + 2 * n, n % 200, n % 20, 3, 4, n, n + 60, 60, 4, "sweep-%d" % n, bytes(16))
            for n in numbers
        ]
        of_entries = [(n, "settle", 1, 60_000, 2, 3, n % 20, n, n, n % 200, bytes(32)) for n in numbers]
        begun = time.perf_counter()
        database.execute("BEGIN IMMEDIATE")
        database.executemany(runs, of_runs)
        database.executemany(entries, of_entries)
        database.execute("COMMIT")
        spent += time.perf_counter() - begun
    print(round(count / spent))


main()
