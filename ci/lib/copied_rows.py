#!/usr/bin/env python3
"""Copies COUNT rows as PostgreSQL alone can, and prints rows a second: what an import on a server is compared with.

    copied_rows.py COUNT FOLDER URL

A run of 14 columns with a unique index of four, and an entry of 11 columns with a leaf of 32 bytes, as in bare_rows.py: each
table by one COPY of `psql`, both in one transaction, from files that were made beforehand.
"""

import pathlib
import subprocess
import sys
import time


def main():
    count, folder, url = int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    with (folder / "runs.copy").open("w") as runs, (folder / "entries.copy").open("w") as entries:
        for n in range(count):
            runs.write("1\t2\t{}\t{}\t{}\t{}\t3\t4\t{}\t{}\t60\t4\tsweep-{}\t\\\\x{}\n".format(
                10_000_000 + n, 1_790_000_000 + 2 * n, n % 200, n % 20, n, n + 60, n, "00" * 16
            ))
            entries.write("{}\tsettle\t1\t60000\t2\t3\t{}\t{}\t{}\t{}\t\\\\x{}\n".format(
                n, n % 20, n, n, n % 200, "00" * 32
            ))
    numbers = ", ".join("c{} bigint".format(column) for column in range(12))
    script = """
        CREATE TABLE copied_runs ({}, name text, raw bytea);
        CREATE UNIQUE INDEX copied_runs_by_key ON copied_runs (c0, c1, c2, c3);
        CREATE TABLE copied_entries (number bigint, kind text, {}, leaf bytea);
        BEGIN;
        \\copy copied_runs FROM '{}'
        \\copy copied_entries FROM '{}'
        COMMIT;
    """.format(
        numbers,
        ", ".join("c{} bigint".format(column) for column in range(2, 10)),
        folder / "runs.copy",
        folder / "entries.copy",
    )
    begun = time.perf_counter()
    psql = ["psql", "--quiet", "--set", "ON_ERROR_STOP=1", url]
    subprocess.run(psql, input=script.replace("        ", ""), text=True, check=True)
    print(round(count / (time.perf_counter() - begun)))
    for name in ("runs.copy", "entries.copy"):
        (folder / name).unlink()


main()
