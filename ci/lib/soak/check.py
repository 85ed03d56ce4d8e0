"""Says whether every job of the rounds worked once, has one hold, and is charged for every second of every scheduler job
that carries its stamp. The argument is how many jobs there are."""

import collections
import json
import pathlib
import re
import sys

rounds = int(sys.argv[1])
wrong = []
# The first lines are about the log and the persons.
lines = [json.loads(line) for line in pathlib.Path("entries").read_text().splitlines()]
entries = [line for line in lines if "kind" in line]
holds = [entry for entry in entries if entry["kind"] == "hold"]
if len(holds) != rounds:
    wrong.append("{} holds for {} jobs".format(len(holds), rounds))
for number in range(1, rounds + 1):
    ran = pathlib.Path("ran", str(number))
    times = len(ran.read_text().splitlines()) if ran.exists() else 0
    if times != 1:
        wrong.append("job {} worked {} times".format(number, times))

charged = collections.Counter()
for entry in entries:
    if entry["kind"] in ("settle", "overrun"):
        charged[str(entry["links"]["run"]["scheduler_job"])] += entry["amount"]
ours = {hold["links"]["hold"] for hold in holds}
scheduler_jobs = collections.Counter()
for row in pathlib.Path("rows").read_text().splitlines():
    # Names of other jobs may hold anything, line breaks and bars too.
    found = re.fullmatch(r"(\d+)\|(\d+)\|soak-\d+\.pakt-([0-9a-z]{26})-1", row.strip())
    if found is None or found.group(3) not in ours:
        continue
    scheduler_job, elapsed, job = found.groups()
    scheduler_jobs[job] += 1
    if charged[scheduler_job] != int(elapsed) * 4 * 1000:
        wrong.append("job {}: {} charged for {} s on four GPUs".format(scheduler_job, charged[scheduler_job], elapsed))
print(
    "        {} scheduler jobs, of which {} were duplicates that ended at the claim or were taken back".format(
        sum(scheduler_jobs.values()), sum(scheduler_jobs.values()) - len(scheduler_jobs)
    )
)
if wrong:
    sys.exit("WRONG: " + "; ".join(wrong[:20]))
