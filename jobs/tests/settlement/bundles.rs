//! Bundles of several people, taken into several ledgers: all come to the same books, whatever was merged when and how often.

use crate::cluster::{run, stamped, unreadable, waiting};
use crate::desk::{DAY, Desk, NOW, at};
use jobs::{
    bundle::{BundleReport, BundleWish, MergeReport, MergeWish, merge, write},
    directory::Origin,
};
use ledger::{
    BalanceQuery, Batch, Book, BundleHeader, BundleWriter, BundledRun, HoldId, KeyTrust, Scope, UsageField,
    UsageFilter, UsageQuery, UsageSpan,
    evidence::{Fingerprint, KeyKind, SignerKey},
};
use model::{BaseState, JobState, Run, SchedulerJobId, Tres, WallTime, Window};
use proptest::{prelude::*, test_runner::TestCaseError};
use std::{
    fs,
    path::{Path, PathBuf},
};

const PEOPLE: [&str; 3] = ["ada", "bob", "carol"];

/// The key of a person: its seed is their name's first letter.
fn key(user: &str) -> SignerKey {
    let seed = user.as_bytes()[0];
    let name = "pakt-bundle".parse().expect("a name");
    let mut bits = |bytes: &mut [u8]| {
        bytes.fill(seed);
        Ok(())
    };
    SignerKey::generate(name, KeyKind::Log, &mut bits).expect("bits are there")
}

/// Writes a person's bundle; carol is a coordinator.
async fn wrote(desk: &Desk, user: &str, folder: &Path) -> BundleReport {
    let wish = BundleWish { folder, key: &key(user), since: None, all_users: user == "carol" };
    write(&desk.house(user), wish).await.expect("written")
}

async fn merged(desk: &Desk, places: Vec<PathBuf>) -> MergeReport {
    merged_by(desk, places, vec![(key("carol").verifier().fingerprint(), KeyTrust::Everybody)]).await
}

async fn merged_by(desk: &Desk, places: Vec<PathBuf>, trusted: Vec<(Fingerprint, KeyTrust)>) -> MergeReport {
    merge(&desk.house("pi"), MergeWish { places, accepted: Vec::new(), trusted }).await.expect("merged")
}

/// What a ledger says: its balance, who used what when, what was read, what nobody pays for, and how far each bundle was
/// taken in.
async fn books(desk: &Desk) -> [String; 5] {
    let (book, now) = (desk.book(), desk.house("pi").clock.now());
    let balances = book.balances(&BalanceQuery::default(), now).await.expect("balances");
    let query = UsageQuery {
        span: UsageSpan::Instants(Window { from: at(NOW - 100 * DAY), to: at(NOW + 100 * DAY) }),
        filter: UsageFilter::default(),
        by: vec![UsageField::Day, UsageField::Person, UsageField::EndState],
        known_at: None,
    };
    let usage = book.usage(&query).await.expect("usage");
    let coverage = book.coverage(&"testland".parse().expect("a site")).await.expect("coverage");
    let unattributed = book.unattributed().await.expect("runs");
    let verification = book.verify().await.expect("verified");
    assert!(verification.is_consistent(), "{verification:?}");
    let marks = book.bundles().await.expect("marks");
    [
        format!("{balances:?}"),
        format!("{usage:?}"),
        format!("{coverage:?}"),
        format!("{unattributed:?}"),
        format!("{marks:?}"),
    ]
}

#[tokio::test]
async fn a_bundle_has_each_run_once_and_again_where_it_says_something_else() {
    let (desk, folder) = (Desk::new().await, tempfile::tempdir().expect("a folder"));
    desk.says().runs = vec![
        run(1, "ada", NOW - 20 * DAY, Some(NOW - 20 * DAY + 100)),
        run(2, "ada", NOW - DAY, Some(NOW - DAY + 1_000)),
        run(3, "bob", NOW - DAY, Some(NOW - DAY + 10)),
        run(4, "ada", NOW - 60, None),
    ];
    desk.says().queue = vec![waiting(5, "ada", NOW - 60)];
    let report = wrote(&desk, "ada", folder.path()).await;
    assert_eq!((report.runs, report.batches, report.running, report.pending), (2, 2, 1, 1));
    assert_eq!(report.settled_until, at(NOW));
    // Two days overlap; nothing of it is written again, and it is known how far was read.
    desk.set_clock(NOW + 60);
    let again = wrote(&desk, "ada", folder.path()).await;
    assert_eq!((again.runs, again.batches, again.since), (0, 3, at(NOW - 2 * DAY)));
    merged(&desk, vec![folder.path().to_owned()]).await;
    assert_eq!(desk.used().await, 1_100);
    assert_eq!((desk.balance().await.running.milli() > 0, desk.cursor("user:ada").await), (true, None));
    // Its end is corrected later; the ledger follows, and says who read it.
    desk.set_clock(NOW + 120);
    let mut corrected = run(2, "ada", NOW - DAY, Some(NOW - DAY + 900));
    corrected.observed_at = at(NOW + 120);
    desk.says().runs[1] = corrected;
    assert_eq!(wrote(&desk, "ada", folder.path()).await.runs, 1);
    let report = merged(&desk, vec![folder.path().to_owned()]).await;
    assert_eq!((report.bundles[0].taken.counts.corrected, desk.used().await), (1, 1_000));
    let entry = desk.entries().await.pop().expect("an entry");
    assert_eq!(entry.actor.to_string(), "ada@testland");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_told_and_read_again() {
    let (desk, folder) = (Desk::new().await, tempfile::tempdir().expect("a folder"));
    desk.says().rejected = vec![unreadable(9, &(NOW - 5 * DAY).to_string())];
    let report = wrote(&desk, "ada", folder.path()).await;
    assert_eq!((report.rejected.len(), report.settled_until), (1, at(NOW - 5 * DAY)));
    desk.says().rejected = Vec::new();
    let again = wrote(&desk, "ada", folder.path()).await;
    assert_eq!((again.since, again.settled_until), (at(NOW - 7 * DAY), at(NOW)));
}

#[tokio::test]
async fn whoever_merges_is_told_of_runs_with_the_stamp_of_another_persons_job() {
    let (desk, folder) = (Desk::new().await, tempfile::tempdir().expect("a folder"));
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    desk.says().runs = vec![
        stamped(run(1, "ada", NOW - 900, Some(NOW - 800)), job.stamp()),
        stamped(run(2, "bob", NOW - 900, Some(NOW - 700)), job.stamp()),
    ];
    for user in ["ada", "bob"] {
        wrote(&desk, user, folder.path()).await;
    }
    let report = merged(&desk, vec![folder.path().to_owned()]).await;
    let notes: Vec<_> = report.bundles.iter().map(|bundle| bundle.notes.join("; ")).collect();
    assert!(notes[0].is_empty(), "ada's own run: {notes:?}");
    assert!(notes[1].starts_with("1 run has the stamp of another person's job"), "{notes:?}");
    assert!(notes[1].ends_with("job 2 of `bob` with one of `ada`"), "{notes:?}");
    assert_eq!(desk.book().hold(HoldId(job.id)).await.expect("read").expect("a hold").charged.milli(), 100_000);
}

#[tokio::test]
async fn of_two_writers_at_once_one_is_told_to_come_again() {
    let (desk, folder) = (Desk::new().await, tempfile::tempdir().expect("a folder"));
    let file = wrote(&desk, "ada", folder.path()).await.file;
    let other = reach::GrowingFile::open(&file).expect("opened").expect("nobody has it");
    let wish = BundleWish { folder: folder.path(), key: &key("ada"), since: None, all_users: false };
    let error = write(&desk.house("ada"), wish).await.expect_err("locked");
    assert_eq!(error.gravity, jobs::Gravity::Unreachable);
    drop(other);
    wrote(&desk, "ada", folder.path()).await;
}

#[tokio::test]
async fn what_a_clock_that_was_ahead_wrote_waits_for_its_time() {
    let (desk, folder) = (Desk::new().await, tempfile::tempdir().expect("a folder"));
    desk.says().runs = vec![run(1, "ada", NOW - DAY, Some(NOW - DAY + 100))];
    desk.set_clock(NOW + DAY);
    wrote(&desk, "ada", folder.path()).await;
    desk.set_clock(NOW);
    let report = merged(&desk, vec![folder.path().to_owned()]).await;
    let refusal = report.bundles[0].refused.as_ref().expect("refused");
    assert!(refusal.why.contains("is dated"), "{}", refusal.why);
    desk.set_clock(NOW + DAY);
    assert!(merged(&desk, vec![folder.path().to_owned()]).await.is_complete());
    assert_eq!(desk.used().await, 100);
}

#[tokio::test]
async fn runs_that_had_no_price_are_charged_by_a_later_merge() {
    let (mut desk, folder) = (Desk::new().await, tempfile::tempdir().expect("a folder"));
    let mut elsewhere = run(1, "ada", NOW - DAY, Some(NOW - DAY + 100));
    elsewhere.partition = Some("new".parse().expect("a partition"));
    desk.says().runs = vec![elsewhere];
    wrote(&desk, "ada", folder.path()).await;
    let report = merged(&desk, vec![folder.path().to_owned()]).await;
    assert_eq!((report.bundles[0].taken.not_priced.count, report.is_complete()), (1, false));
    desk.profile_knows(&["gpu", "new"]);
    let report = merged(&desk, vec![folder.path().to_owned()]).await;
    assert_eq!((report.repriced.counts.priced, report.is_complete(), desk.used().await), (1, true, 100));
}

#[tokio::test]
async fn a_run_that_ends_ahead_of_the_clock_is_left_for_the_next_time() {
    let (desk, folder) = (Desk::new().await, tempfile::tempdir().expect("a folder"));
    desk.says().runs = vec![run(1, "ada", NOW - 100, Some(NOW + 400))];
    let report = wrote(&desk, "ada", folder.path()).await;
    assert_eq!((report.runs, report.rejected.len()), (0, 1));
    desk.set_clock(NOW + 600);
    assert_eq!(wrote(&desk, "ada", folder.path()).await.runs, 1);
    merged(&desk, vec![folder.path().to_owned()]).await;
    assert_eq!(desk.used().await, 500);
}

#[tokio::test]
async fn more_jobs_than_a_bundle_takes_are_told_of_and_left_out_and_the_bundle_goes_on() {
    let (desk, folder) = (Desk::new().await, tempfile::tempdir().expect("a folder"));
    desk.says().runs = vec![run(1, "ada", NOW - DAY, Some(NOW - DAY + 100))];
    desk.says().queue = (0..20_001).map(|id| waiting(10 + id, "ada", NOW - 60)).collect();
    let report = wrote(&desk, "ada", folder.path()).await;
    assert!(report.notes.iter().any(|note| note.contains("more than 20000")), "{:?}", report.notes);
    desk.says().queue.truncate(1);
    assert_eq!(wrote(&desk, "ada", folder.path()).await.pending, 1);
    assert!(merged(&desk, vec![folder.path().to_owned()]).await.is_complete());
    assert_eq!(desk.used().await, 100);
}

/// What makes a run one that makes no sense.
type Change<'a> = &'a dyn Fn(&mut Run);

/// A bundle of ada's with these runs, as another program may write one that looks at nothing.
fn written_elsewhere(runs: Vec<Run>, folder: &Path) {
    let key = key("ada");
    let header = BundleHeader {
        site: "testland".parse().expect("a site"),
        user: "ada".parse().expect("a user"),
        key: key.verifier().clone(),
        began_at: at(NOW),
        mark: 7,
        made_by: "another program".to_owned(),
    };
    let (mut writer, first) = BundleWriter::begin(&key, &header).expect("a header");
    let batch = Batch {
        number: 1,
        previous: writer.last(),
        written_at: at(NOW),
        cluster: "testland".parse().expect("a cluster"),
        scope: Scope::User(header.user.clone()),
        runs: runs.into_iter().map(|run| BundledRun::of(run).expect("it has ended")).collect(),
        sight: None,
        coverage: None,
    };
    let bytes = [first, writer.batch(batch).expect("a batch")].concat();
    fs::write(folder.join("ada.bundle"), bytes).expect("written");
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_rejected_with_its_reason_and_costs_no_other() {
    let changed = |id: u64, change: Change<'_>| {
        let mut run = run(id, "ada", NOW - DAY, Some(NOW - DAY + 100));
        change(&mut run);
        run
    };
    let huge = Tres::read("cpu=8,gres/gpu=9223372036854775807,node=1").expect("resources");
    let cases: [(&str, Change<'_>); 6] = [
        ("before its submission at", &|run| run.key.submitted_at = run.started_at.plus_seconds(301)),
        ("before its start at", &|run| run.ended_at = Some(run.started_at.plus_seconds(-1))),
        ("from its start to its end are 100 s", &|run| run.elapsed = WallTime::from_seconds(102)),
        ("which no ledger can hold", &|run| run.time_limit = Some(WallTime::from_seconds(u64::MAX))),
        ("which no ledger can hold", &|run| run.key.scheduler_job = SchedulerJobId::new(u64::MAX)),
        ("more than there can be", &|run| run.allocated = huge.clone()),
    ];
    let bad: Vec<Run> = (10..).zip(&cases).map(|(id, (_, change))| changed(id, *change)).collect();
    let good = [1, 2].map(|id| run(id, "ada", NOW - 2 * DAY, Some(NOW - 2 * DAY + 100)));
    let [first, last] = good;
    let (desk, folder) = (Desk::new().await, tempfile::tempdir().expect("a folder"));
    written_elsewhere([vec![first], bad, vec![last]].concat(), folder.path());
    let report = merged(&desk, vec![folder.path().to_owned()]).await;
    let taken = &report.bundles[0].taken;
    let told: Vec<&String> = taken.rejected.first.iter().chain(&taken.not_priced.first).collect();
    for (why, _) in &cases {
        assert!(told.iter().any(|text| text.contains(why)), "{why}: {told:?}");
    }
    assert_eq!((told.len(), taken.counts.new, desk.used().await), (6, 2, 200), "{report:?}");
    assert!(!report.is_complete());
    assert!(desk.book().verify().await.expect("verified").is_consistent());
}

#[tokio::test]
async fn a_run_that_starts_before_its_submission_goes_into_no_bundle() {
    let (desk, folder) = (Desk::new().await, tempfile::tempdir().expect("a folder"));
    let mut early = run(1, "ada", NOW - DAY, Some(NOW - DAY + 100));
    early.key.submitted_at = at(NOW - DAY + 3_600);
    desk.says().runs = vec![early, run(2, "ada", NOW - DAY, Some(NOW - DAY + 100))];
    let report = wrote(&desk, "ada", folder.path()).await;
    assert_eq!((report.runs, report.rejected.len()), (1, 1));
    assert!(report.rejected.iter().all(|why| why.contains("before its submission at")), "{:?}", report.rejected);
}

#[tokio::test]
async fn a_run_that_accounting_forgot_to_end_is_told_and_is_running_and_no_run_until_the_site_mends_it() {
    let (desk, folder) = (Desk::new().await, tempfile::tempdir().expect("a folder"));
    let mut lost = run(1, "ada", NOW - 20 * DAY, None);
    lost.elapsed = WallTime::from_seconds(20 * 86_400);
    desk.says().runs = vec![lost.clone()];
    let report = wrote(&desk, "ada", folder.path()).await;
    assert_eq!((report.runs, report.runaway.clone()), (0, vec![lost.key.clone()]));
    assert!(merged(&desk, vec![folder.path().to_owned()]).await.is_complete());
    assert_eq!((desk.used().await, desk.balance().await.running.milli()), (0, crate::desk::HOUR), "up to its limit");
    // The site gives it its end.
    desk.says().runs = vec![run(1, "ada", NOW - 20 * DAY, Some(NOW - 20 * DAY + 100))];
    desk.set_clock(NOW + 1);
    let since = Some(at(NOW - 30 * DAY));
    let wish = BundleWish { folder: folder.path(), key: &key("ada"), since, all_users: false };
    let report = write(&desk.house("ada"), wish).await.expect("written");
    assert_eq!((report.runs, report.runaway), (1, Vec::new()));
    assert!(merged(&desk, vec![folder.path().to_owned()]).await.is_complete());
    assert_eq!((desk.used().await, desk.balance().await.running.milli()), (100, 0));
}

/// One thing that happens in the group.
#[tokio::test]
async fn whoever_speaks_for_others_is_believed_where_a_person_says_so() {
    let (desk, folder) = (Desk::new().await, tempfile::tempdir().expect("a folder"));
    desk.says().runs =
        vec![run(1, "ada", NOW - 20_000, Some(NOW - 19_900)), run(2, "bob", NOW - 20_000, Some(NOW - 19_900))];
    let file = wrote(&desk, "carol", folder.path()).await.file;
    let keeper = Desk::new().await;
    let report = merged_by(&keeper, vec![file.clone()], Vec::new()).await;
    let refusal = report.refusals().next().expect("refused").clone();
    let key = key("carol").verifier().fingerprint();
    assert!(refusal.needs_a_person && refusal.next.contains(&format!("`--coordinator {key}`")), "{refusal:?}");
    assert_eq!((keeper.used().await, keeper.book().bundles().await.expect("read").len()), (0, 0));
    // Of one's own runs everybody is believed.
    let own = wrote(&desk, "ada", folder.path()).await.file;
    assert!(merged_by(&keeper, vec![own], Vec::new()).await.is_complete());
    assert_eq!(keeper.used().await, 100);
    assert!(merged_by(&keeper, vec![file.clone()], vec![(key, KeyTrust::Everybody)]).await.is_complete());
    assert_eq!(keeper.used().await, 200);
    // It was said once and holds.
    assert!(merged_by(&keeper, vec![file], Vec::new()).await.is_complete());
}

#[tokio::test]
async fn what_the_site_signs_gives_way_to_nobody_else() {
    let (desk, folder) = (Desk::new().await, tempfile::tempdir().expect("a folder"));
    desk.says().runs = vec![run(1, "ada", NOW - 20_000, Some(NOW - 19_900))];
    let signed = wrote(&desk, "carol", folder.path()).await.file;
    // Later ada says that it took half of that.
    desk.set_clock(NOW + 500);
    let shorter = Run { observed_at: at(NOW + 500), ..run(1, "ada", NOW - 20_000, Some(NOW - 19_950)) };
    desk.says().runs = vec![shorter];
    let own = wrote(&desk, "ada", folder.path()).await.file;
    let key = key("carol").verifier().fingerprint();
    for order in [[&signed, &own], [&own, &signed]] {
        let keeper = Desk::new().await;
        keeper.set_clock(NOW + 900);
        // Its word counts as the site's from the moment on at which somebody says so, for what came in before, too.
        for trust in [KeyTrust::Everybody, KeyTrust::Site] {
            for file in order {
                assert!(merged_by(&keeper, vec![file.clone()], vec![(key, trust)]).await.is_complete());
            }
            let counts = if trust == KeyTrust::Site { 100 } else { 50 };
            assert_eq!(keeper.used().await, counts, "{trust:?} {order:?}");
        }
        let coverage = keeper.book().coverage(&"testland".parse().expect("a site")).await.expect("read");
        let rights: Vec<_> = coverage.iter().map(|reading| reading.rights).collect();
        assert!(rights.contains(&Some(ledger::ReaderRights::Site)), "{rights:?}");
        assert!(keeper.book().verify().await.expect("verified").is_consistent());
    }
}

#[derive(Clone, Debug)]
enum Happening {
    Ends { who: usize, seconds: i64 },
    Changes { run: prop::sample::Index, seconds: i64 },
    Waits { who: usize },
    Starts { who: usize },
    Writes { who: usize },
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        (0..2_usize, 1..500_i64).prop_map(|(who, seconds)| Happening::Ends { who, seconds }),
        (any::<prop::sample::Index>(), 1..500_i64).prop_map(|(run, seconds)| Happening::Changes { run, seconds }),
        (0..2_usize).prop_map(|who| Happening::Waits { who }),
        (0..2_usize).prop_map(|who| Happening::Starts { who }),
        (0..3_usize).prop_map(|who| Happening::Writes { who }),
        (0..3_usize).prop_map(|who| Happening::Writes { who }),
    ]
}

/// Lets it happen, and answers with a copy of each bundle as it was after each writing.
async fn happened(desk: &Desk, happenings: &[Happening], folder: &Path, copies: &Path) -> Vec<PathBuf> {
    let mut written = Vec::new();
    for (step, happening) in happenings.iter().enumerate() {
        let now = NOW + 600 * i64::try_from(step + 1).expect("small");
        desk.set_clock(now);
        let id = 100 + step as u64;
        let ended = |run: &Run| run.ended_at.is_some();
        match happening {
            Happening::Ends { who, seconds } => {
                desk.says().runs.push(run(id, PEOPLE[*who], now - seconds - 50, Some(now - 50)));
            }
            Happening::Starts { who } => desk.says().runs.push(run(id, PEOPLE[*who], now - 600, None)),
            Happening::Waits { who } => desk.says().queue = vec![waiting(id, PEOPLE[*who], now - 60)],
            Happening::Changes { run, seconds } => {
                let runs = &mut desk.says().runs;
                let count = runs.iter().filter(|run| ended(run)).count();
                if count > 0 {
                    let changed = runs.iter_mut().filter(|run| ended(run)).nth(run.index(count)).expect("counted");
                    changed.ended_at = Some(changed.started_at.plus_seconds(*seconds));
                    changed.elapsed = model::WallTime::from_seconds(seconds.unsigned_abs());
                    changed.state = JobState::of(BaseState::Timeout);
                }
            }
            Happening::Writes { who } => {
                desk.says().runs.iter_mut().for_each(|run| run.observed_at = at(now));
                let file = wrote(desk, PEOPLE[*who], folder).await.file;
                let copy = copies.join(format!("{step}.bundle"));
                fs::copy(&file, &copy).expect("copied");
                written.push(copy);
            }
        }
    }
    written
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_repetition_gives_the_same_books(
        happenings in prop::collection::vec(happening(), 1..24),
        orders in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..8), 2),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (folder, copies) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
            let (group, plain) = (Desk::new().await, Desk::new().await);
            let written = happened(&group, &happenings, folder.path(), copies.path()).await;
            let end = NOW + DAY;
            let mut files: Vec<PathBuf> =
                fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
            files.sort();
            if files.is_empty() {
                return Ok(());
            }
            plain.set_clock(end);
            merged(&plain, files.clone()).await;
            let expected = books(&plain).await;
            for order in orders {
                let keeper = Desk::new().await;
                keeper.set_clock(end);
                for copy in &order {
                    merged(&keeper, vec![written[copy.index(written.len())].clone()]).await;
                }
                files.reverse();
                let report = merged(&keeper, files.clone()).await;
                prop_assert!(report.is_complete(), "{:?}", report);
                merged(&keeper, files.clone()).await;
                prop_assert_eq!(&books(&keeper).await, &expected);
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
