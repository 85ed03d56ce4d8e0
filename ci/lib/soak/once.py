"""PAKT ROUNDS DOUBLE: the rounds of `ci/soak once`, in the present folder. `pakt submit`, and in every third round `pakt sbatch`,
is killed at random instants, also two at once, in front of a double of Slurm's commands that loses answers, is late, delivers twice
and knows jobs only seconds later; in every fourth cluster a helper submits, and in every fourth each call is of several jobs, which
are tasks of an array or not. Whatever came to be, each job works once, has one hold, and what came twice is told."""

import collections
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

pakt, rounds, double = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
helper = pathlib.Path(__file__).resolve().parent / "helper"
seed = os.environ.get("PAKT_SOAK_SEED", "")
ROUNDS_A_CLUSTER = 5
JOBS_A_CALL = 6
# How long a submission may be under way that no process shows (`SUBMISSION_PATIENCE`), in seconds.
PATIENCE = 150
PROGRAMS = "sbatch squeue sacct scancel scontrol sinfo sacctmgr".split()
# What a submission does, each as often as it stands here.
SBATCH_FAULTS = [
    "", "", "killed", "no-id", "twice", "twice", "down", "banner", "retrying",
    "says Socket timed out on send/recv operation", "says-after Zero Bytes were transmitted or received",
    "slow 0.3", "slow 1.2", "slow-after 0.3", "slow-after 1.2", "slow-after-id 0.8",
]
# What a question does; `cut` leaves half of an answer.
QUESTION_FAULTS = ["down", "garbage", "cut", "says Socket timed out on send/recv operation"]
CODES_OF_LATER = (3, 5)
MOST_TRIES = 60
told = collections.Counter()
telling = threading.Lock()


def tell(what, count=1):
    with telling:
        told[what] += count


class Wrong(Exception):
    """What must not be."""


class Cluster:
    """A double with a ledger and a person of its own."""

    def __init__(self, name, has_helper, has_calls_of_many):
        self.has_helper, self.has_calls_of_many = has_helper, has_calls_of_many
        self.folder = pathlib.Path(name).absolute()
        self.state, self.work = self.folder / "double", self.folder / "work"
        for folder in (self.folder / "bin", self.folder / "home", self.state / "faults", self.work / "ran"):
            folder.mkdir(parents=True)
        for program in PROGRAMS:
            (self.folder / "bin" / program).symlink_to(double)
        (self.folder / "home" / "config.yaml").write_text(
            "site: jupiter\nproject: atlas\nslurm_helper: {}\n".format(helper if has_helper else "none")
        )
        path = "{}:/usr/local/bin:/usr/bin:/bin".format(self.folder / "bin")
        self.surroundings = dict(
            os.environ, PAKT_HOME=str(self.folder / "home"), PAKT_SLURM_DOUBLE=str(self.state), PATH=path
        )
        self.chance = random.Random(name + seed)
        self.jobs = []
        self.run("ledger", "init")
        self.run("ledger", "grant", "atlas", "100000", "--unit", "jupiter:gh200", "--account", "atlas")

    def start(self, *words):
        return subprocess.Popen(
            words, env=self.surroundings, cwd=self.work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *words, expected=(0,)):
        child = self.start(pakt, *words)
        out, said = child.communicate()
        if child.returncode not in expected:
            raise Wrong("pakt {} ended with {}: {}{}".format(" ".join(words), child.returncode, out, said))
        return child.returncode, out

    def slurm(self, *words):
        return self.start(str(self.folder / "bin" / words[0]), *words[1:]).communicate()[0]

    def sets(self, name, text):
        (self.state / name).write_text(text + "\n")

    def values(self, key):
        return {path.parent.name: path.read_text() for path in self.state.glob("jobs/*/" + key)}


def work_of(job):
    """Waits until it may go, so that no job is over while it is submitted again."""
    return "until [ -e go ]; do sleep 0.1; done; echo ran >>ran/{}".format(job)


def document(job):
    return (
        "name: soak-{}\nkind: command\nproject: atlas\nsite: jupiter\nlaunch: command\n"
        'resources: {{ nodes: 1, gpus_per_node: 4, time: "00:30:00" }}\nrun: "{}"\n'.format(job, work_of(job))
    )


def words_of(cluster, number):
    """Writes what a round submits; the jobs, and the words that submit them."""
    if cluster.has_calls_of_many:
        jobs = ["{}-{}".format(number, place) for place in range(JOBS_A_CALL)]
        (cluster.work / "job-{}.yaml".format(number)).write_text("---\n".join(map(document, jobs)))
        each_by_itself = cluster.chance.choice(((), (), ("--no-array",)))
        tell("calls of many without arrays" if each_by_itself else "calls of many with arrays")
        return jobs, ("submit", *each_by_itself, "job-{}.yaml".format(number))
    if number % 3 == 0:
        (cluster.work / "job-{}.sh".format(number)).write_text(
            "#!/bin/bash\n#SBATCH --account=atlas\n#SBATCH --nodes=1\n#SBATCH --time=00:30:00\n{}\n".format(work_of(number))
        )
        return [str(number)], ("sbatch", "job-{}.sh".format(number))
    (cluster.work / "job-{}.yaml".format(number)).write_text(document(number))
    return [str(number)], ("submit", "job-{}.yaml".format(number))


def killed(cluster, most, *words):
    """Runs it, in one case of four twice at once, and kills it after a random time; in one case of three the machine goes down,
    and `sbatch` with it."""
    children = [cluster.start(pakt, *words) for _ in range(cluster.chance.choice((1, 1, 1, 2)))]
    for child in children:
        time.sleep(cluster.chance.uniform(0, most))
        child.send_signal(signal.SIGKILL)
    if cluster.chance.random() < 1 / 3:
        for waiting in list(cluster.state.glob("waiting/*")):
            try:
                os.kill(int(waiting.name), signal.SIGKILL)
                waiting.unlink()
                tell("sbatch killed")
            except (ProcessLookupError, FileNotFoundError):
                pass  # It had come to its end by itself.
    for child in children:
        # What it started may hold its output open.
        child.wait()
        child.stdout.close()
        child.stderr.close()
        tell("killed", int(child.returncode == -signal.SIGKILL))


def let_time_pass(cluster):
    """Of what a helper submits only its age tells whether it may still arrive: none is under way any more, and none is young."""
    lives = lambda process: pathlib.Path("/proc", process.name).exists()
    while any(map(lives, [*cluster.state.glob("helpers/*"), *cluster.state.glob("waiting/*")])):
        time.sleep(0.05)
    for sending in cluster.folder.glob("home/state/jobs/*/sending/*.json"):
        noted = json.loads(sending.read_text())
        noted["at"] -= PATIENCE
        sending.write_text(json.dumps(noted))


def round_of(cluster, number):
    jobs, words = words_of(cluster, number)
    cluster.jobs.extend(jobs)
    cluster.sets("late", str(cluster.chance.choice((0, 0, 1, 2, 3))))
    for _ in range(cluster.chance.randint(1, 3)):
        fault = cluster.chance.choice(SBATCH_FAULTS)
        cluster.sets("faults/sbatch", fault) if fault else (cluster.state / "faults/sbatch").unlink(missing_ok=True)
        if cluster.chance.random() < 1 / 4:
            cluster.sets("faults/" + cluster.chance.choice(("squeue", "sacct")), cluster.chance.choice(QUESTION_FAULTS))
        killed(cluster, 0.7, *words)
        if cluster.has_helper:
            let_time_pass(cluster)
    for _ in range(MOST_TRIES):
        code, _ = cluster.run(*words, expected=(0, *CODES_OF_LATER))
        if code == 0:
            return
        tell("tried again")
        if cluster.has_helper:
            let_time_pass(cluster)
        time.sleep(0.2)
    raise Wrong("{} is not submitted after {} tries".format(" ".join(words), MOST_TRIES))


def let_all_work(cluster):
    """What waits held besides is let go by somebody who does not know; then all of it works, or is told that it may not."""
    for number, _ in cluster.values("held").items():
        cluster.slurm("scontrol", "release", number)
    (cluster.work / "go").touch()
    for fault in (cluster.state / "faults").iterdir():
        fault.unlink()
    while any(state in ("PENDING", "RUNNING") for state in cluster.values("state").values()):
        cluster.slurm("squeue", "-O", "JobID:20")
        time.sleep(0.05)
    cluster.sets("late", "0")


DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def behind(job, places):
    """The id so many places behind a job's: ids are numbers of 128 bits in Crockford's base 32."""
    value = sum(DIGITS.index(digit) << 5 * place for place, digit in enumerate(reversed(job))) + places
    return "".join(DIGITS[value >> 5 * place & 31] for place in reversed(range(len(job))))


def scheduler_jobs(cluster):
    """For each job of Pakt's what Slurm has of it by its stamp: what people call it, and its number."""
    arrays, tasks, found = cluster.values("array"), cluster.values("task"), collections.defaultdict(dict)
    for number, stamp in cluster.values("comment").items():
        stamp = stamp.strip()
        if stamp.startswith("pakt-array-"):
            job = behind(stamp.split("-")[2], int(tasks[number]))
            found[job]["{}_{}".format(arrays[number].strip(), tasks[number].strip())] = number
        elif stamp.startswith("pakt-"):
            found[stamp.split("-")[1]][number] = number
    return found


def check(cluster):
    wrong = []
    for number in cluster.jobs:
        ran = cluster.work / "ran" / number
        times = len(ran.read_text().splitlines()) if ran.exists() else 0
        if times != 1:
            wrong.append("job {} worked {} times".format(number, times))
    states, came_for = cluster.values("state"), scheduler_jobs(cluster)
    folders = sorted((cluster.folder / "home/state/jobs").iterdir())
    if len(folders) != len(cluster.jobs):
        wrong.append("{} jobs of Pakt's for {}".format(len(folders), len(cluster.jobs)))
    for folder in folders:
        link = folder / "links/1"
        came = came_for.get(folder.name, {})
        owner = dict(line.split("=") for line in (link / "claim/owner").read_text().splitlines())["scheduler_job"]
        ended_at_claim = {path.name for path in link.glob("duplicates/*")}
        # One that was taken back before it began was told to whoever submitted.
        taken_back = {shown for shown, number in came.items() if states[number] == "CANCELLED"}
        if set(came) - ended_at_claim - taken_back != {owner}:
            wrong.append("{}: of {} {} owns the claim, and {} ended there".format(folder.name, came, owner, ended_at_claim))
        tell("scheduler jobs", len(came))
        tell("ended at the claim", len(ended_at_claim))
        tell("taken back", len(taken_back))
    for _ in range(MOST_TRIES):
        cluster.run("settle", expected=(0, *CODES_OF_LATER))
        balance = json.loads(cluster.run("--json", "balance", "--offline", "atlas")[1])["balances"][0]
        if balance["committed"] == 0:
            break
        time.sleep(0.5)
    else:
        wrong.append("a hold stays open: {}".format(balance))
    cluster.run("ledger", "verify")
    entries = [json.loads(line) for line in cluster.run("ledger", "export")[1].splitlines()]
    holds = [entry for entry in entries if entry.get("kind") == "hold"]
    if len(holds) != len(cluster.jobs):
        wrong.append("{} holds for {} jobs".format(len(holds), len(cluster.jobs)))
    tell("holds", len(holds))
    if wrong:
        raise Wrong("{}: {}".format(cluster.folder, "; ".join(wrong)))


def cluster_of(first):
    kind = first // ROUNDS_A_CLUSTER % 4
    cluster = Cluster("cluster-{}".format(first), has_helper=kind == 3, has_calls_of_many=kind == 1)
    for number in range(first, min(first + ROUNDS_A_CLUSTER, rounds + 1)):
        round_of(cluster, number)
    let_all_work(cluster)
    check(cluster)
    shutil.rmtree(cluster.folder)
    tell("jobs", len(cluster.jobs))
    tell("jobs with a helper", len(cluster.jobs) if cluster.has_helper else 0)


def main():
    with concurrent.futures.ThreadPoolExecutor(max_workers=4 * os.cpu_count()) as pool:
        clusters = [pool.submit(cluster_of, first) for first in range(1, rounds + 1, ROUNDS_A_CLUSTER)]
        for cluster in concurrent.futures.as_completed(clusters):
            if cluster.exception() is not None:
                pool.shutdown(wait=False, cancel_futures=True)
                sys.exit("WRONG (seed `{}`): {}".format(seed, cluster.exception()))
    print("once    {}".format(", ".join("{} {}".format(count, what) for what, count in sorted(told.items()))))


main()
