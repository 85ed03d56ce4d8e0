//! Decisions: each is an entry, whose leaf has the digest of what was decided. Whoever changes, drops, adds or moves one is
//! found, in a ledger and in an export, and whoever makes its entry anew by one earlier checkpoint.

use crate::bundles::{keep, mark};
use crate::exports::lines;
use crate::support::*;
use ledger::evidence::{EntryProof, ProvenEntry, SignedCheckpoint};
use ledger::{
    Binding, BundleMark, Command, ControlTotal, Coverage, DecidedKind, ExportAudit, HardStop, ImportBatch, MonthlyJsc,
    OpenMode, Outside, Particulars, SiteZone, Unbind,
};
use model::{Principal, Window};

fn batch(command: &str) -> Command {
    Command::NoteImport(Box::new(ImportBatch {
        reader: "pakt 0.1".to_owned(),
        command: command.to_owned(),
        site: name("jupiter"),
        clusters: [name("booster")].into(),
        observed_at: now(),
        window: Some(Window { from: at(NOW - 1000), to: now() }),
        rows: 3,
        totals: vec![ControlTotal { unit: gh200(), runs: 2, milli: "60".to_owned() }],
        still_running: Vec::new(),
        digest: "00".to_owned(),
    }))
}

fn cover(scope: &str, from: i64, to: i64) -> Command {
    Command::Cover(Coverage {
        site: name("jupiter"),
        cluster: name("booster"),
        scope: name(scope),
        rights: None,
        whole_accounts: vec![None, Some(name("hai"))],
        hidden_accounts: Vec::new(),
        window: Window { from: at(from), to: at(to) },
        observed_at: at(to),
    })
}

/// One decision of every kind, and some that another one takes the place of.
pub(crate) async fn decide_all(desk: &Desk) {
    let rule = Binding {
        account: None,
        user: Some(name("carol")),
        work_directory: Some("/home/carol".parse().expect("a folder")),
        name: Some("train-*".parse().expect("a pattern")),
        ..binding()
    };
    desk.post(&[grant("g1", 1000), Command::Bind(binding()), Command::Bind(rule), enforce(true), enforce(false)]).await;
    desk.post(&[Command::Unbind(Unbind { number: 2, to: at(10) }), enforce(true)]).await;
    desk.post(&[set_policy(HardStop {}), set_policy(MonthlyJsc::default()), settle(foreign(1, 30))]).await;
    let zones =
        ["UTC", "Europe/Berlin"].map(|zone| Command::SetZone(SiteZone { site: name("jupiter"), zone: name(zone) }));
    desk.post(&zones).await;
    desk.post(&[Command::NoteSiteFigure(site_figure(10, NOW)), batch("ledger import runs.txt")]).await;
    desk.post(&[
        keep(mark(1, 'a', 1)),
        keep(mark(1, 'a', 2)),
        keep(BundleMark { user: name("bob"), ..mark(2, 'b', 1) }),
    ])
    .await;
    desk.post(&[cover("user:ada", 0, 50), cover("all:carol", 0, 70), cover("user:ada", 50, 90)]).await;
}

async fn busy_desk() -> Desk {
    let desk = Desk::in_memory();
    decide_all(&desk).await;
    desk
}

async fn outside(desk: &Desk) -> Outside {
    let text = desk.book.log().await.expect("a log").checkpoint.expect("signed");
    Outside {
        checkpoints: vec![SignedCheckpoint::parse(text.as_bytes()).expect("read")],
        keys: Vec::new(),
        witnesses: Vec::new(),
    }
}

async fn kinds(desk: &Desk) -> Vec<DecidedKind> {
    let decided = |entry: ledger::Entry| match entry.particulars {
        Particulars::Decided(decided) => Some(decided.kind),
        _ => None,
    };
    desk.entries().await.into_iter().filter_map(decided).collect()
}

#[tokio::test]
async fn every_decision_is_an_entry_and_a_repeated_one_is_none() {
    use DecidedKind::{Binding, Bundle, Coverage, Enforcement, Import, Policy, SiteFigure, Unbinding, Zone};
    let desk = busy_desk().await;
    let all = [
        Binding,
        Binding,
        Enforcement,
        Enforcement,
        Unbinding,
        Enforcement,
        Policy,
        Policy,
        Zone,
        Zone,
        SiteFigure,
        Import,
        Bundle,
        Bundle,
        Bundle,
        Coverage,
        Coverage,
        Coverage,
    ];
    assert_eq!(kinds(&desk).await, all);
    desk.verify().await;
    let again = [
        Command::Bind(binding()),
        Command::Unbind(Unbind { number: 2, to: at(10) }),
        enforce(true),
        set_policy(MonthlyJsc::default()),
        Command::SetZone(SiteZone { site: name("jupiter"), zone: name("Europe/Berlin") }),
        Command::NoteSiteFigure(site_figure(10, NOW)),
        keep(mark(1, 'a', 2)),
        cover("all:carol", 0, 70),
    ];
    desk.post(&again).await;
    assert_eq!(kinds(&desk).await, all, "nothing new was decided");
    let (log, decided) = desk.book.log_and_decisions().await.expect("a log");
    assert_eq!((log.size, decided.len()), (desk.entries().await.len() as u64, all.len() - 2), "two were replaced");
}

/// What whoever has the file can do to it, and what is said of that.
const CHANGES: &[(&str, &str)] = &[
    ("UPDATE enforcements SET is_enforced = false WHERE number = 3", "the enforcement of entry"),
    ("UPDATE enforcements SET recorded_at = 5 WHERE number = 1", "the enforcement of entry"),
    ("UPDATE enforcements SET project = 'other'", "the enforcement of entry"),
    ("UPDATE enforcements SET actor_user = 'bob' WHERE number = 2", "the enforcement of entry"),
    ("DELETE FROM enforcements WHERE number = 3", "the enforcement that entry"),
    ("DELETE FROM enforcements", "the enforcement that entry"),
    (
        "INSERT INTO enforcements (project, unit, is_enforced, recorded_at, actor_user)
         VALUES ('atlas', 'jupiter:gh200', false, 1793000000, 'ada')",
        "a enforcement is there that no entry decides",
    ),
    (
        "UPDATE policies SET policy = (SELECT policy FROM policies WHERE number = 1) WHERE number = 2",
        "the policy of entry",
    ),
    ("UPDATE policies SET zone = 'UTC' WHERE number = 2", "the policy of entry"),
    ("DELETE FROM policies WHERE number = 2", "the policy that entry"),
    ("UPDATE bindings SET project = 'other' WHERE number = 1", "the binding of entry 2"),
    ("UPDATE bindings SET account = NULL WHERE number = 1", "the binding of entry 2"),
    ("UPDATE bindings SET from_at = 1 WHERE number = 1", "the binding of entry 2"),
    ("UPDATE bindings SET to_at = 1 WHERE number = 1", "the binding of entry 2"),
    ("UPDATE bindings SET user = 'dora' WHERE number = 1", "the binding of entry 2"),
    ("UPDATE bindings SET user = NULL WHERE number = 2", "the binding of entry 3"),
    ("UPDATE bindings SET work_directory = '/home' WHERE number = 2", "the words of the binding of entry 3"),
    ("UPDATE bindings SET name = NULL WHERE number = 2", "the words of the binding of entry 3"),
    ("UPDATE bindings SET entry = entry + 100 WHERE number = 1", "the binding that entry 2"),
    ("DELETE FROM bindings WHERE number = 1", "the binding that entry 2"),
    ("UPDATE unbindings SET to_at = 20", "the unbinding of entry"),
    ("UPDATE unbindings SET binding = 1", "the unbinding of entry"),
    ("DELETE FROM unbindings", "the unbinding that entry"),
    ("UPDATE zone_changes SET zone = 'UTC' WHERE number = 2", "the zone of entry"),
    ("UPDATE zone_changes SET number = number + 10 WHERE number = 1", "lies behind a later one"),
    ("UPDATE site_zones SET zone = 'UTC'", "the zone of `jupiter` is not the one that was set last"),
    ("DELETE FROM site_zones", "the zone of `jupiter` is not the one that was set last"),
    ("UPDATE site_figures SET used = 9", "the site-figure of entry"),
    ("UPDATE site_figures SET as_of = as_of - 1", "the site-figure of entry"),
    ("UPDATE site_figures SET source = 'hearsay'", "the words of the site-figure of entry"),
    ("DELETE FROM site_figures", "the site-figure that entry"),
    ("UPDATE imports SET header = replace(header, '\"rows\":3', '\"rows\":4')", "the import of entry"),
    ("UPDATE imports SET header = replace(header, '\"milli\":\"60\"', '\"milli\":\"61\"')", "the import of entry"),
    ("UPDATE imports SET header = replace(header, 'pakt 0.1', 'other')", "the import of entry"),
    ("UPDATE imports SET header = replace(header, 'runs.txt', 'other.txt')", "the words of the import of entry"),
    ("UPDATE imports SET digest = '01'", "the import of entry"),
    ("DELETE FROM imports", "the import that entry"),
    ("UPDATE bundles SET trust = 'site' WHERE key LIKE 'b%'", "the bundle of entry"),
    ("UPDATE bundles SET key = 'cccccccccccccccccccccccccccccccc' WHERE key LIKE 'b%'", "the bundle of entry"),
    ("UPDATE bundles SET user = 'carol' WHERE key LIKE 'b%'", "the bundle of entry"),
    ("UPDATE bundles SET number = 1", "the bundle of entry"),
    ("DELETE FROM bundles WHERE key LIKE 'b%'", "the bundle that entry"),
    ("UPDATE coverage SET to_at = to_at + 100 WHERE scope = 'user:ada'", "the coverage of entry"),
    ("UPDATE coverage SET scope = 'all:ada' WHERE scope = 'user:ada'", "the coverage of entry"),
    ("UPDATE coverage SET rights = 'site'", "the coverage of entry"),
    ("UPDATE coverage SET whole_accounts = '[]'", "the coverage of entry"),
    ("DELETE FROM coverage WHERE scope = 'all:carol'", "the coverage that entry"),
    (
        "INSERT INTO coverage (site, cluster, scope, whole_accounts, hidden_accounts, from_at, to_at, observed_at)
         VALUES ('jupiter', 'booster', 'site:olga', '[]', '[]', 0, 1793000000, 1793000000)",
        "a coverage is there that no entry decides",
    ),
];

#[tokio::test]
async fn one_change_to_a_decision_is_found() {
    for (sql, found) in CHANGES {
        let desk = busy_desk().await;
        desk.change_the_tables(sql);
        let findings = desk.book.verify().await.expect("verified").findings;
        assert!(findings.iter().any(|finding| finding.contains(found)), "{sql}: {findings:?}");
        let export = lines(desk.book.as_ref(), false).await.join("\n");
        let exported = ExportAudit::run(export.as_bytes(), &Outside::default()).expect("read").findings;
        // What only a table can have wrong is in no export.
        let is_of_the_table = found.contains("lies behind") || found.contains("set last");
        assert!(is_of_the_table || exported.iter().any(|finding| finding.contains(found)), "{sql}: {exported:?}");
    }
}

/// Of a switch the last row counts: none may be moved behind another.
#[tokio::test]
async fn decisions_that_change_places_are_found() {
    for (table, kind) in [("enforcements", "enforcement"), ("policies", "policy")] {
        let desk = busy_desk().await;
        desk.change_the_tables(&format!("UPDATE {table} SET number = number + 10 WHERE number = 1"));
        let findings = desk.book.verify().await.expect("verified").findings;
        assert!(findings[0].starts_with(&format!("the {kind} of entry")), "{findings:?}");
        assert!(findings[0].ends_with("lies behind a later one"), "{findings:?}");
    }
}

/// Whoever has the key makes the ledger anew with another decision: alone it looks well.
#[tokio::test]
async fn a_decision_made_anew_with_the_key_is_found_by_a_checkpoint() {
    let desk = busy_desk().await;
    let outside = outside(&desk).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(desk.key_file(), folder.path().join("ledger.db.key")).expect("the keeper's");
    let forged = Desk::of_file(folder);
    forged.post(&[grant("g1", 1000), enforce(true)]).await;
    decide_all(&forged).await;
    assert_eq!(forged.book.verify().await.expect("verified").findings, [""; 0], "alone it looks well");
    let findings = forged.book.audit(&outside).await.expect("audited").findings;
    assert!(findings[0].contains("are not those of your checkpoint"), "{findings:?}");
}

/// Whoever has no key puts the digest of the changed row into its entry: the leaf is another.
#[tokio::test]
async fn a_digest_computed_anew_is_found() {
    let (desk, other) = (Desk::in_memory(), Desk::in_memory());
    desk.post(&[grant("g1", 1000), enforce(true)]).await;
    other.post(&[grant("g1", 1000), enforce(true)]).await;
    let outside = outside(&desk).await;
    desk.change_the_tables(
        "DROP TRIGGER entries_are_not_changed;
         UPDATE enforcements SET is_enforced = false;
         UPDATE entries SET particulars = replace(particulars, '\"digest\":\"', '\"digest\":\"A') WHERE number = 2",
    );
    assert!(desk.book.audit(&outside).await.is_err(), "no digest of any release");
    let leaf = "SELECT particulars FROM entries WHERE number = 2";
    let file = rusqlite::Connection::open(other.path()).expect("opened");
    let particulars: String = file.query_row(leaf, [], |row| row.get(0)).expect("read");
    desk.change_the_tables(&format!("UPDATE entries SET particulars = '{particulars}' WHERE number = 2"));
    let findings = desk.book.audit(&outside).await.expect("audited").findings;
    for found in ["entry 2 is not the one that its leaf was made of", "the first 2 entries are not those"] {
        assert!(findings.iter().any(|finding| finding.contains(found)), "{findings:?}");
    }
}

#[tokio::test]
async fn exports_have_the_decisions_with_names_and_without() {
    let desk = busy_desk().await;
    let outside = outside(&desk).await;
    let (whole, public) = (lines(desk.book.as_ref(), false).await, lines(desk.book.as_ref(), true).await);
    for lines in [&whole, &public] {
        let verified = ExportAudit::run(lines.join("\n").as_bytes(), &outside).expect("read");
        assert_eq!(verified.findings, [""; 0]);
    }
    let decided = |lines: &[String]| {
        let is_decision = |line: &&String| line.starts_with("{\"decided\":{");
        lines.iter().filter(is_decision).cloned().collect::<Vec<_>>()
    };
    assert_eq!((decided(&whole).len(), decided(&public).len()), (16, 16));
    for word in ["\"ada\"", "\"bob\"", "carol", "train-", "runs.txt", "jutil"] {
        assert!(whole.join("\n").contains(word) && !public.join("\n").contains(word), "{word}");
    }
    for place in 0..16 {
        let mut missing = public.clone();
        let gone = missing.remove(public.len() - 16 + place);
        let findings = ExportAudit::run(missing.join("\n").as_bytes(), &outside).expect("read").findings;
        assert!(findings.len() == 1 && findings[0].ends_with(" is not there"), "{gone}: {findings:?}");
        let mut twice = public.clone();
        twice.push(gone.clone());
        let findings = ExportAudit::run(twice.join("\n").as_bytes(), &outside).expect("read").findings;
        assert!(findings.len() == 1 && findings[0].contains("is there that entry"), "{gone}: {findings:?}");
    }
}

#[tokio::test]
async fn a_decision_is_proven() {
    let desk = busy_desk().await;
    let log = desk.book.log().await.expect("a log");
    let (keys, mut replaced) = ([log.key.expect("a key")], Vec::new());
    for entry in desk.entries().await {
        let Particulars::Decided(decided) = entry.particulars else { continue };
        let text = desk.book.prove(entry.number).await.expect("proven").to_string();
        let proof = EntryProof::parse(text.as_bytes()).expect("read");
        let proven = ProvenEntry::verify(&proof, &keys).expect("shown").0.decided.expect("a decision");
        assert_eq!((proven.kind.as_str(), proven.digest), (decided.kind.as_str(), decided.digest));
        replaced.extend(proven.replaces);
    }
    assert_eq!(replaced.len(), 2, "the bundle's place before, and the reading that was put together with a later one");
}

async fn proven_leaf(desk: &Desk, number: u64) -> Vec<u8> {
    desk.book.prove(number).await.expect("proven").extra.expect("the leaf")
}

/// Names of people in decisions are pseudonyms in leaves; what a decision says stays proven when they go.
#[tokio::test]
async fn erasing_a_person_keeps_what_was_decided() {
    let desk = busy_desk().await;
    let outside = outside(&desk).await;
    let (leaf, keys) = (proven_leaf(&desk, 3).await, [desk.book.log().await.expect("a log").key.expect("a key")]);
    let earlier = desk.book.prove(3).await.expect("proven");
    for user in ["carol", "bob"] {
        let who = Principal { user: name(user), site: Some(name("jupiter")) };
        desk.post(&[Command::Erase(who)]).await;
        assert_eq!(desk.book.audit(&outside).await.expect("audited").findings, [""; 0], "{user}");
    }
    assert_eq!(proven_leaf(&desk, 3).await, leaf);
    ProvenEntry::verify(&earlier, &keys).expect("shown still");
    for is_public in [false, true] {
        let export = lines(desk.book.as_ref(), is_public).await.join("\n");
        assert!(!export.contains("carol") && !export.contains("bob"), "{export}");
        assert_eq!(ExportAudit::run(export.as_bytes(), &outside).expect("read").findings, [""; 0]);
    }
    // Whoever puts another one in the place of who is not known any more is found all the same.
    desk.change_the_tables("UPDATE bundles SET trust = 'site' WHERE key LIKE 'b%'");
    assert_eq!(desk.book.verify().await.expect("verified").findings.len(), 1);
}

/// What was changed by hand is not taken for what the erasure changes.
#[tokio::test]
async fn an_erasure_makes_nothing_good_that_was_changed_before() {
    let desk = busy_desk().await;
    desk.change_the_tables("UPDATE bindings SET project = 'other' WHERE number = 2");
    desk.post(&[Command::Erase(Principal { user: name("carol"), site: Some(name("jupiter")) })]).await;
    let findings = desk.book.verify().await.expect("verified").findings;
    assert!(findings.iter().any(|finding| finding.contains("the binding of entry 3")), "{findings:?}");
}

/// The same decisions and random bits give the same leaves, whatever keeps them: this pins the format.
#[tokio::test]
async fn the_same_decisions_give_the_same_root() {
    let desk = Desk::new_in(&counted_from(1));
    decide_all(&desk).await;
    let head = desk.book.verify().await.expect("verified").log.expect("a log").head;
    insta::assert_snapshot!(head.root.to_string(), @"kr8q+P8YqFqQD6hBbOgZtCQqz161acUJxYPzaLh0zBk=");
    assert_eq!(desk.open_again(OpenMode::Existing).verify().await.expect("verified").findings, [""; 0]);
}

on_postgres_too! {
    every_decision_is_an_entry_and_a_repeated_one_is_none,
    one_change_to_a_decision_is_found,
    exports_have_the_decisions_with_names_and_without,
    a_decision_is_proven,
    erasing_a_person_keeps_what_was_decided,
    an_erasure_makes_nothing_good_that_was_changed_before,
    the_same_decisions_give_the_same_root,
}
