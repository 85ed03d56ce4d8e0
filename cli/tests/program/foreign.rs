//! Runs that nobody pays for, on a cluster whose commands are scripts of the test.

use crate::desk::Desk;
use insta::assert_snapshot;
use std::{fs, os::unix::fs::PermissionsExt};

const COLUMNS: &str = "JobIDRaw JobID Cluster User UID Account Partition QOS State ExitCode Submit Start End ElapsedRaw \
                       TimelimitRaw AllocNodes ReqNodes AllocTRES ReqTRES Reason WorkDir Comment SubmitLine JobName";

/// A row of `sacct`: a run of two nodes with four GPUs each, for so many seconds from a day ago on.
pub(crate) fn row(id: u64, account: &str, partition: &str, day_ago: u64, seconds: u64) -> String {
    let (submit, end) = (day_ago - 60, day_ago + seconds);
    let tres = "cpu=576,gres/gpu=8,gres/gpu:gh200=8,node=2";
    format!(
        "{id}|{id}|jupiter|ada|1000|{account}|{partition}|normal|COMPLETED|0:0|{submit}|{day_ago}|{end}|{seconds}|60|2|2|{tres}|{tres}|None|/home/ada||sbatch job.sh|train|\n"
    )
}

/// A desk at a site, JUPITER or another, whose Slurm knows these rows.
pub(crate) struct Jupiter(pub(crate) Desk);

impl Jupiter {
    pub(crate) fn with(rows: impl Fn(u64) -> String) -> Self {
        Self::at("jupiter", rows)
    }

    pub(crate) fn at(site: &str, rows: impl Fn(u64) -> String) -> Self {
        let desk = Desk::new();
        let state = desk.home().join("state");
        desk.configure(&format!("site: {site}\nproject: atlas\nstate: {}\n", state.display()));
        let bin = desk.home().join("bin");
        fs::create_dir(&bin).expect("fresh");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
        fs::write(bin.join("rows"), rows(now - 86_400)).expect("ours");
        let words = "for word; do case $word in --delimiter=*) d=${word#*=} ;; --format=*) f=${word#*=} ;; \
                     --helpformat) echo $columns; exit ;; esac; done";
        let sacct = format!(
            "columns='{COLUMNS}'\n{words}\necho \"$f,\" | sed \"s/,/$d/g\"\nsed \"s/|/$d/g\" '{}'\n",
            bin.join("rows").display()
        );
        // Each column comes with a delimiter of its own.
        let squeue = "while [ \"$1\" != -O ]; do shift; done\necho \"$2\" | tr , '\\n' | \
                      while IFS=: read -r name end; do printf '%s%s' \"$name\" \"$end\"; done\necho\n";
        let scontrol = format!("echo 'ClusterName = {site}'; echo 'SLURM_VERSION = 22.05.8'\n");
        for (name, text) in [("sacct", sacct.as_str()), ("squeue", squeue), ("scontrol", scontrol.as_str())] {
            let path = bin.join(name);
            fs::write(&path, format!("#!/bin/sh\n{text}")).expect("ours");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
        }
        Self(desk)
    }

    /// Grants account `hai` 100 GPU-hours from two days ago on.
    pub(crate) fn grant(&self) {
        let from = self.0.tool(&["date", "-u", "-d", "2 days ago", "+%F"]);
        let words = ["ledger", "grant", "atlas", "100", "--unit", "jupiter:gh200", "--account", "hai", "--from", &from];
        self.pakt(&words).expect(0);
    }

    pub(crate) fn pakt(&self, words: &[&str]) -> crate::output::Ran {
        let mut command = self.0.command(words);
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", self.0.home().join("bin").display()));
        self.0.finish(words, command)
    }
}

#[test]
fn what_nobody_pays_for_is_counted_and_listed_in_words_that_people_read() {
    let desk = Jupiter::with(|day_ago| {
        row(4711, "hai", "booster", day_ago, 3_600)
            + &row(4712, "hai", "booster", day_ago, 1_800)
            + &row(4713, "other", "mystery", day_ago, 90)
    });
    desk.pakt(&["ledger", "init"]).expect(0);
    assert_snapshot!(desk.pakt(&["settle"]).shown(), @"
    exit 0
    --- stdout
    jupiter: runs: 0 newly charged, 0 known, 0 corrected; unattributed runs: 3 new, 3 in all; jobs: 0 running, 0 waiting; settled until <instant>
    ");
    assert_snapshot!(desk.pakt(&["ledger", "unattributed"]).shown(), @"
    exit 0
    --- stdout
    job   cluster  user  account  partition  started                     ended                       price                                                                 why
    4711  jupiter  ada   hai      booster    <instant>  <instant>  8.000 GPU-h = 2.000 node-h = 576.000 core-h                           no binding
    4712  jupiter  ada   hai      booster    <instant>  <instant>  4.000 GPU-h = 1.000 node-h = 288.000 core-h                           no binding
    4713  jupiter  ada   other    mystery    <instant>  <instant>  none: the profile of `jupiter` has no tariff for partition `mystery`  no binding
    next: `pakt ledger bind PROJECT --unit UNIT --account ACCOUNT --from DAY`, a day before they started
    ");
    desk.grant();
    // Not new any more, and still there.
    assert_snapshot!(desk.pakt(&["settle"]).shown(), @"
    exit 0
    --- stdout
    jupiter: runs: 0 newly charged, 3 known, 0 corrected; unattributed runs: 0 new, 1 in all; jobs: 0 running, 0 waiting; settled until <instant>
    ");
}

#[test]
fn what_is_charged_for_the_first_time_is_told_with_its_unit() {
    let desk = Jupiter::with(|day_ago| row(4711, "hai", "booster", day_ago, 3_600));
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.grant();
    assert_snapshot!(desk.pakt(&["settle"]).shown(), @"
    exit 0
    --- stdout
    jupiter: runs: 1 newly charged, 0 known, 0 corrected; unattributed runs: 0 new, 0 in all; jobs: 0 running, 0 waiting; settled until <instant>
      atlas was charged 8.000 GPU-h (jupiter:gh200)
    ");
}

#[test]
fn a_run_without_gpus_is_no_trouble_for_a_budget_of_gpus() {
    let desk = Jupiter::at("horeka", |day_ago| {
        let gpus = "cpu=576,gres/gpu=8,gres/gpu:gh200=8,node=2";
        row(7, "hai", "cpuonly", day_ago, 3_600).replace(gpus, "cpu=152,node=1").replace("|jupiter|", "|horeka|")
    });
    desk.pakt(&["ledger", "init"]).expect(0);
    let from = desk.0.tool(&["date", "-u", "-d", "2 days ago", "+%F"]);
    let grant = ["ledger", "grant", "atlas", "100", "--unit", "horeka:a100", "--account", "hai", "--from", &from];
    desk.pakt(&grant).expect(0);
    let settled = desk.pakt(&["settle"]).expect(0);
    assert!(settled.stdout.contains("unattributed runs: 1 new, 1 in all"), "{}", settled.stdout);
    let listed = desk.pakt(&["ledger", "unattributed"]).expect(0);
    assert!(listed.stdout.contains("not in horeka:a100"), "{}", listed.stdout);
}

/// The words that ask `sacct` of a desk for what `pakt ledger import` needs, into a file.
pub(crate) fn ask(desk: &Jupiter, file: &str) {
    let script = format!(
        "PATH={}:$PATH; sacct --parsable2 --delimiter='|' --format={} > {file}",
        desk.0.home().join("bin").display(),
        COLUMNS.split_whitespace().collect::<Vec<_>>().join(",")
    );
    desk.0.tool(&["sh", "-c", &script]);
}

#[test]
fn what_was_settled_live_is_known_in_a_file() {
    let desk = Jupiter::with(|day_ago| {
        row(4711, "hai", "booster", day_ago, 3_600) + &row(4712, "other", "booster", day_ago, 1_800)
    });
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.grant();
    desk.pakt(&["settle"]).expect(0);
    ask(&desk, "runs.psv");
    assert_snapshot!(desk.pakt(&["ledger", "import", "runs.psv"]).shown(), @"
    exit 2
    --- stderr
    error: nothing was imported
    why:   of two readings of a run the later one counts, and a file does not say when it was made
    next:  say when `sacct` was run, such as `--observed-at 2026-11-23T22:14:00Z`
    ");
    let now = desk.0.tool(&["date", "+%s"]);
    let import = ["ledger", "import", "runs.psv", "--observed-at", &now];
    let said = desk.pakt(&import).expect(0);
    assert!(said.stdout.starts_with("jupiter: 2 rows: 0 newly charged, 2 known, 0 corrected"), "{}", said.stdout);
    // The other way round, and through a pipe.
    let other = Jupiter::with(|_| std::fs::read_to_string(desk.0.home().join("bin/rows")).expect("ours"));
    other.pakt(&["ledger", "init"]).expect(0);
    other.grant();
    let mut piped = other.0.command(["ledger", "import", "-", "--json"]);
    piped.stdin(fs::File::open(desk.0.work().join("runs.psv")).expect("written"));
    let report = other.0.finish(&["ledger", "import", "-"], piped).json();
    assert_eq!((&report["imported"]["new"], &report["imported"]["unattributed"]), (&1.into(), &1.into()), "{report}");
    assert!(other.pakt(&["settle"]).expect(0).stdout.contains("0 newly charged, 2 known, 0 corrected"));
}

#[test]
fn rows_that_are_not_taken_in_are_told_with_their_line() {
    let desk = Jupiter::with(|_| String::new());
    desk.pakt(&["ledger", "init"]).expect(0);
    let good = row(4711, "hai", "booster", 1_790_000_000, 3_600).replace("|train|", "|train");
    let bad = good.replace("|3600|", "|1h|");
    let titles = COLUMNS.split_whitespace().collect::<Vec<_>>().join("|");
    desk.0.write("runs.psv", &format!("{titles}\n{good}{bad}{good}"));
    let import = ["ledger", "import", "runs.psv", "--observed-at", "2026-11-01T00:00:00Z"];
    assert_snapshot!(desk.pakt(&import).shown(), @"
    exit 5
    --- stdout
    jupiter: 3 rows: 0 newly charged, 1 known, 0 corrected, 1 unattributed, 0 without a price, 1 rejected; 0 still ran, 0 never started; 0 steps passed over
      control total of 1 run: 576.000 core-h (jupiter:core)
      control total of 1 run: 8.000 GPU-h (jupiter:gh200)
      control total of 1 run: 2.000 node-h (jupiter:node)
      from <instant> to <instant>
      blake3 78b467a84c4bb5484532dc7d5f8165413b07483de4ca37cbe9faac30544affc9
    --- stderr
    warning: not taken in: line 3: elapsed: `1h` is not a number
    note: nothing was noted as read, and `pakt ledger coverage` shows the gap: a row is missing
    error: not everything was imported
    why:   1 row was not taken in, and 0 runs have no price: no balance counts their hours
    next:  look at the warnings, mend what can be mended, and import the file again: what is known stays as it is
    ");
    desk.0.write("local.psv", &format!("{titles}\n{}", good.replace("|1790000000|", "|2026-09-21T14:13:20|")));
    let import = ["ledger", "import", "local.psv", "--observed-at", "2026-11-01T00:00:00Z"];
    assert_snapshot!(desk.pakt(&import).shown(), @"
    exit 2
    --- stderr
    error: nothing was imported
    why:   its times have no zone: `2026-09-21T14:13:20`
    next:  say which with `--zone`, such as `--zone Europe/Berlin`; or ask again with `SLURM_TIME_FORMAT=%s sacct ...`
    ");
    assert_snapshot!(desk.pakt(&["ledger", "import", "missing.psv", "--observed-at", "1793000000"]).shown(), @"
    exit 2
    --- stderr
    error: nothing was imported
    why:   there is no file `missing.psv`
    next:  name a file that can be read, or `-` for standard input
    ");
}

#[test]
fn rows_of_a_cluster_of_another_site_are_refused_and_the_others_taken_in() {
    let desk = Jupiter::with(|_| String::new());
    desk.pakt(&["ledger", "init"]).expect(0);
    let at = |id: u64, cluster: &str| {
        row(id, "hai", "booster", 1_790_000_000, 3_600)
            .replace("|jupiter|", &format!("|{cluster}|"))
            .replace("|train|", "|train")
    };
    let (ours, theirs, nobodys, zero) = (at(4711, "jupiter"), at(4712, "horeka"), at(4713, "jp23"), at(0, "jupiter"));
    let titles = COLUMNS.split_whitespace().collect::<Vec<_>>().join("|");
    desk.0.write("runs.psv", &format!("{titles}\n{ours}{theirs}{nobodys}{zero}"));
    let import = ["ledger", "import", "runs.psv", "--observed-at", "2026-11-01T00:00:00Z"];
    let said = desk.pakt(&import);
    assert!(
        said.stdout.starts_with("jupiter: 4 rows: 0 newly charged, 0 known, 0 corrected, 2 unattributed, "),
        "{}",
        said.stdout
    );
    assert_snapshot!(said.expect(5).stderr, @"
    warning: not taken in: line 3: cluster `horeka` is one of site `horeka`, and this is an import at `jupiter`: import it with `--site horeka`; where it is one of `jupiter` too, name it under `clusters:` in a site file of yours
    warning: not taken in: line 5: job id: Slurm gives no job the number 0
    note: nothing was noted as read, and `pakt ledger coverage` shows the gap: a row is missing
    error: not everything was imported
    why:   2 rows were not taken in, and 0 runs have no price: no balance counts their hours
    next:  look at the warnings, mend what can be mended, and import the file again: what is known stays as it is
    ");
}

#[test]
fn accounting_is_asked_for_any_span_and_a_file_says_who_made_it() {
    let desk = Jupiter::with(|day_ago| row(4711, "hai", "booster", day_ago, 3_600));
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.grant();
    let since = desk.0.tool(&["date", "-u", "-d", "3 days ago", "+%F"]);
    let said = desk.pakt(&["ledger", "import", "--from", "slurm", "--since", &since]).expect(0);
    assert!(said.stdout.starts_with("jupiter: 1 row: 1 newly charged, 0 known"), "{}", said.stdout);
    assert!(said.stdout.contains("  noted as read on jupiter: the runs of "), "{}", said.stdout);
    ask(&desk, "runs.psv");
    let now = desk.0.tool(&["date", "+%s"]);
    let file = ["ledger", "import", "runs.psv", "--observed-at", &now];
    let said = desk.pakt(&file).expect(0);
    assert_snapshot!(said.stderr, @"note: nothing was noted as read, and `pakt ledger coverage` shows the gap: `--read-as` says who asked and what they could see");
    let read = |words: &[&str]| desk.pakt(&[&file, words].concat());
    let said = read(&["--read-as", "site", "--read-by", "olga", "--since", &since]).expect(0);
    assert!(said.stdout.contains("  noted as read on jupiter: all runs, ended from "), "{}", said.stdout);
    let listed = desk.pakt(&["ledger", "imports"]).expect(0).stdout;
    assert_eq!(listed.lines().count(), 4, "{listed}");
    assert!(listed.lines().nth(1).is_some_and(|line| line.contains("8.000 GPU-h (jupiter:gh200)")), "{listed}");
    assert!(listed.contains("ledger import --from slurm --site jupiter --since 20"), "{listed}");
    let imports = desk.pakt(&["ledger", "imports", "--json"]).expect(0).json();
    let batch = |number: usize| &imports["imports"][number]["batch"];
    assert_eq!((batch(1)["digest"].clone(), &batch(1)["rows"]), (batch(2)["digest"].clone(), &1.into()), "{imports}");
    let covered = desk.pakt(&["ledger", "coverage", "--json"]).expect(0).json();
    assert_eq!(covered["coverage"][0]["whole"].as_array().map(Vec::len), Some(1), "{covered}");
    assert_snapshot!(read(&["--since", "2026-11-01"]).shown(), @"
    exit 2
    --- stderr
    error: nothing was imported
    why:   `--since` says what a file covers, and nobody says who asked
    next:  write `--read-as self`, `coordinator` or `site`, or leave `--since` out
    ");
    read(&["--read-as", "self", "--since", "2026-11-02", "--until", "2026-11-01"]).expect(2);
    desk.pakt(&["ledger", "import", "--from", "slurm"]).expect(2);
    desk.pakt(&["ledger", "import"]).expect(2);
    desk.pakt(&["ledger", "import", "--from", "slurm", "--since", "2999-01-01"]).expect(2);
}
