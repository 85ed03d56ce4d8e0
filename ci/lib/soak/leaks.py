"""Asks pakt-slurm under valgrind the same few and many times in one conversation each, and compares what it lost, what it may have
lost, and what it still held at its end: none of them may grow with the questions.

Arguments: the folder with `ways` and the wrapped `pakt-slurm`, and behind it the words that run a command as the lab's user in that folder.
"""

import pathlib
import re
import subprocess
import sys
import time

FEW, MANY = 10, 60
QUESTIONS = {
    "submit": lambda times: ["submit", str(times), "scripts", str(times)],
    "queue": lambda times: ["queue", str(times)],
    "describe": lambda times: ["describe", str(times)],
    "runs": lambda times: ["runs", str(times), "1772323200", "1798761600"],
    "cancel": lambda times: ["cancel", str(times)],
}

# What valgrind counts, in its words.
KINDS = ["definitely lost", "indirectly lost", "possibly lost", "still reachable"]

folder, person = pathlib.Path(sys.argv[1]), sys.argv[2:]


def left(words):
    """Bytes of each kind, and errors of memory, of one conversation."""
    for log in folder.glob("log.*"):
        log.unlink()
    subprocess.run(person + ["./ways", f"library:{folder}/pakt-slurm", *words], check=True, stdout=subprocess.DEVNULL)
    (log,) = folder.glob("log.*")
    # The helper ends by itself when its questions have ended, behind whoever asked.
    for _ in range(600):
        text = log.read_text(errors="replace")
        summary = re.search(r"ERROR SUMMARY: ([\d,]+) errors", text)
        if summary:
            break
        time.sleep(0.1)
    found = {kind: re.search(rf"{kind}: ([\d,]+) bytes", text) for kind in KINDS}
    if summary is None or (None in found.values() and "no leaks are possible" not in text):
        sys.exit(f"valgrind said no sum of {words}: {text[-600:]}")
    invalid = [kind for kind in ("Invalid read", "Invalid write", "Invalid free", "uninitialised") if kind in text]
    return {kind: int(sum.group(1).replace(",", "")) if sum else 0 for kind, sum in found.items()}, invalid


failed = False
for question, words in QUESTIONS.items():
    few, invalid_few = left(words(FEW))
    many, invalid_many = left(words(MANY))
    for kind in KINDS:
        growth = many[kind] - few[kind]
        print(f"{question:12} {kind}: {FEW} times {few[kind]} bytes, {MANY} times {many[kind]}: {growth} more")
        failed = failed or growth > 0
    for kind in sorted(set(invalid_few + invalid_many)):
        print(f"{question:12} {kind}")
        failed = True
sys.exit(1 if failed else 0)
