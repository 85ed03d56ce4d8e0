#!/usr/bin/env python3
"""Writes what `sacct --parsable2` would print of a busy month: one header, then COUNT runs of 200 people in 20 accounts.

    sacct_text.py COUNT > runs.psv

The same COUNT gives the same text. Rows are as long as those of a site, about 480 bytes;
one in seven did not complete.
"""

import sys

COLUMNS = (
    "JobIDRaw JobID Cluster User UID Account Partition QOS State ExitCode Submit Start End ElapsedRaw TimelimitRaw "
    "AllocNodes ReqNodes AllocTRES ReqTRES Reason Restarts WorkDir Comment SubmitLine JobName"
).split()
FIRST = 1_790_000_000
SIZES = (1, 1, 1, 2, 2, 4, 8, 16)
STATES = ("COMPLETED",) * 9 + ("TIMEOUT", "COMPLETED", "FAILED") + ("COMPLETED",) * 7 + ("CANCELLED by 1000",)


def main():
    count = int(sys.argv[1])
    write = sys.stdout.write
    write("|".join(COLUMNS) + "\n")
    rows = []
    for number in range(count):
        person, nodes = number * 7919 % 200, SIZES[number % 8]
        elapsed = 60 + number * 104729 % 86_000
        # Before the day on which this was written, however many there are.
        submit = FIRST + number * 2_000_000 // max(count, 1_000_000)
        start = submit + number % 900
        tres = "billing={0},cpu={0},gres/gpu={1},gres/gpu:gh200={1},mem={2}M,node={3}".format(
            288 * nodes, 4 * nodes, 860_000 * nodes, nodes
        )
        job = 10_000_000 + number
        rows.append(
            "{job}|{job}|jupiter|user{person:03}|{uid}|acct{account:02}|booster|normal|{state}|0:0|{submit}|{start}|{end}"
            "|{elapsed}|1440|{nodes}|{nodes}|{tres}|billing={nodes},cpu={nodes},gres/gpu={gpus},mem={mem}M,node={nodes}"
            "|None|0|/p/project1/acct{account:02}/user{person:03}/language-model/sweep-of-learning-rates"
            "||sbatch --parsable --account=acct{account:02} --partition=booster --nodes={nodes} --gpus-per-node=4 "
            "--time=24:00:00 --output=logs/%x-%j.out --export=ALL,SEED={number} train.sh|sweep-{number}\n".format(
                job=job,
                person=person,
                uid=20_000 + person,
                account=person % 20,
                state=STATES[number % 20],
                submit=submit,
                start=start,
                end=start + elapsed,
                elapsed=elapsed,
                nodes=nodes,
                tres=tres,
                gpus=4 * nodes,
                mem=860_000 * nodes,
                number=number,
            )
        )
        if len(rows) == 10_000:
            write("".join(rows))
            rows.clear()
    write("".join(rows))


main()
