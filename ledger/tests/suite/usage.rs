//! Usage: sums by days and months that are those of the entries, whatever was corrected, and what they were at any time.

use crate::support::*;
use ledger::{
    Command, Effect, KnownAt, Outcome, Refund, RunPrice, SettleOutcome, SettledRun, SiteChargeSum, SiteZone,
    UsageField, UsageFilter, UsageQuery, UsageSpan, UsageSum,
};
use model::{BaseState, Charge, Day, EndState, Price, Window};
use proptest::prelude::*;

/// 24 October 2026, 22:00 UTC: the 25th begins in Berlin, a day of 25 hours.
const OCTOBER_25: i64 = 1_792_879_200;
const HOUR: i64 = 3600;

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn days(from: &str, to: &str, by: &[UsageField]) -> UsageQuery {
    let span = UsageSpan::Days { from: day(from), to: day(to) };
    UsageQuery { span, known_at: None, filter: UsageFilter::default(), by: by.to_vec() }
}

fn instants(from: i64, to: i64, by: &[UsageField]) -> UsageQuery {
    let span = UsageSpan::Instants(Window { from: at(from), to: at(to) });
    UsageQuery { span, ..days("2026-01-01", "2026-01-02", by) }
}

fn berlin(site: &str) -> Command {
    Command::SetZone(SiteZone { site: name(site), zone: name("Europe/Berlin") })
}

/// A run from one instant to another.
fn ran(number: u64, gpu_milli: i64, from: i64, to: i64) -> SettledRun {
    let mut settled = foreign(number, gpu_milli);
    (settled.run.started_at, settled.run.ended_at) = (at(from), Some(at(to)));
    settled.run.observed_at = at(to + 90);
    settled
}

fn shown(rows: Vec<UsageSum>) -> Vec<String> {
    let text = |row: UsageSum| {
        let group = row.group;
        let parts = [
            group.day.map(|day| day.to_string()),
            group.month.map(|month| month.to_string()),
            group.project.map(|project| project.to_string()),
            group.person.map(|person| person.to_string()),
            group.site.map(|site| site.to_string()),
            group.cluster.map(|cluster| cluster.to_string()),
            group.partition.map(|partition| partition.to_string()),
            group.end_state.map(|state| state.as_str().to_owned()),
            Some(row.amount.milli().to_string()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    rows.into_iter().map(text).collect()
}

async fn usage(desk: &Desk, query: &UsageQuery) -> Vec<String> {
    shown(desk.book.usage(query).await.expect("usage"))
}

async fn october() -> Desk {
    let desk = Desk::new();
    desk.post(&[berlin("jupiter"), grant("g1", 1_000_000), Command::Bind(binding())]).await;
    let mut failed = ran(2, 300, OCTOBER_25 + 2 * HOUR, OCTOBER_25 + 3 * HOUR);
    failed.run.state = model::JobState::of(BaseState::Failed);
    failed.run.user = name("bob");
    failed.run.partition = None;
    // Half an hour before the midnight, half an hour behind it.
    let over_midnight = ran(1, 1000, OCTOBER_25 - HOUR / 2, OCTOBER_25 + HOUR / 2);
    // The whole day of 25 hours, an hour of the next; and one in September.
    let long = ran(3, 2600, OCTOBER_25, OCTOBER_25 + 26 * HOUR);
    let september = ran(4, 70, OCTOBER_25 - 25 * 24 * HOUR, OCTOBER_25 - 25 * 24 * HOUR + HOUR);
    desk.post(&[over_midnight, failed, long, september].map(settle)).await;
    desk
}

#[tokio::test]
async fn runs_are_cut_at_the_midnights_of_their_site() {
    let desk = october().await;
    let by_day = usage(&desk, &days("2026-09-01", "2026-12-01", &[UsageField::Day])).await;
    let expected = ["2026-09-30 70", "2026-10-24 500", "2026-10-25 3300", "2026-10-26 100"].map(str::to_owned);
    assert_eq!(by_day, expected);
    assert_eq!(usage(&desk, &days("2026-10-25", "2026-10-26", &[])).await, ["3300"]);
    let by_month = usage(&desk, &days("2026-09-01", "2026-12-01", &[UsageField::Month])).await;
    assert_eq!(by_month, ["2026-09 70", "2026-10 3900"]);
    // From the middle of a month to the middle of another: months and days together.
    let edges = usage(&desk, &days("2026-08-15", "2026-10-26", &[UsageField::Month])).await;
    assert_eq!(edges, ["2026-09 70", "2026-10 3800"]);
    assert_eq!(usage(&desk, &days("2026-10-01", "2026-10-25", &[])).await, ["500"]);
    assert_eq!(usage(&desk, &days("2026-10-27", "2026-12-01", &[])).await, [""; 0]);
    desk.verify().await;
}

#[tokio::test]
async fn usage_is_told_apart_and_chosen_by_what_is_asked() {
    let desk = october().await;
    let all =
        [UsageField::Project, UsageField::Person, UsageField::Cluster, UsageField::Partition, UsageField::EndState];
    let query = days("2026-10-01", "2026-11-01", &all);
    let expected =
        ["atlas ada jupiter booster booster COMPLETED 3600", "atlas bob jupiter booster FAILED 300"].map(str::to_owned);
    assert_eq!(usage(&desk, &query).await, expected);
    let only = |filter: UsageFilter| UsageQuery { filter, ..days("2026-10-01", "2026-11-01", &[]) };
    for (filter, expected) in [
        (UsageFilter { person: Some(name("bob")), ..UsageFilter::default() }, vec!["300"]),
        (UsageFilter { end_state: Some(EndState::Base(BaseState::Completed)), ..UsageFilter::default() }, vec!["3600"]),
        (UsageFilter { site: Some(name("jupiter")), unit: Some(gh200()), ..UsageFilter::default() }, vec!["3900"]),
        (UsageFilter { site: Some(name("horeka")), ..UsageFilter::default() }, vec![]),
        (UsageFilter { cluster: Some(name("booster")), ..UsageFilter::default() }, vec!["3900"]),
        (UsageFilter { cluster: Some(name("jupiter")), ..UsageFilter::default() }, vec![]),
        (UsageFilter { cluster: Some(name("booster")), site: Some(name("horeka")), ..UsageFilter::default() }, vec![]),
        (UsageFilter { project: Some(name("borealis")), ..UsageFilter::default() }, vec![]),
        (UsageFilter { partition: Some(name("booster")), ..UsageFilter::default() }, vec!["3600"]),
    ] {
        assert_eq!(usage(&desk, &only(filter.clone())).await, expected, "{filter:?}");
        // The entries say the same.
        let known = UsageQuery { known_at: Some(KnownAt::Entry(1_000_000)), ..only(filter.clone()) };
        assert_eq!(usage(&desk, &known).await, expected, "by entries: {filter:?}");
    }
}

/// Custos keeps amounts as floating-point numbers.
#[tokio::test]
async fn parts_of_days_are_exact_and_meet() {
    let desk = october().await;
    for (from, to, expected) in [
        (OCTOBER_25, OCTOBER_25 + 25 * HOUR, Some(3300)),
        (OCTOBER_25 - HOUR / 4, OCTOBER_25 + HOUR / 4, Some(250 + 250 + 25)),
        (OCTOBER_25 - HOUR / 4, OCTOBER_25 + 25 * HOUR + HOUR / 2, Some(250 + 3300 + 50)),
        (OCTOBER_25 + 2 * HOUR + 1800, OCTOBER_25 + 3 * HOUR, Some(150 + 50)),
        (OCTOBER_25 + 30 * HOUR, OCTOBER_25 + 31 * HOUR, None),
    ] {
        let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(usage(&desk, &instants(from, to, &[])).await, expected, "{from} to {to}");
    }
}

#[tokio::test]
async fn corrections_take_back_what_the_reading_before_them_said() {
    let desk = october().await;
    let before = desk.entries().await.last().expect("entries").number;
    let mut later = ran(2, 400, OCTOBER_25 + 2 * HOUR, OCTOBER_25 + 4 * HOUR);
    later.run.user = name("bob");
    later.run.observed_at = at(OCTOBER_25 + 20 * HOUR);
    desk.post(&[settle(later)]).await;
    let query = days("2026-10-25", "2026-10-26", &[UsageField::Person, UsageField::EndState]);
    assert_eq!(usage(&desk, &query).await, ["ada COMPLETED 3000", "bob COMPLETED 400"]);
    let known = UsageQuery { known_at: Some(KnownAt::Entry(before)), ..query.clone() };
    assert_eq!(usage(&desk, &known).await, ["ada COMPLETED 3000", "bob FAILED 300"]);
    let now = UsageQuery { known_at: Some(KnownAt::Entry(before + 2)), ..query };
    assert_eq!(usage(&desk, &now).await, ["ada COMPLETED 3000", "bob COMPLETED 400"]);
    desk.verify().await;
}

#[tokio::test]
async fn a_run_that_is_over_says_how_it_ended_in_slurms_word() {
    let desk = Desk::new();
    desk.post(&[berlin("jupiter"), grant("g1", 1_000_000), Command::Bind(binding())]).await;
    let words = ["REQUEUED", "RESIZING", "COMPLETING", "FROBNICATED", "TIMEOUT"];
    for (number, word) in (1..).zip(words) {
        let mut run = ran(number, 10, OCTOBER_25, OCTOBER_25 + HOUR);
        run.run.state = model::JobState::from_words(word);
        assert!(matches!(desk.settle(run).await, SettleOutcome::New { .. }), "{word}");
    }
    let query = days("2026-10-25", "2026-10-26", &[UsageField::EndState]);
    let mut found = usage(&desk, &query).await;
    found.sort_unstable();
    assert_eq!(found, ["COMPLETING 10", "REQUEUED 10", "RESIZING 10", "TIMEOUT 10", "UNKNOWN 10"]);
    let requeued = UsageFilter { end_state: EndState::from_word("REQUEUED"), ..UsageFilter::default() };
    assert_eq!(usage(&desk, &UsageQuery { filter: requeued, ..query }).await, ["REQUEUED 10"]);
    desk.verify().await;
}

#[tokio::test]
async fn books_are_as_they_were_known_at_any_instant() {
    let desk = Desk::new();
    desk.post_at(NOW, &[grant("g1", 1000), Command::Bind(binding()), settle(foreign(1, 60))]).await;
    desk.post_at(NOW + 100, &[settle(read_at(foreign(1, 90), 300))]).await;
    let window = Window { from: at(0), to: at(NOW + 10_000) };
    for (known_at, expected) in [(-1, (0, 0)), (0, (60, 940)), (99, (60, 940)), (100, (90, 910)), (1000, (90, 910))] {
        let known_at = Some(KnownAt::Instant(at(NOW + known_at)));
        let query = UsageQuery { known_at, ..instants(0, NOW + 10_000, &[]) };
        let sums = desk.book.usage(&query).await.expect("usage");
        let used = sums.first().map_or(0, |row| row.amount.milli());
        let statement = desk.book.statement(&atlas(), &gh200(), window, known_at).await.expect("a statement");
        assert_eq!((used, statement.closing.milli()), expected, "{known_at:?}");
        assert_eq!(statement.adds_up(), Ok(true));
    }
}

/// What sites charge, as group and unit, in cores where 72 count as a GPU.
async fn site_charges(desk: &Desk, query: &UsageQuery) -> Vec<String> {
    let rows = desk.book.site_charges(query).await.expect("charges");
    let text = |row: SiteChargeSum| {
        let sum = UsageSum { group: row.group, amount: milli(row.charge.amount.milli() / 72) };
        format!("{} {}", shown(vec![sum]).concat(), row.charge.unit)
    };
    rows.into_iter().map(text).collect()
}

#[tokio::test]
async fn what_sites_charge_stands_beside_usage_cut_in_the_same_way() {
    let desk = october().await;
    let core = |text: &str| format!("{text} jupiter:core");
    let by_day = days("2026-09-01", "2026-12-01", &[UsageField::Day]);
    let expected = ["2026-09-30 70", "2026-10-24 500", "2026-10-25 3300", "2026-10-26 100"].map(core);
    assert_eq!(site_charges(&desk, &by_day).await, expected);
    let by_person = days("2026-10-01", "2026-11-01", &[UsageField::Person, UsageField::EndState]);
    assert_eq!(site_charges(&desk, &by_person).await, ["ada COMPLETED 3600", "bob FAILED 300"].map(core));
    // Parts of days on both sides of an instant are the whole.
    let cut = OCTOBER_25 + HOUR / 4;
    let [before, behind] = [instants(0, cut, &[]), instants(cut, NOW + 1, &[])];
    assert_eq!(site_charges(&desk, &before).await, [core("845")]);
    assert_eq!(site_charges(&desk, &behind).await, [core("3125")]);
    let bob = UsageFilter { person: Some(name("bob")), partition: None, ..UsageFilter::default() };
    assert_eq!(site_charges(&desk, &UsageQuery { filter: bob, ..instants(0, NOW, &[]) }).await, [core("300")]);
    let all = UsageFilter {
        project: Some(atlas()),
        site: Some(name("jupiter")),
        cluster: Some(name("booster")),
        partition: Some(name("booster")),
        unit: Some(gh200()),
        ..UsageFilter::default()
    };
    assert_eq!(site_charges(&desk, &UsageQuery { filter: all, ..instants(0, NOW, &[]) }).await, [core("3670")]);
    let nobody = UsageFilter { person: Some(name("eve")), ..UsageFilter::default() };
    assert!(site_charges(&desk, &UsageQuery { filter: nobody, ..instants(0, NOW, &[]) }).await.is_empty());
}

#[tokio::test]
async fn what_sites_charge_counts_once_whatever_was_corrected_or_given_back() {
    let desk = october().await;
    let before = desk.entries().await.last().expect("entries").number;
    let mut later = ran(2, 400, OCTOBER_25 + 2 * HOUR, OCTOBER_25 + 4 * HOUR);
    later.run.observed_at = at(OCTOBER_25 + 20 * HOUR);
    desk.post(&[settle(later)]).await;
    let refund = Refund { run: run_key(1), amount: None, reason: "node".to_owned() };
    desk.post(&[Command::Refund(refund)]).await;
    let query = days("2026-10-01", "2026-11-01", &[]);
    // What was used stays used, as in usage.
    assert_eq!(usage(&desk, &query).await, ["4000"]);
    assert_eq!(site_charges(&desk, &query).await, ["4000 jupiter:core"]);
    // The correction was not known then, and what the run is charged now is in no charge of that time.
    let then = UsageQuery { known_at: Some(KnownAt::Entry(before)), ..query.clone() };
    assert_eq!(site_charges(&desk, &then).await, ["3600 jupiter:core"]);
    // A run over its hold has two entries and one charge; one whose site charges nothing is known to cost nothing, and one
    // whose tariff tells no charge of the site's is in no sum.
    let mut held = ran(5, 500, OCTOBER_25, OCTOBER_25 + HOUR);
    held.run.stamp = Some(stamp(1));
    desk.post(&[hold(1, 200), settle(held)]).await;
    assert_eq!(site_charges(&desk, &query).await, ["4500 jupiter:core"]);
    for (number, site) in [(6, Some("jupiter:node")), (7, None)] {
        let mut run = ran(number, 100, OCTOBER_25, OCTOBER_25 + HOUR);
        let charge = site.map(|unit| Charge { unit: name(unit), amount: milli(0) });
        run.price = RunPrice::Known(Price { site: charge, ..price(100) });
        desk.post(&[settle(run)]).await;
    }
    assert_eq!(site_charges(&desk, &query).await, ["4500 jupiter:core", "0 jupiter:node"]);
    assert_eq!(usage(&desk, &query).await, ["4700"]);
}

#[tokio::test]
async fn another_zone_sums_everything_anew() {
    let desk = october().await;
    let utc = SiteZone { site: name("jupiter"), zone: model::Zone::utc() };
    assert_eq!(desk.post(&[berlin("jupiter")]).await, [Outcome::ZoneSet(Effect::AlreadyDone)]);
    assert_eq!(desk.post(&[Command::SetZone(utc.clone())]).await, [Outcome::ZoneSet(Effect::Done)]);
    assert_eq!(desk.book.zones().await, Ok(vec![utc]));
    let by_day = usage(&desk, &days("2026-10-01", "2026-11-01", &[UsageField::Day])).await;
    // 24 October ends two hours later.
    assert_eq!(by_day, ["2026-10-24 1200", "2026-10-25 2700"]);
    desk.verify().await;
    desk.post(&[berlin("jupiter")]).await;
    assert_eq!(usage(&desk, &days("2026-10-25", "2026-10-26", &[])).await, ["3300"]);
    desk.verify().await;
}

#[tokio::test]
async fn sums_that_are_not_those_of_the_entries_are_found() {
    for (statement, finding) in [
        ("UPDATE daily_usage SET amount = amount + 1 WHERE day = (SELECT min(day) FROM daily_usage)", "daily"),
        ("DELETE FROM monthly_usage", "monthly"),
        ("UPDATE monthly_usage SET person = person + 1", "monthly"),
    ] {
        let desk = october().await;
        desk.change_the_tables(statement);
        let verification = desk.book.verify().await.expect("read");
        let expected = format!("the {finding} usage of atlas in jupiter:gh200 is not what the entries give");
        assert!(verification.findings.contains(&expected), "{statement}: {:?}", verification.findings);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Sums by days, sums from entries and cuts at any instant agree, whatever was corrected in whatever order.
    #[test]
    fn all_ways_to_ask_agree(
        rows in prop::collection::vec((0_u64..8, 0_i64..5_000, 0_i64..400, 1_i64..3_000_000, 0_i64..50), 1..25),
        cut in 0_i64..40_000_000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let desk = Desk::new();
            desk.post(&[berlin("jupiter"), grant("g1", 1_000_000), Command::Bind(binding())]).await;
            let start = OCTOBER_25 - 40_000_000;
            for (number, amount, after, length, seen) in rows {
                let from = start + after * 100_000;
                let mut row = ran(number, amount, from, (from + length).min(NOW));
                row.run.started_at = row.run.started_at.min(at(NOW));
                row.run.observed_at = at(NOW + seen);
                desk.post(&[settle(row)]).await;
            }
            let whole = instants(start, NOW + 1, &[UsageField::EndState]);
            let total = usage(&desk, &whole).await;
            let from_entries = UsageQuery { known_at: Some(KnownAt::Entry(u64::MAX)), ..whole.clone() };
            assert_eq!(usage(&desk, &from_entries).await, total);
            let sum = |rows: Vec<String>| rows.iter().map(|row| row.parse::<i64>().expect("an amount")).sum::<i64>();
            let parts = sum(usage(&desk, &instants(start, start + cut, &[])).await)
                + sum(usage(&desk, &instants(start + cut, NOW + 1, &[])).await);
            assert_eq!(parts, sum(usage(&desk, &instants(start, NOW + 1, &[])).await));
            assert_eq!(parts, desk.numbers().await[1], "what the balance calls used");
            let from_sites = desk.book.site_charges(&whole).await.expect("charges");
            let charged: Vec<_> = from_sites.iter().map(|sum| (&sum.group, sum.charge.amount.milli())).collect();
            let sums = desk.book.usage(&whole).await.expect("usage");
            let used: Vec<_> = sums.iter().map(|sum| (&sum.group, 72 * sum.amount.milli())).collect();
            assert_eq!(charged, used, "what the site charges for the same runs");
            desk.verify().await;
        });
    }
}

on_postgres_too! {
    sums_that_are_not_those_of_the_entries_are_found,
    runs_are_cut_at_the_midnights_of_their_site,
    usage_is_told_apart_and_chosen_by_what_is_asked,
    parts_of_days_are_exact_and_meet,
    corrections_take_back_what_the_reading_before_them_said,
    books_are_as_they_were_known_at_any_instant,
    what_sites_charge_stands_beside_usage_cut_in_the_same_way,
    what_sites_charge_counts_once_whatever_was_corrected_or_given_back,
    another_zone_sums_everything_anew,
    all_ways_to_ask_agree,
}
