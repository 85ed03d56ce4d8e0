#!/usr/bin/env python3
"""Stands in for sacct, squeue and scontrol of a cluster where one person had as many runs as MANY_RUNS says.

Called by the name of the program that it stands in for. The runs ended in the ten days before the instant that MANY_RUNS_UNTIL
says (epoch seconds), one after the other, and are the same at every call. Their rows are as long as those of a site's.
"""

import os
import pathlib
import pwd
import sys

COLUMNS = (
    "JobIDRaw JobID Cluster User UID Account Partition QOS State ExitCode Submit Start End ElapsedRaw TimelimitRaw "
    "AllocNodes ReqNodes AllocTRES ReqTRES Reason Restarts WorkDir Comment SubmitLine JobName"
).split()
SECONDS = 10 * 86_400

user = pwd.getpwuid(os.getuid()).pw_name
fixed = {
    "Cluster": "double",
    "User": user,
    "UID": str(os.getuid()),
    "Account": "atlas",
    "Partition": "booster",
    "QOS": "normal",
    "State": "COMPLETED",
    "ExitCode": "0:0",
    "ElapsedRaw": "60",
    "TimelimitRaw": "1440",
    "AllocNodes": "2",
    "ReqNodes": "2",
    "AllocTRES": "billing=576,cpu=576,gres/gpu=8,gres/gpu:gh200=8,mem=1720000M,node=2",
    "ReqTRES": "billing=2,cpu=2,gres/gpu=8,mem=1720000M,node=2",
    "Reason": "None",
    "Restarts": "0",
    "WorkDir": "/p/project1/atlas/{}/experiments/language-model/sweep-of-learning-rates".format(user),
    "Comment": "",
}


def option(name):
    return next(word.partition("=")[2] for word in sys.argv if word.startswith(name + "="))


def sacct():
    if "--helpformat" in sys.argv:
        print(" ".join(COLUMNS))
        return
    delimiter, columns = option("--delimiter"), option("--format").split(",")
    sys.stdout.write("".join(column + delimiter for column in columns) + "\n")
    count, until = int(os.environ["MANY_RUNS"]), int(os.environ["MANY_RUNS_UNTIL"])
    for number in range(count):
        ended = until - SECONDS + number * SECONDS // count
        row = dict(
            fixed,
            JobIDRaw=1_000_000 + number,
            JobID=1_000_000 + number,
            Submit=ended - 120,
            Start=ended - 60,
            End=ended,
            JobName="sweep-{}".format(number),
            SubmitLine="sbatch --parsable --account=atlas --partition=booster --nodes=2 --gpus-per-node=4 "
            "--time=24:00:00 --output=logs/%x-%j.out --export=ALL,SEED={} train.sh --config base.yaml".format(number),
        )
        sys.stdout.write("".join(str(row[column]) + delimiter for column in columns) + "\n")


def squeue():
    fields = [field.split(":", 1) for field in sys.argv[sys.argv.index("-O") + 1].split(",")]
    print("".join(name.upper() + delimiter for name, delimiter in fields))


def scontrol():
    print("ClusterName             = double\nSLURM_VERSION           = 22.05.8")


{"sacct": sacct, "squeue": squeue, "scontrol": scontrol}[pathlib.Path(sys.argv[0]).name]()
