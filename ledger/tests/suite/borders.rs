//! Runs over the borders of grants, of months and of statements: each side pays its part, and the parts are the whole.

use crate::support::*;
use ledger::{
    BalanceQuery, Budget, Command, Effect, MonthlyJsc, NewGrant, Outcome, Refund, SettledRun, SiteZone, UsageFilter,
    UsageQuery, UsageSpan,
};
use model::{Amount, Statement, Window};

/// 1 October 2026, 00:00 in Berlin.
const OCTOBER: i64 = 1_790_805_600;
/// 25 October 2026, 00:00 in Berlin, a day of 25 hours.
const OCTOBER_25: i64 = 1_792_879_200;
const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn zone(zone: &str) -> Command {
    Command::SetZone(SiteZone { site: name("jupiter"), zone: name(zone) })
}

/// A run of one GPU from one instant to another.
fn ran(number: u64, from: i64, to: i64) -> SettledRun {
    let mut settled = ended(foreign(number, 1000 * (to - from)), to);
    settled.run.started_at = at(from);
    settled
}

/// Two grants that meet, the first of ten hours, the second of a hundred.
fn two_grants(border: i64) -> [Command; 2] {
    let given = |key: &str, hours: i64, from: i64, to: i64| {
        let window = Window { from: at(from), to: at(to) };
        Command::Grant(NewGrant { window, ..new_grant(key, 1000 * HOUR * hours) })
    };
    [given("first", 10, border - 30 * DAY, border), given("second", 100, border, border + 30 * DAY)]
}

async fn budget(desk: &Desk, query: BalanceQuery, now: i64) -> Budget {
    let query = BalanceQuery { project: Some(atlas()), ..query };
    desk.book.budgets(&query, at(now)).await.expect("budgets").remove(0)
}

/// What was used and what has expired of each lot, in the order in which they end, in seconds of a GPU; as the sums say it,
/// which is what the entries say.
async fn lots(desk: &Desk, now: i64) -> Vec<[i64; 2]> {
    let present = budget(desk, BalanceQuery::default(), now).await;
    let of_entries = BalanceQuery { as_of: Some(at(now)), ..BalanceQuery::default() };
    let lots = |budget: &Budget| budget.book().expect("a book").lots().to_vec();
    assert_eq!(lots(&present), lots(&budget(desk, of_entries, now).await));
    desk.verify().await;
    lots(&present).iter().map(|lot| [lot.used.milli() / 1000, lot.expired.milli() / 1000]).collect()
}

/// A ledger with the two grants, and a run of two hours before the border and a minute behind it.
async fn over_the_end(border: i64, of_zone: &str) -> Desk {
    let desk = Desk::new();
    desk.post(&[zone(of_zone), Command::Bind(binding())]).await;
    desk.post(&two_grants(border)).await;
    desk.post_at(border + DAY, &[settle(ran(1, border - 2 * HOUR, border + MINUTE))]).await;
    desk
}

#[tokio::test]
async fn a_run_over_the_end_of_a_grant_is_paid_by_both() {
    // At a midnight of the site, at one of another zone, in the middle of an hour.
    for (border, of_zone) in [(OCTOBER, "Europe/Berlin"), (OCTOBER, "UTC"), (OCTOBER + 1234, "Europe/Berlin")] {
        let desk = over_the_end(border, of_zone).await;
        let now = border + DAY;
        assert_eq!(lots(&desk, now).await, [[2 * HOUR, 8 * HOUR], [MINUTE, 0]], "{border} in {of_zone}");
        // Half is given back, on both sides.
        let refund =
            Refund { run: run_key(1), amount: Some(milli(1000 * (HOUR + MINUTE / 2))), reason: "node".to_owned() };
        desk.post_at(now, &[Command::Refund(refund)]).await;
        assert_eq!(lots(&desk, now).await, [[HOUR, 9 * HOUR], [MINUTE / 2, 0]]);
        // Read again, it was longer; what was given back stays as much, over the time that is known now.
        desk.post_at(now, &[settle(read_later(ran(1, border - HOUR, border + 3 * HOUR)))]).await;
        // A quarter of 3,630 seconds goes back before the border: 907.5.
        let expected = [[2_692, 33_307], [8_077, 0]];
        assert_eq!(lots(&desk, now).await, expected, "{border} in {of_zone}");
        let posted = desk.post_at(now, &[Command::Expire(None)]).await;
        let Outcome::Expired(expired) = &posted[0] else { panic!("{posted:?}") };
        assert_eq!(expired[0].amount, milli(33_307_500));
        assert_eq!(lots(&desk, now).await, expected);
    }
}

fn read_later(mut settled: SettledRun) -> SettledRun {
    settled.run.observed_at = at(settled.run.observed_at.epoch_seconds() + HOUR);
    settled
}

#[tokio::test]
async fn a_run_that_is_corrected_to_end_before_the_border_leaves_nothing_behind_it() {
    let desk = over_the_end(OCTOBER, "Europe/Berlin").await;
    desk.post_at(OCTOBER + DAY, &[settle(read_later(ran(1, OCTOBER - 2 * HOUR, OCTOBER)))]).await;
    assert_eq!(lots(&desk, OCTOBER + DAY).await, [[2 * HOUR, 8 * HOUR], [0, 0]]);
    desk.post_at(OCTOBER + DAY, &[settle(read_later(read_later(ran(1, OCTOBER, OCTOBER + HOUR))))]).await;
    assert_eq!(lots(&desk, OCTOBER + DAY).await, [[0, 10 * HOUR], [HOUR, 0]]);
}

#[tokio::test]
async fn what_the_first_grant_lacks_of_its_part_the_second_pays() {
    let desk = over_the_end(OCTOBER, "Europe/Berlin").await;
    // Ten days of the first grant's eleven, which has ten hours.
    desk.post_at(OCTOBER + DAY, &[settle(ran(2, OCTOBER - 9 * HOUR, OCTOBER + 2 * HOUR))]).await;
    assert_eq!(lots(&desk, OCTOBER + DAY).await, [[10 * HOUR, 0], [HOUR + MINUTE + 2 * HOUR, 0]]);
}

#[tokio::test]
async fn months_take_their_part_of_a_run() {
    let desk = Desk::new();
    // September to November, 91 days and 30 hours each; September's quota ends with October.
    let window = Window { from: at(OCTOBER - 30 * DAY), to: at(OCTOBER + 61 * DAY + HOUR) };
    let granted = Command::Grant(NewGrant { window, ..new_grant("g", 1000 * 90 * HOUR) });
    let november = OCTOBER + 31 * DAY + HOUR;
    desk.post(&[zone("Europe/Berlin"), granted, Command::Bind(binding()), set_policy(MonthlyJsc::default())]).await;
    desk.post_at(november + DAY, &[settle(ran(1, november - 20 * HOUR, november + 4 * HOUR))]).await;
    let month = budget(&desk, BalanceQuery::default(), november + DAY).await;
    assert_eq!(month.balance.expired, milli(1000 * 10 * HOUR), "of September's quota October used twenty hours");
    assert_eq!(lots(&desk, november + DAY).await, [[20 * HOUR, 10 * HOUR], [4 * HOUR, 0], [0, 0]]);
}

#[tokio::test]
async fn the_night_of_the_changing_clocks_is_an_hour_longer() {
    let desk = Desk::new();
    let window = |from, to| Window { from: at(from), to: at(to) };
    let given = |key: &str, window| Command::Grant(NewGrant { window, ..new_grant(key, 1000 * 100 * HOUR) });
    let monday = OCTOBER_25 + 25 * HOUR;
    desk.post(&[
        zone("Europe/Berlin"),
        Command::Bind(binding()),
        given("saturday", window(OCTOBER_25 - DAY, OCTOBER_25)),
        given("sunday", window(OCTOBER_25, monday)),
        given("monday", window(monday, monday + DAY)),
    ])
    .await;
    // From Saturday noon to Monday noon: two days and an hour.
    desk.post_at(monday + DAY, &[settle(ran(1, OCTOBER_25 - 12 * HOUR, monday + 12 * HOUR))]).await;
    assert_eq!(lots(&desk, monday + DAY - 1).await, [[12 * HOUR, 88 * HOUR], [25 * HOUR, 75 * HOUR], [12 * HOUR, 0]]);
}

#[tokio::test]
async fn leap_days_belong_to_february() {
    // 1 March 2028, 00:00 UTC.
    let march = 1_835_481_600;
    let desk = Desk::new();
    desk.post(&[zone("UTC"), Command::Bind(binding())]).await;
    desk.post(&two_grants(march)).await;
    desk.post_at(march + DAY, &[settle(ran(1, march - DAY, march + DAY / 2))]).await;
    assert_eq!(lots(&desk, march + DAY).await, [[10 * HOUR, 0], [26 * HOUR, 0]]);
    let statement = statement(&desk, march - DAY, march).await;
    assert_eq!(shown(&statement), ["settle -86400 of -129600"]);
}

#[tokio::test]
async fn another_zone_of_the_site_cuts_at_other_midnights() {
    let desk = over_the_end(OCTOBER, "Europe/Berlin").await;
    for of_zone in ["UTC", "Asia/Tokyo", "Europe/Berlin"] {
        desk.post(&[zone(of_zone)]).await;
        assert_eq!(lots(&desk, OCTOBER + DAY).await, [[2 * HOUR, 8 * HOUR], [MINUTE, 0]], "{of_zone}");
    }
}

#[tokio::test]
async fn sums_over_midnight_that_are_not_those_of_the_entries_are_found() {
    for statement in [
        "UPDATE overnight_spending SET spent = spent + 1",
        "UPDATE overnight_spending SET midnight = midnight + 86400",
        "DELETE FROM overnight_spending",
    ] {
        let desk = over_the_end(OCTOBER, "Europe/Berlin").await;
        desk.change_the_tables(statement);
        let verification = desk.book.verify().await.expect("read");
        let expected = "the overnight usage of atlas in jupiter:gh200 is not what the entries give".to_owned();
        assert!(verification.findings.contains(&expected), "{statement}: {:?}", verification.findings);
    }
}

async fn statement(desk: &Desk, from: i64, to: i64) -> Statement {
    let window = Window { from: at(from), to: at(to) };
    let statement = desk.book.statement(&atlas(), &gh200(), window, None).await.expect("a statement");
    assert_eq!(statement.adds_up(), Ok(true));
    statement
}

/// Lines in seconds of a GPU, with the whole of which they are parts.
fn shown(statement: &Statement) -> Vec<String> {
    let seconds = |amount: Amount| amount.milli() / 1000;
    let line = |line: &model::StatementLine| {
        let of = line.part.map(|part| format!(" of {}", seconds(part.of))).unwrap_or_default();
        format!("{:?} {}{of}", line.kind, seconds(line.amount)).to_lowercase()
    };
    statement.lines.iter().map(line).collect()
}

#[tokio::test]
async fn statements_that_meet_have_the_parts_of_a_run_and_agree_with_usage() {
    let desk = over_the_end(OCTOBER, "Europe/Berlin").await;
    // Longer than both, and one that ends with September.
    desk.post_at(OCTOBER + 40 * DAY, &[settle(ran(2, OCTOBER - 31 * DAY, OCTOBER + 32 * DAY))]).await;
    desk.post_at(OCTOBER + 40 * DAY, &[settle(ran(3, OCTOBER - HOUR, OCTOBER))]).await;
    let borders = [-60, -30, 0, 31, 60].map(|days| OCTOBER + days * DAY);
    let mut statements = Vec::new();
    for pair in borders.windows(2) {
        let statement = statement(&desk, pair[0], pair[1]).await;
        let span = UsageSpan::Instants(statement.window);
        let query = UsageQuery { span, known_at: None, filter: UsageFilter::default(), by: Vec::new() };
        let usage = desk.book.usage(&query).await.expect("usage");
        let used: i64 = statement.lines.iter().filter(|line| line.run.is_some()).map(|line| -line.amount.milli()).sum();
        assert_eq!(usage.iter().map(|row| row.amount.milli()).sum::<i64>(), used);
        statements.push(statement);
    }
    for pair in statements.windows(2) {
        assert_eq!(pair[0].closing, pair[1].opening);
    }
    let september = ["grant 36000", "settle -3600", "settle -7200 of -7260", "settle -2592000 of -5443200"];
    assert_eq!(shown(&statements[1]), september);
    assert_eq!(shown(&statements[0]), ["settle -86400 of -5443200"]);
    let october = ["grant 360000", "settle -60 of -7260", "settle -2678400 of -5443200"];
    assert_eq!(shown(&statements[2]), october);
    let part = statements[1].lines[2].part.expect("a part");
    assert_eq!(part.window, Window { from: at(OCTOBER - 2 * HOUR), to: at(OCTOBER) });
    let whole = statement(&desk, 0, OCTOBER + 40 * DAY).await;
    assert!(whole.lines.iter().all(|line| line.part.is_none()));
    assert_eq!(whole.closing, statements[3].closing);
}

#[tokio::test]
async fn a_statement_has_what_the_site_itself_charges_for_each_run_once() {
    let desk = over_the_end(OCTOBER, "Europe/Berlin").await;
    let site_charges = |statement: &Statement| -> Vec<Option<i64>> {
        let charge = |line: &model::StatementLine| line.site_charge.as_ref().map(|charge| charge.amount.milli() / 1000);
        statement.lines.iter().map(charge).collect()
    };
    // 72 cores for each GPU of the run's price.
    let (before, behind) = (72 * 2 * HOUR, 72 * MINUTE);
    assert_eq!(site_charges(&statement(&desk, 0, OCTOBER).await), [None, Some(before)]);
    assert_eq!(site_charges(&statement(&desk, OCTOBER, OCTOBER + DAY).await), [None, Some(behind)]);
    let whole = statement(&desk, 0, OCTOBER + DAY).await;
    assert_eq!(
        whole.lines[2].site_charge.as_ref().map(|charge| charge.unit.to_string()).as_deref(),
        Some("jupiter:core")
    );
    // Neither what is reversed nor what reverses it has one; what stands does.
    desk.post_at(OCTOBER + DAY, &[settle(read_later(ran(1, OCTOBER - 2 * HOUR, OCTOBER)))]).await;
    let corrected = site_charges(&statement(&desk, 0, OCTOBER + DAY).await);
    assert_eq!(corrected.iter().flatten().collect::<Vec<_>>(), [&before]);
}

#[tokio::test]
async fn what_is_given_back_goes_back_over_the_time_of_its_run() {
    let desk = over_the_end(OCTOBER, "Europe/Berlin").await;
    let refund = Refund { run: run_key(1), amount: None, reason: "node".to_owned() };
    let again = Command::Refund(refund);
    desk.post_at(OCTOBER + DAY, std::slice::from_ref(&again)).await;
    let known = desk.entries().await;
    let entry = known.last().expect("a refund");
    assert_eq!(entry.ran.as_ref().map(|ran| ran.started_at), Some(at(OCTOBER - 2 * HOUR)));
    assert_eq!(entry.ran_by, None, "what was used stays used");
    let posted = desk.post_at(OCTOBER + DAY, &[again]).await;
    assert_eq!(posted, [Outcome::Refunded(milli(1000 * (2 * HOUR + MINUTE)), Effect::AlreadyDone)]);
    assert_eq!(lots(&desk, OCTOBER + DAY).await, [[0, 10 * HOUR], [0, 0]]);
}

on_postgres_too! {
    a_run_over_the_end_of_a_grant_is_paid_by_both,
    a_run_that_is_corrected_to_end_before_the_border_leaves_nothing_behind_it,
    what_the_first_grant_lacks_of_its_part_the_second_pays,
    months_take_their_part_of_a_run,
    the_night_of_the_changing_clocks_is_an_hour_longer,
    leap_days_belong_to_february,
    another_zone_of_the_site_cuts_at_other_midnights,
    sums_over_midnight_that_are_not_those_of_the_entries_are_found,
    statements_that_meet_have_the_parts_of_a_run_and_agree_with_usage,
    a_statement_has_what_the_site_itself_charges_for_each_run_once,
    what_is_given_back_goes_back_over_the_time_of_its_run,
}
