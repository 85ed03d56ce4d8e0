"""Tells Pakt of the checkpoints that a training program writes (docs/checkpoints.md), without a change to that program.

    pakt_checkpoints.py LAYOUT FOLDER PROGRAM.py [ARGUMENT...]
    pakt_checkpoints.py LAYOUT FOLDER -m MODULE [ARGUMENT...]

It runs the program in its own process, looks into FOLDER every few seconds, on rank 0 alone, and appends `STEP PATH` to the
file that PAKT_CHECKPOINTS names for each checkpoint that is whole. Without that variable it runs the program and no more.
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
        word = read(os.path.join(folder, name))
        return word.isdigit() and int(word) >= step

    return is_whole


def named_by(name):
    """A folder is whole once the file of this name beside it names it."""
    return lambda folder, entry, step: read(os.path.join(folder, name)) == entry


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
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def whole(layout, folder):
    """The checkpoints of a folder that are whole, as (step, path), by their steps."""
    pattern, is_whole = LAYOUTS[layout]
    try:
        entries = os.listdir(folder)
    except FileNotFoundError:
        return []
    matches = ((re.fullmatch(pattern, entry), entry) for entry in entries)
    steps = [(int(match.group(1)), entry) for match, entry in matches if match]
    return sorted((step, os.path.join(folder, entry)) for step, entry in steps if is_whole(folder, entry, step))


def report(layout, folder, told):
    """Appends what is whole and was not told yet, each line with one call."""
    for step, path in whole(layout, folder):
        line = f"{step} {path}"
        if line not in told:
            with open(os.environ["PAKT_CHECKPOINTS"], "a", encoding="utf-8") as file:
                file.write(line + "\n")
            told.add(line)


def watch(layout, folder, told, is_over):
    while not is_over.wait(SECONDS):
        report(layout, folder, told)


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
    told, is_over = set(read(listed).splitlines()), threading.Event()
    watcher = threading.Thread(target=watch, args=(layout, folder, told, is_over), daemon=True)
    watcher.start()
    try:
        run(words[2:])
    finally:
        is_over.set()
        watcher.join()
        # What was saved right before the end.
        report(layout, folder, told)


if __name__ == "__main__":
    main()
