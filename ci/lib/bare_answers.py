"""Asks SQLite alone, over a ledger's own file, for what reports ask a ledger; a line for each answer, as answers.py takes it.

    bare_answers.py LEDGER TURNS

The usage from the sums that the ledger keeps, and from the entries, as a ledger without sums would; every row of the entries,
which `verify` reads too; and the SHA-256 of the whole file, told as entries.
"""

import hashlib
import sqlite3
import sys
import time

QUESTIONS = {
    "usage-of-sums": "SELECT month, project, unit, sum(amount) FROM monthly_usage GROUP BY month, unit, project",
    "usage-of-entries": """SELECT strftime('%Y-%m', effective_at, 'unixepoch'), project, unit, sum(amount)
        FROM entries WHERE kind = 'settle' GROUP BY 1, 2, 3""",
    "rows-of-entries": "SELECT * FROM entries",
}


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.digest()


def main():
    path, turns = sys.argv[1], int(sys.argv[2])
    database = sqlite3.connect("file:{}?mode=ro".format(path), uri=True)
    entries = database.execute("SELECT count(*) FROM entries").fetchone()[0]
    for _ in range(turns):
        for asked, question in QUESTIONS.items():
            begun, rows = time.perf_counter(), 0
            for _ in database.execute(question):
                rows += 1
            print(asked, rows, round((time.perf_counter() - begun) * 1e6))
        begun = time.perf_counter()
        sha256_of(path)
        print("sha256-of-file", entries, round((time.perf_counter() - begun) * 1e6))


main()
