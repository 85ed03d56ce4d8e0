//! `pakt settle --bundle` and `pakt ledger merge`: a group without a server.

use crate::desk::Desk;
use crate::foreign::{Jupiter, row};
use insta::assert_snapshot;
use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
};

fn user() -> String {
    let output = std::process::Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// A run of whoever runs the test.
fn own(id: u64, account: &str, day_ago: u64, seconds: u64) -> String {
    row(id, account, "booster", day_ago, seconds).replace("|ada|", &format!("|{}|", user()))
}

/// A desk with a ledger, and nothing in its own accounting.
fn keeper() -> Jupiter {
    let keeper = Jupiter::with(|_| String::new());
    keeper.pakt(&["ledger", "init"]).expect(0);
    keeper.grant();
    keeper
}

/// A folder that the group shares.
fn shared() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// The bundles of a folder.
fn bundles(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut bundles: Vec<PathBuf> = entries.collect();
    bundles.sort();
    bundles
}

/// Words that differ from run to run: the folder, names of files and keys.
fn shown(ran: &crate::output::Ran, folder: &Path) -> String {
    let text = ran.shown().replace(text(folder), "<shared>").replace(&user(), "<user>");
    let words = text.split_inclusive([' ', '\n', '`', ':', ';']).map(|word| {
        let bare = word.trim_end_matches([' ', '\n', '`', ':', ';']);
        let end = &word[bare.len()..];
        if bare.ends_with(".bundle") {
            format!("<bundle>{end}")
        } else if bare.len() == 32 && bare.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            format!("<key>{end}")
        } else {
            word.to_owned()
        }
    });
    words.collect()
}

/// What the books say: entries without their numbers and hashes, and but for decisions, of which a bundle that is taken in is one;
/// what a balance has, and usage.
fn books(desk: &Desk) -> (Vec<String>, Vec<String>, serde_json::Value) {
    let keep = ["kind", "unit", "amount", "project", "run", "effective_at", "tariff"];
    let entry =
        |entry: &serde_json::Value| keep.iter().map(|field| format!("{field}={} ", entry[*field])).collect::<String>();
    let mut entries: Vec<String> =
        desk.exported().iter().filter(|entry| entry["kind"] != "decide").map(entry).collect();
    entries.sort();
    let balances = desk.json(&["balance", "--offline"])["balances"].as_array().expect("a list").clone();
    let balance = |balance: &serde_json::Value| {
        ["project", "unit", "used", "running", "committed", "foreign_committed"]
            .map(|field| balance[field].to_string())
            .join(" ")
    };
    let usage = ["usage", "--by", "day,person,partition"];
    (entries, balances.iter().map(balance).collect(), desk.json(&usage)["usage"].clone())
}

#[test]
fn a_member_without_a_ledger_writes_and_another_merges() {
    let (ada, keeper, folder) = (
        Jupiter::with(|day_ago| own(4711, "hai", day_ago, 3_600) + &own(4712, "other", day_ago, 1_800)),
        keeper(),
        shared(),
    );
    let write = ["settle", "--bundle", text(folder.path())];
    assert_snapshot!(shown(&ada.pakt(&write), folder.path()), @"
    exit 0
    --- stdout
    <bundle>: 2 runs written, 2 batches in all; jobs: 0 running, 0 waiting; read until <instant>
      signed with key <key>
    ");
    assert_snapshot!(shown(&keeper.pakt(&["ledger", "merge", text(folder.path())]), folder.path()), @"
    exit 0
    --- stdout
    <user>@jupiter: 2 new batches, 0 known; runs: 1 newly charged, 0 known, 0 corrected, 1 unattributed, 0 without a price, 0 rejected; read until <instant>
      atlas was charged 8.000 GPU-h (jupiter:gh200)
    --- stderr
    note: <bundle> is the first bundle of <user>@jupiter: its key <key> is believed from now on; ask <user> whether it is theirs
    ");
    let before = books(&keeper.0);
    assert_snapshot!(shown(&keeper.pakt(&["ledger", "merge", text(folder.path())]), folder.path()), @"
    exit 0
    --- stdout
    <user>@jupiter: 0 new batches, 2 known; runs: 0 newly charged, 0 known, 0 corrected, 0 unattributed, 0 without a price, 0 rejected
    ");
    assert_eq!(books(&keeper.0), before);
    keeper.pakt(&["ledger", "verify"]).expect(0);
    // Nothing new: the next batch says so, and has no run.
    let again = ada.0.home().join("bin/rows");
    let rows = fs::read_to_string(&again).expect("ours");
    let report = ada.pakt(&[&write[..], &["--json"]].concat()).json();
    assert_eq!((&report["bundle"]["runs"], &report["bundle"]["batches"]), (&0.into(), &3.into()), "{report}");
    fs::write(&again, rows.clone() + &rows.replace("4711|4711", "4713|4713")).expect("ours");
    let report = ada.pakt(&[&write[..], &["--json"]].concat()).json();
    assert_eq!((&report["bundle"]["runs"], &report["settled"]), (&1.into(), &serde_json::Value::Null), "{report}");
    let merged = keeper.pakt(&["ledger", "merge", text(folder.path()), "--json"]).json();
    let bundle = &merged["merged"]["bundles"][0];
    assert_eq!((&bundle["new"], &bundle["known_batches"]), (&1.into(), &2.into()), "{merged}");
    // What no ledger needs is not in it.
    let bundle = fs::read_to_string(&bundles(folder.path())[0]).expect("text");
    for word in ["/home/ada", "sbatch", "\"train\""] {
        assert!(!bundle.contains(word), "{word}: {bundle}");
    }
}

/// The lines of the only bundle of a folder.
fn lines(folder: &Path) -> Vec<String> {
    let [bundle] = &bundles(folder)[..] else { panic!("one bundle") };
    fs::read_to_string(bundle).expect("text").lines().map(str::to_owned).collect()
}

fn put(folder: &Path, lines: &[String]) {
    fs::write(&bundles(folder)[0], lines.iter().map(|line| format!("{line}\n")).collect::<String>()).expect("ours");
}

#[test]
fn what_was_changed_is_refused_and_what_stands_before_it_is_taken_in() {
    let (ada, keeper, folder) = (Jupiter::with(|day_ago| own(4711, "hai", day_ago, 3_600)), keeper(), shared());
    let (write, merge) = (["settle", "--bundle", text(folder.path())], ["ledger", "merge", text(folder.path())]);
    ada.pakt(&write).expect(0);
    fs::write(ada.0.home().join("bin/rows"), "").expect("ours");
    ada.pakt(&write).expect(0);
    let good = lines(folder.path());
    assert_eq!(good.len(), 8, "a header and three batches with their signatures");
    // The run takes twice as long: its batch is refused, and what follows it too.
    let mut changed = good.clone();
    changed[2] = changed[2].replace("\"elapsed\":3600", "\"elapsed\":1800");
    put(folder.path(), &changed);
    assert_snapshot!(shown(&keeper.pakt(&merge), folder.path()), @"
    exit 5
    --- stdout
    <user>@jupiter: 0 new batches, 0 known; runs: 0 newly charged, 0 known, 0 corrected, 0 unattributed, 0 without a price, 0 rejected
    --- stderr
    warning: <bundle>: line 4: the signature of `pakt-bundle` does not fit the text
    error: not everything was merged
    why:   line 4: the signature of `pakt-bundle` does not fit the text
    next:  ask whoever wrote it for a good copy, and merge that; nothing behind that place was taken in, what stands before it is in the books
    ");
    assert_eq!(keeper.0.entries_of_kind("settle"), 0);
    ada.pakt(&write).expect(5);
    assert_eq!(lines(folder.path()), changed, "whoever writes does not go on behind it");
    // A batch is missing: those before it are taken in.
    put(folder.path(), &[&good[..4], &good[6..]].concat());
    let dropped = keeper.pakt(&merge).expect(5);
    assert!(dropped.stderr.contains("line 5: it is batch 3, and stands behind batch 1"), "{}", dropped.stderr);
    assert_eq!(keeper.0.entries_of_kind("settle"), 1);
    // The good one, then an older copy of it.
    put(folder.path(), &good);
    assert!(keeper.pakt(&merge).expect(0).stdout.contains("2 new batches, 1 known"));
    put(folder.path(), &good[..6]);
    let older = keeper.pakt(&merge).expect(0);
    assert!(older.stderr.contains("it has 2 batches, and 3 of it were taken in before"), "{}", older.stderr);
    // Its writer went on behind the older copy: the third batch is another one.
    let day_ago = ada.0.tool(&["date", "-d", "1 day ago", "+%s"]).parse().expect("seconds");
    fs::write(ada.0.home().join("bin/rows"), own(4712, "hai", day_ago, 60)).expect("ours");
    ada.pakt(&write).expect(0);
    let forked = keeper.pakt(&merge).expect(5);
    assert!(forked.stderr.contains("batch 3 is another one than the one that was taken in"), "{}", forked.stderr);
    fs::write(&bundles(folder.path())[0], "{}\n{}\n").expect("ours");
    assert!(keeper.pakt(&merge).expect(5).stderr.contains("it does not begin as a bundle does"));
}

#[test]
fn a_writer_that_was_stopped_leaves_nothing_that_counts_and_the_next_one_mends_it() {
    let (ada, folder) = (Jupiter::with(|day_ago| own(4711, "hai", day_ago, 3_600)), shared());
    let (write, merge) = (["settle", "--bundle", text(folder.path())], ["ledger", "merge", text(folder.path())]);
    ada.pakt(&write).expect(0);
    let path = bundles(folder.path())[0].clone();
    let whole = fs::read(&path).expect("there");
    for cut in [0, 1, 100, whole.len() / 2, whole.len() - 60, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).expect("ours");
        let keeper = keeper();
        let merged = keeper.pakt(&merge).expect(0);
        assert!(merged.stderr.contains("its last batch is not whole"), "{cut}: {}", merged.stderr);
        let mended = ada.pakt(&write).expect(0);
        assert_eq!(mended.stderr.contains("the last writer was stopped"), cut > 0, "{cut}: {}", mended.stderr);
        keeper.pakt(&merge).expect(0);
        assert_eq!(keeper.0.entries_of_kind("settle"), 1, "{cut}");
    }
}

#[test]
fn another_key_of_the_same_person_is_believed_only_where_somebody_says_so() {
    let (ada, keeper, folder) = (Jupiter::with(|day_ago| own(4711, "hai", day_ago, 3_600)), keeper(), shared());
    let (write, merge) = (["settle", "--bundle", text(folder.path())], ["ledger", "merge", text(folder.path())]);
    ada.pakt(&write).expect(0);
    keeper.pakt(&merge).expect(0);
    let key = ada.0.home().join("bundle.key");
    assert_eq!(fs::metadata(&key).expect("made").permissions().mode() & 0o777, 0o600);
    fs::remove_file(&key).expect("ours");
    fs::write(ada.0.home().join("bin/rows"), own(4712, "hai", 1_795_000_000, 60)).expect("ours");
    let fingerprint = ada.pakt(&[&write[..], &["--json"]].concat()).json()["bundle"]["fingerprint"].clone();
    let refused = keeper.pakt(&merge).expect(4);
    let why = refused.stderr.lines().find(|line| line.starts_with("why:")).expect("a reason");
    assert!(why.contains("it is signed with key") && why.contains("and earlier bundles of"), "{why}");
    let fingerprint = fingerprint.as_str().expect("text");
    assert!(refused.stderr.contains(&format!("`--accept-key {fingerprint}`")), "{}", refused.stderr);
    let before = books(&keeper.0);
    keeper.pakt(&[&merge[..], &["--accept-key", &"f".repeat(32)]].concat()).expect(4);
    assert_eq!(books(&keeper.0), before);
    keeper.pakt(&[&merge[..], &["--accept-key", fingerprint]].concat()).expect(0);
    // Both are known now.
    keeper.pakt(&merge).expect(0);
    keeper.pakt(&["ledger", "merge", text(folder.path()), "--accept-key", "ada"]).expect(2);
}

#[test]
fn a_ledger_and_a_bundle_are_written_with_one_command_and_say_the_same() {
    let (ada, folder) = (Jupiter::with(|day_ago| own(4711, "hai", day_ago, 3_600)), shared());
    ada.pakt(&["ledger", "init"]).expect(0);
    ada.grant();
    let write = ["settle", "--bundle", text(folder.path())];
    assert_snapshot!(shown(&ada.pakt(&write), folder.path()), @"
    exit 0
    --- stdout
    jupiter: runs: 1 newly charged, 0 known, 0 corrected; unattributed runs: 0 new, 0 in all; jobs: 0 running, 0 waiting; settled until <instant>
      atlas was charged 8.000 GPU-h (jupiter:gh200)
    <bundle>: 1 run written, 2 batches in all; jobs: 0 running, 0 waiting; read until <instant>
      signed with key <key>
    ");
    let before = books(&ada.0);
    let merged = ada.pakt(&["ledger", "merge", text(folder.path())]).expect(0);
    assert!(merged.stdout.contains("0 newly charged, 1 known, 0 corrected"), "{}", merged.stdout);
    assert_eq!(books(&ada.0), before);
    // Somebody else's ledger comes to the same.
    let keeper = keeper();
    keeper.pakt(&["ledger", "merge", text(folder.path())]).expect(0);
    let ((_, balances, usage), (_, others, other_usage)) = (before, books(&keeper.0));
    assert_eq!((balances, usage), (others, other_usage));
}

#[test]
fn bundles_of_two_sites_go_into_a_third_ledger_in_any_order_and_twice() {
    let folder = shared();
    let ada = Jupiter::with(|day_ago| own(4711, "hai", day_ago, 3_600) + &own(4712, "hai", day_ago, 7));
    let carol = Jupiter::at("horeka", |day_ago| {
        own(4711, "hai", day_ago, 1_800).replace("|jupiter|", "|horeka|").replace("gh200", "h100")
    });
    for member in [&ada, &carol] {
        member.pakt(&["settle", "--bundle", text(folder.path())]).expect(0);
    }
    let files = bundles(folder.path());
    let [first, second] = [&files[0], &files[1]].map(|file| text(file));
    let seen: Vec<_> = [vec![first, second], vec![second, first, first], vec![text(folder.path()), second]]
        .into_iter()
        .map(|order| {
            let keeper = keeper();
            for file in order {
                keeper.pakt(&["ledger", "merge", file]).expect(0);
            }
            books(&keeper.0)
        })
        .collect();
    assert_eq!(seen[0].0.iter().filter(|entry| entry.contains("kind=\"settle\"")).count(), 2, "{:?}", seen[0].0);
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

#[test]
fn what_cannot_be_written_or_merged_is_told() {
    let (ada, keeper, folder) = (Jupiter::with(|_| String::new()), keeper(), shared());
    assert_snapshot!(shown(&ada.pakt(&["settle", "--bundle", "nowhere"]), folder.path()), @"
    exit 2
    --- stderr
    error: nothing was written to the bundle
    why:   there is no folder `nowhere`
    next:  make it, and let your group write there: `mkdir DIR && chmod g+rwxs DIR`
    ");
    assert_snapshot!(shown(&keeper.pakt(&["ledger", "merge", text(folder.path())]), folder.path()), @"
    exit 2
    --- stderr
    error: the bundles were not merged
    why:   `<shared>` has no file whose name ends in `<bundle>`
    next:  name the folder that members write to with `pakt settle --bundle`
    ");
    assert_snapshot!(shown(&keeper.pakt(&["ledger", "merge", "nothing.bundle"]), folder.path()), @"
    exit 2
    --- stderr
    error: the bundles were not merged
    why:   there is no file or folder `<bundle>`
    next:  name bundles that `pakt settle --bundle` wrote, or folders that have some
    ");
    assert_snapshot!(shown(&ada.pakt(&["ledger", "merge", text(folder.path())]), folder.path()), @"
    exit 2
    --- stderr
    error: the bundles were not merged
    why:   there is no ledger at `<home>/state/ledger.sqlite`
    next:  make one with `pakt ledger init`, or name yours with `ledger:` in the configuration
    ");
    // Somebody else's run does not come into one's own bundle.
    let bob = Jupiter::with(|day_ago| row(4711, "hai", "booster", day_ago, 60).replace("|ada|", "|somebody-else|"));
    let refused = bob.pakt(&["settle", "--bundle", text(folder.path())]).expect(5);
    assert!(refused.stderr.contains("it is `somebody-else`'s, and one's own were asked for"), "{}", refused.stderr);
    bob.pakt(&["settle", "--all-users", "--bundle", text(folder.path())]).expect(0);
}

#[test]
fn a_bundle_that_may_not_be_read_is_told_as_that_and_not_as_a_broken_one() {
    let (desk, folder) = (Desk::new(), shared());
    desk.share_the_program();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    for path in [desk.home().parent().expect("a folder"), &desk.home(), &desk.work()] {
        mode(path, 0o777);
    }
    // Permissions do not keep root from anything.
    let merge = |words: &[&str]| {
        let mut command = desk.command(words);
        if rustix::process::geteuid().is_root() {
            command.uid(65_534).gid(65_534);
        }
        desk.finish(words, command)
    };
    merge(&["ledger", "init"]).expect(0);
    let bundle = folder.path().join("ada.bundle");
    fs::write(&bundle, "not to be read").expect("ours");
    mode(&bundle, 0);
    mode(folder.path(), 0o755);
    assert_snapshot!(shown(&merge(&["ledger", "merge", text(folder.path())]), folder.path()), @"
    exit 3
    --- stdout
    <bundle>: not read
    --- stderr
    warning: <bundle>: reading <bundle>: not permitted; cause: you may not do that there
    error: not everything was merged
    why:   reading <bundle>: not permitted; cause: you may not do that there
    next:  whoever merges has to read it: look at its owner, group and mode, and at those of its folder (`chmod g+r FILE`, `chmod g+rxs DIR`), then merge again
    ");
    mode(folder.path(), 0);
    assert_snapshot!(shown(&merge(&["ledger", "merge", text(&bundle)]), folder.path()), @"
    exit 3
    --- stderr
    error: the bundles were not merged
    why:   `<bundle>`: you may not do that there
    next:  whoever merges has to look into that folder: look at its owner, group and mode (`chmod g+rxs DIR`)
    ");
    merge(&["ledger", "merge", text(folder.path())]).expect(3);
    mode(folder.path(), 0o755);
}
