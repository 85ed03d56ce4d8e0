"""Asks pakt-slurm under valgrind the same few and many times in one conversation each, and compares what it lost.

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

folder, person = pathlib.Path(sys.argv[1]), sys.argv[2:]


def lost(words):
    """Bytes that are lost for certain, and errors of memory, of one conversation."""
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
    found = re.search(r"definitely lost: ([\d,]+) bytes", text)
    if summary is None or (found is None and "no leaks are possible" not in text):
        sys.exit(f"valgrind said no sum of {words}: {text[-600:]}")
    invalid = [kind for kind in ("Invalid read", "Invalid write", "Invalid free", "uninitialised") if kind in text]
    return int(found.group(1).replace(",", "")) if found else 0, invalid


failed = False
for question, words in QUESTIONS.items():
    few, invalid_few = lost(words(FEW))
    many, invalid_many = lost(words(MANY))
    growth = many - few
    print(f"{question:12} {FEW} times {few} bytes lost, {MANY} times {many}: {growth} more")
    for kind in sorted(set(invalid_few + invalid_many)):
        print(f"{question:12} {kind}")
        failed = True
    failed = failed or growth > 0
sys.exit(1 if failed else 0)
