"""Writes PAIRS times what a hold and its close write, as SQLite alone can, and prints pairs a second.

    bare_holds.py PAIRS TOGETHER FOLDER

Each half of a pair is an entry of 20 columns with its unique key and its hold in indexes, a row of holds written or changed,
a row of posts, and the one row of the log; TOGETHER halves are committed at once, with a write-ahead log that is synced.
"""

import itertools
import pathlib
import sqlite3
import sys
import time

TABLES = """
CREATE TABLE entries (number INTEGER PRIMARY KEY, key TEXT, hold TEXT, {}, leaf BLOB);
CREATE UNIQUE INDEX entries_by_key ON entries (key);
CREATE INDEX entries_by_hold ON entries (hold);
CREATE TABLE holds (id TEXT PRIMARY KEY, project TEXT, ceiling INTEGER, note TEXT, closed_at INTEGER) WITHOUT ROWID;
CREATE TABLE posts (number INTEGER PRIMARY KEY, recorded_at INTEGER, actor TEXT, last_entry INTEGER);
CREATE TABLE log (one INTEGER PRIMARY KEY, frontier BLOB, checkpoint TEXT);
INSERT INTO log VALUES (1, zeroblob(400), '');
""".format(", ".join("c{} INTEGER".format(column) for column in range(16)))


def write_half(database, number):
    hold = "01m5vj1jg0{:016}".format(number // 2)
    kind = "hold" if number % 2 == 0 else "release"
    values = (number + 1, "{}:{}".format(kind, hold), hold, *range(16), bytes(32))
    database.execute("INSERT INTO entries VALUES ({})".format(", ".join("?" * 20)), values)
    if kind == "hold":
        database.execute("INSERT INTO holds VALUES (?, 'atlas', 14400000, 'sweep', NULL)", (hold,))
    else:
        database.execute("UPDATE holds SET closed_at = 1790000000 WHERE id = ?", (hold,))
    database.execute("INSERT INTO posts VALUES (?, 1790000000, 'ada', ?)", (number + 1, number + 1))


def main():
    pairs, together, folder = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    file = folder / "bare-holds-{}.sqlite".format(together)
    for name in (file, *folder.glob(file.name + "-*")):
        name.unlink(missing_ok=True)
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode = wal")
    database.execute("PRAGMA synchronous = full")
    database.executescript(TABLES)
    begun, halves = time.perf_counter(), iter(range(2 * pairs))
    while group := list(itertools.islice(halves, together)):
        database.execute("BEGIN IMMEDIATE")
        for number in group:
            write_half(database, number)
        database.execute("UPDATE log SET frontier = ?, checkpoint = ?", (bytes(400), "c" * 200))
        database.execute("COMMIT")
    print(round(pairs / (time.perf_counter() - begun)))


main()
