"""PAKT ROUNDS [SERVER]: the rounds of `ci/soak ledger`, in the present folder, and with the URL of a database those of `ci/soak
server`, each ledger in a database of its own beside that one. `pakt` is killed at random instants while it imports runs and
while it holds; what is left must be whole each time, and in the end the same as if nobody had been killed."""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

pakt, rounds = sys.argv[1], int(sys.argv[2])
server = sys.argv[3] if len(sys.argv) > 3 else None
ROWS = 40_000
ACCOUNTS = 20
HOLDS_COVERED = 4 * rounds // 5
CODE_OF_A_REFUSAL = 4
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


def on_server(statement):
    """Whether the server did it."""
    words = ["psql", "--quiet", "--no-psqlrc", server, "--command", statement]
    return subprocess.run(words, stderr=subprocess.DEVNULL).returncode == 0


class Home:
    """A ledger of its own."""

    def __init__(self, name, hours):
        self.folder = pathlib.Path(name).absolute()
        self.folder.mkdir()
        (self.folder / "config.yaml").write_text(
            "site: jupiter\nproject: atlas\nstate: {}/state\n".format(self.folder)
        )
        self.surroundings, self.database = dict(os.environ, PAKT_HOME=str(self.folder)), None
        if server:
            self.database = "soak_{}_{}".format(os.getpid(), name.replace("-", "_"))
            # Noted first, so that `ci/soak` drops it whatever happens.
            with open("databases", "a") as noted:
                noted.write(self.database + "\n")
            if not on_server("CREATE DATABASE " + self.database):
                sys.exit("no database {} was made".format(self.database))
            before, after = server.split("/pakt?")
            self.surroundings["PAKT_LEDGER"] = "{}/{}?{}".format(before, self.database, after)
        self.run("ledger", "init")
        period = ("--from", "2026-09-01", "--until", "2027-09-01")
        self.run("ledger", "grant", "atlas", hours, "--unit", "jupiter:gh200", "--account", "acct00", *period)
        for number in range(1, ACCOUNTS):
            account = "acct{:02}".format(number)
            self.run(
                "ledger", "bind", "atlas", "--unit", "jupiter:gh200", "--account", account, "--from", "2026-09-01"
            )

    def remove(self):
        shutil.rmtree(self.folder)
        if self.database:
            # Its own vacuum the server ends itself, and lets nobody end by force; what is left is dropped at the end.
            drop = "DROP DATABASE " + self.database
            on_server(drop) or on_server(drop + " WITH (FORCE)")

    def start(self, *words):
        return subprocess.Popen(
            [pakt, *words], env=self.surroundings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def run(self, *words, expected=(0,)):
        child = self.start(*words)
        said = child.communicate()[0].decode()
        if child.returncode not in expected:
            sys.exit("pakt {} ended with {}:\n{}".format(" ".join(words), child.returncode, said))
        return child.returncode, said

    def killed(self, most, *words):
        """Runs it and kills it after a random time of up to so many seconds; whether it was killed."""
        child = self.start(*words)
        time.sleep(random.uniform(0, most))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        return child.returncode == -signal.SIGKILL

    def answer(self, *words):
        return json.loads(self.run("--json", *words)[1])

    def replayed(self):
        """How many entries there are, once they have been replayed and found whole."""
        return self.answer("ledger", "verify")["entries"]


def import_words(runs):
    return ("ledger", "import", str(runs), "--observed-at", "2026-10-30T00:00:00Z", "--read-as", "site")


def told(home):
    """All that the books say of the runs."""
    sums = home.answer("usage", "--by", "day,person,end-state")["usage"]
    # A process that was killed between its last post and its end has noted the file, which is an entry, and so does the next.
    noted = home.answer("ledger", "imports")["imports"]
    batches = {json.dumps(batch["batch"]["totals"]) for batch in noted}
    return {"sums": sums, "batches": batches, "entries": home.replayed() - len(noted)}


def noted(home, expected):
    """Whether the file is noted as read. Its header and what it covers come together, behind the last of its runs."""
    headers = home.answer("ledger", "imports")["imports"]
    readings = [binding for binding in home.answer("ledger", "coverage")["coverage"] if binding["whole"] or binding["own"]]
    if len(readings) != (ACCOUNTS if headers else 0):
        sys.exit("there are {} headers, and {} bindings whose runs were read".format(len(headers), len(readings)))
    if headers and told(home)["sums"] != expected["sums"]:
        sys.exit("the file is noted as read, and not all of its runs are charged")
    return bool(headers)


def import_rounds(runs):
    whole = Home("whole", "100000000")
    began = time.monotonic()
    whole.run(*import_words(runs))
    most, expected = time.monotonic() - began, told(whole)
    if len(expected["sums"]) < 2 or len(expected["batches"]) != 1:
        sys.exit("the runs were not charged: {:.2000}".format(str(expected)))
    if not noted(whole, expected):
        sys.exit("an import that came to its end has no header")
    kills, cycles, cut, unnoted = 0, 0, 0, 0
    while kills < rounds:
        cycles += 1
        home, before = Home("import-{}".format(cycles), "100000000"), 0
        # A process that is done cannot be killed, so that every file is taken in at last.
        for _ in range(8):
            if not home.killed(most, *import_words(runs)):
                break
            kills += 1
            entries = home.replayed()
            if entries < before:
                sys.exit("there were {} entries, and after a kill there are {}".format(before, entries))
            cut += before < entries < expected["entries"]
            is_noted = noted(home, expected)
            unnoted += before < entries and not is_noted
            before = entries
        home.run(*import_words(runs))
        found = told(home)
        for what in (what for what in expected if found[what] != expected[what]):
            sys.exit("after kills the {} are others: {:.2000} and not {:.2000}".format(
                what, str(found[what]), str(expected[what])
            ))
        home.remove()
    whole.remove()
    print("import  {} kills of {} imports of {} rows; {} came between two posts; {} left more runs and no header".format(
        kills, cycles, ROWS, cut, unnoted
    ))


def hold_rounds():
    home = Home("hold", str(HOLDS_COVERED))
    home.run("ledger", "policy", "atlas", "--unit", "jupiter:gh200", "--policy", "hard-stop")
    home.run("ledger", "enforce", "atlas", "--unit", "jupiter:gh200")
    kills, refused, held, most = 0, 0, [], None
    while kills < rounds or len(held) < HOLDS_COVERED + 20:
        number = "01m5vj1jg0" + "".join(random.choice(LETTERS) for _ in range(16))
        words = ("ledger", "hold", "atlas", "1", "--unit", "jupiter:gh200", "--reason", "soak", "--id", number)
        for _ in range(3 if most else 0):
            kills += home.killed(most, *words)
        began = time.monotonic()
        code, _ = home.run(*words, expected=(0, CODE_OF_A_REFUSAL))
        most = most or time.monotonic() - began
        refused += code == CODE_OF_A_REFUSAL
        held.append(number)
    home.replayed()
    lines = home.run("ledger", "export", "--quiet")[1].splitlines()
    entries = [entry for entry in map(json.loads, lines) if entry.get("kind") == "hold"]
    of = [entry["links"]["hold"] for entry in entries]
    balance = home.answer("balance", "--offline", "atlas")["balances"][0]
    if len(of) != len(set(of)) or len(of) != HOLDS_COVERED or refused != len(held) - HOLDS_COVERED:
        sys.exit("{} holds of {} ids on a budget for {}, {} refused".format(len(of), len(set(of)), HOLDS_COVERED, refused))
    print("hold    {} kills; {} ids, {} held and {} refused on a budget for {}; {}".format(
        kills, len(held), len(of), refused, HOLDS_COVERED, {key: balance[key] for key in ("granted", "committed")}
    ))
    home.remove()


runs = pathlib.Path("runs.psv").absolute()
import_rounds(runs)
hold_rounds()
