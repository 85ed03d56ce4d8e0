//! All that a ledger says, question by question: two ledgers that were told the same answer alike, to the byte.

use crate::exports::lines;
use crate::support::*;
use ledger::{BalanceQuery, KnownAt, LedgerError, UsageField, UsageFilter, UsageQuery, UsageSpan};
use model::{Day, Window};
use std::fmt::Debug;

/// A question, and the answer line by line.
type Answer = (String, Vec<String>);

/// The most runs of a list that are asked for.
const MOST: u32 = 10_000;
const MONTH: i64 = 30 * 86_400;

/// Fails with the first line of the first answer in which they differ. The answer are the questions that had none: a test of the
/// rest shows that it asks for something.
pub(crate) async fn are_alike(one: &Desk, other: &Desk, now: i64) -> Vec<String> {
    let mut unanswered = Vec::new();
    for ((question, answer), (_, of_other)) in
        all_answers(one, now).await.into_iter().zip(all_answers(other, now).await)
    {
        let first_other = answer.iter().zip(&of_other).find(|(one, other)| one != other);
        assert_eq!(first_other, None, "{question}");
        assert_eq!(answer.len(), of_other.len(), "{question}");
        if answer.is_empty() {
            unanswered.push(question);
        }
    }
    unanswered
}

async fn all_answers(desk: &Desk, now: i64) -> Vec<Answer> {
    let size = desk.book.log().await.expect("a log").size;
    let mut answers = of_the_log(desk, size).await;
    answers.extend(of_budgets(desk, now, size).await);
    answers.extend(of_usage(desk, now, size).await);
    answers.extend(of_runs(desk).await);
    answers.extend(of_holds_and_grants(desk).await);
    answers.extend(of_readings(desk, now).await);
    answers
}

fn rows<T: Debug>(question: &str, answer: Result<Vec<T>, LedgerError>) -> Answer {
    let rows = answer.unwrap_or_else(|error| panic!("{question}: {error}"));
    (question.to_owned(), rows.iter().map(|row| format!("{row:?}")).collect())
}

/// Of an answer that is one thing, each of its lines.
fn whole<T: Debug>(question: &str, answer: Result<T, LedgerError>) -> Answer {
    let whole = answer.unwrap_or_else(|error| panic!("{question}: {error}"));
    (question.to_owned(), format!("{whole:#?}").lines().map(str::to_owned).collect())
}

async fn of_the_log(desk: &Desk, size: u64) -> Vec<Answer> {
    let book = desk.book.as_ref();
    let mut proofs = Vec::new();
    for entry in [1, size / 2, size] {
        proofs.push(book.prove(entry).await.expect("proven").to_string());
    }
    vec![
        ("the export".to_owned(), lines(book, false).await),
        ("the export for the public".to_owned(), lines(book, true).await),
        ("proofs".to_owned(), proofs),
        whole("the verification", book.verify().await),
        whole("when it was written", book.written_at().await),
    ]
}

async fn of_budgets(desk: &Desk, now: i64, size: u64) -> Vec<Answer> {
    let (book, now) = (desk.book.as_ref(), at(now));
    let mut answers = Vec::new();
    for (when, known_at, as_of) in [
        ("", None, None),
        (" as it was known", Some(KnownAt::Entry(size / 2)), None),
        (" a month before", None, Some(now.plus_seconds(-MONTH))),
    ] {
        let query = BalanceQuery { known_at, as_of, ..BalanceQuery::default() };
        answers.push(rows(&format!("balances{when}"), book.balances(&query, now).await));
        answers.push(rows(&format!("budgets{when}"), book.budgets(&query, now).await));
    }
    let all = Window { from: at(0), to: now.plus_seconds(MONTH) };
    let month = Window { from: now.plus_seconds(-2 * MONTH), to: now.plus_seconds(-MONTH) };
    for balance in book.balances(&BalanceQuery::default(), now).await.expect("balances") {
        for (window, known_at) in [(all, None), (month, None), (all, Some(KnownAt::Entry(size / 2)))] {
            let question = format!("the statement of {} in {}, {window:?} {known_at:?}", balance.project, balance.unit);
            answers.push(whole(&question, book.statement(&balance.project, &balance.unit, window, known_at).await));
        }
    }
    answers
}

async fn of_usage(desk: &Desk, now: i64, size: u64) -> Vec<Answer> {
    use UsageField::{Cluster, Day as OfDay, EndState, Month, Partition, Person, Project, Site};
    let (book, mut answers) = (desk.book.as_ref(), Vec::new());
    let day = |text: &str| text.parse::<Day>().expect("a day");
    let days = UsageSpan::Days { from: day("2026-01-01"), to: day("2028-01-01") };
    let instants = UsageSpan::Instants(Window { from: at(now - 13 * MONTH), to: at(now - MONTH / 7) });
    for by in [&[OfDay, Person, EndState][..], &[Month, Project, Site], &[Cluster, Partition], &[]] {
        for (span, known_at) in [(days, None), (days, Some(KnownAt::Entry(size / 2))), (instants, None)] {
            let query = UsageQuery { span, known_at, filter: UsageFilter::default(), by: by.to_vec() };
            answers.push(rows(&format!("usage by {by:?}, {span:?} {known_at:?}"), book.usage(&query).await));
        }
    }
    let query = UsageQuery { span: days, known_at: None, filter: UsageFilter::default(), by: vec![Project, Person] };
    answers.push(rows("what sites charge", book.site_charges(&query).await));
    answers
}

async fn of_runs(desk: &Desk) -> Vec<Answer> {
    let (book, site) = (desk.book.as_ref(), name("jupiter"));
    vec![
        rows("unattributed runs", book.unattributed().await),
        whole("how many are unattributed", book.unattributed_count().await),
        rows("covered runs", book.covered().await),
        rows("sums of covered runs", book.covered_sums().await),
        rows("runs without a price, by person", book.unpriced_runs().await),
        rows("runs without a price", book.unpriced(&site, None, MOST).await),
        rows("runs that have a price", book.priced(&site, None, MOST).await),
        rows("runs with an id", book.charged_runs(&site, run_key(3).scheduler_job).await),
    ]
}

async fn of_holds_and_grants(desk: &Desk) -> Vec<Answer> {
    let book = desk.book.as_ref();
    let (mut holds, mut charged) = (Vec::new(), Vec::new());
    for number in 0..60 {
        holds.extend(book.hold(hold_id(number)).await.expect("read"));
        charged.extend(book.runs_charged_to(hold_id(number)).await.expect("read"));
    }
    vec![
        rows("open holds", book.open_holds(None).await),
        rows("holds", Ok(holds)),
        rows("runs that draw from holds", Ok(charged)),
        rows("grants", book.grants(None).await),
        rows("openings", book.openings(None).await),
        rows("proposals", book.proposals().await),
    ]
}

async fn of_readings(desk: &Desk, now: i64) -> Vec<Answer> {
    let (book, site) = (desk.book.as_ref(), name("jupiter"));
    let cursor = book.cursor(&site, &name("booster"), &name("user:ada")).await;
    vec![
        rows("bindings", book.bindings().await),
        rows("coverage", book.coverage(&site).await),
        whole("what was bound and read", book.bound_and_read(None).await),
        rows("what still ran", book.still_running(at(now)).await),
        rows("figures of sites", book.site_figures(None).await),
        rows("zones", book.zones().await),
        rows("imports", book.imports().await),
        rows("bundles", book.bundles().await),
        rows("the cursor", cursor.map(|cursor| cursor.into_iter().collect())),
    ]
}
