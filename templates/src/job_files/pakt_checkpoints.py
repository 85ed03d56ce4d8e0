"""Tells Pakt of the checkpoints that a training program writes (docs/checkpoints.md), without a change to that program.

    pakt_checkpoints.py LAYOUT FOLDER PROGRAM.py [ARGUMENT...]
    pakt_checkpoints.py LAYOUT FOLDER -m MODULE [ARGUMENT...]

It runs the program in its own process, looks into FOLDER every few seconds, on rank 0 alone, and appends `STEP PATH` to the
file that PAKT_CHECKPOINTS names for each checkpoint that is whole and newer than the job. Without that variable it runs the
program and no more.
It needs Python's standard library. Change it as you like: `pakt init` writes it where there is none, and leaves yours.
"""

import os
import re
import runpy
import sys
import threading

SECONDS = 5


def holds(name):
    """A folder is whole once it has a file of this name."""
    return lambda folder, entry, step: os.path.exists(os.path.join(folder, entry, name))


def counted_by(name):
    """A folder is whole once the file of this name beside it has come to its step."""

    def is_whole(folder, entry, step):
        word = read(os.path.join(folder, name)).strip()
        return word.isdigit() and int(word) >= step

    return is_whole


def named_by(name):
    """A folder is whole once the file of this name beside it names it."""
    return lambda folder, entry, step: read(os.path.join(folder, name)).strip() == entry


# How the folder of a checkpoint is called, with its step, and by what it is known to be whole.
LAYOUTS = {
    "trainer": (r"checkpoint-(\d+)", holds("trainer_state.json")),
    "torchtitan": (r"step-(\d+)", holds(".metadata")),
    "megatron": (r"iter_(\d+)", counted_by("latest_checkpointed_iteration.txt")),
    "deepspeed": (r"global_step(\d+)", named_by("latest")),
    # Orbax gives a folder its name when all of it is written.
    "orbax": (r"(\d+)", lambda folder, entry, step: True),
}


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def written_at(path):
    """When anything in a folder was last written, in seconds."""
    with os.scandir(path) as entries:
        return max([os.stat(path).st_mtime, *(entry.stat(follow_symlinks=False).st_mtime for entry in entries)])


def begun_at():
    """When the job was made, in seconds: what an earlier one left in the folder is older, and not its own."""
    try:
        return os.stat(os.path.join(os.environ["PAKT_JOB_DIRECTORY"], "intent.json")).st_mtime
    except KeyError:
        return 0.0
    except OSError as error:
        print(f"pakt_checkpoints.py: what is in the folder counts as the job's own: {error}", file=sys.stderr)
        return 0.0


def whole(layout, folder, since):
    """The checkpoints of a folder that are whole and were written since then, as (step, path), by their steps."""
    pattern, is_whole = LAYOUTS[layout]
    try:
        entries = os.listdir(folder)
    except FileNotFoundError:
        return []
    matches = ((re.fullmatch(pattern, entry), entry) for entry in entries)
    steps = [(int(match.group(1)), entry) for match, entry in matches if match]
    found = ((step, os.path.join(folder, entry)) for step, entry in steps if is_whole(folder, entry, step))
    return sorted((step, path) for step, path in found if written_at(path) >= since)


def report(layout, folder, since, told):
    """Appends what is whole and was not told yet, each line with one call, behind a last one that was cut."""
    listed = os.environ["PAKT_CHECKPOINTS"]
    for step, path in whole(layout, folder, since):
        line = f"{step} {path}"
        if line in told:
            continue
        with open(listed, "ab+") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - 1, 0))
            is_cut = size > 0 and file.read(1) != b"\n"
            file.write((("\n" if is_cut else "") + line + "\n").encode())
        told.add(line)


def try_report(*what):
    """A file system that is away for a moment ends no training: what it has is told at the next look."""
    try:
        report(*what)
    except OSError as error:
        print(f"pakt_checkpoints.py: no checkpoint was told: {error}", file=sys.stderr)


def watch(is_over, *what):
    while not is_over.wait(SECONDS):
        try_report(*what)


def run(words):
    """The program, as `python PROGRAM.py` or `python -m MODULE` would."""
    if words[0] == "-m":
        sys.argv = words[1:]
        sys.path[0] = os.getcwd()
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        sys.path[0] = os.path.dirname(os.path.abspath(words[0]))
        runpy.run_path(words[0], run_name="__main__")


def main():
    words = sys.argv[1:]
    if len(words) < 3 or words[0] not in LAYOUTS or (words[2] == "-m" and len(words) < 4):
        sys.exit(f"usage: pakt_checkpoints.py {'|'.join(LAYOUTS)} FOLDER [-m] PROGRAM [ARGUMENT...]")
    layout, folder = words[0], os.path.abspath(words[1])
    listed = os.environ.get("PAKT_CHECKPOINTS")
    rank = os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0"))
    if not listed or rank != "0":
        return run(words[2:])
    try:
        # A line without its end is none yet.
        told = set(read(listed).split("\n")[:-1])
    except OSError as error:
        print(f"pakt_checkpoints.py: {listed} was not read: {error}", file=sys.stderr)
        told = set()
    what, is_over = (layout, folder, begun_at(), told), threading.Event()
    watcher = threading.Thread(target=watch, args=(is_over, *what), daemon=True)
    watcher.start()
    try:
        run(words[2:])
    finally:
        is_over.set()
        watcher.join()
        # What was saved right before the end.
        try_report(*what)


if __name__ == "__main__":
    main()
