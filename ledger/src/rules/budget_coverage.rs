//! What was read of the runs that a budget pays for, and what that says of its numbers.

use super::coverage::{common, gaps, of_binding};
use super::parts_by_budget::PartsByBudget;
use super::unpriced::gap_of;
use super::{GrantTerms, LotError};
use crate::{AccountCoverage, Binding, Coverage};
use model::{AccountName, Amount, Balance, Completeness, ProjectName, SiteFigure, Timestamp, Unit, UserName, Window};
use serde::Serialize;

/// Whoever reads everybody's runs does so once a day at least. What others ran since is not missing: the numbers are of then.
const FRESH_SECONDS: i64 = 86_400;
/// A site's own figure goes up to the last midnight, and is noted once a day.
const FIGURE_FRESH_SECONDS: i64 = 2 * 86_400;

/// Runs that a budget may have to pay for, and that are not in the books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Whose budget.
    pub project: ProjectName,
    /// In which unit, which says the site.
    pub unit: Unit,
    /// Of which account; none where they may be of any.
    pub account: Option<AccountName>,
    /// When they ended.
    pub window: Window,
    /// Whose own runs of that time were read at least; nobody's where it is empty.
    pub only_of: Vec<UserName>,
    /// Where they were read and had not ended, when that was: what they took in the window by then is in no entry. None where
    /// they were not read.
    pub still_ran_at: Option<Timestamp>,
    /// Where they are in the books without a price, how many they are; the window is that of the runs. None of all others.
    pub unpriced: Option<u64>,
}

/// What was read of what a budget pays for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct BudgetCoverage {
    pub(super) completeness: Completeness,
    pub(super) unseen: Amount,
    pub(super) until: Option<Timestamp>,
    pub(super) gaps: Vec<Gap>,
}

/// One binding of the budget, and what was read of its runs.
struct Bound<'a> {
    binding: &'a Binding,
    /// When those runs ended that count now and were to be read.
    span: Window,
    /// As far as anybody can know.
    latest: Timestamp,
    read: AccountCoverage,
}

/// Tells whether the books have all that was used of a budget since the grant in force began, or since the opening, which
/// stands for what was before. The latest reading or figure of the site is as far as anybody can know.
///
/// Who read as coordinator or operator knows better than a total: a site's own figure may be late, or leave out what it
/// gave back.
pub(super) fn budget_coverage<'a>(
    balance: &Balance,
    grants: &[GrantTerms],
    parts: &PartsByBudget<'a>,
    now: Timestamp,
) -> Result<BudgetCoverage, LotError> {
    let own = parts.budget(&balance.project, &balance.unit);
    let Some(from) = beginning(grants, own.opened, now) else { return Ok(BudgetCoverage::default()) };
    let readings = parts.readings(balance.unit.site());
    let figure = balance.site_figure.as_ref();
    let read = readings.iter().map(|reading| reading.window.to).max();
    // What was read or said long ago says nothing of what is free now.
    let is_fresh = |at: &Timestamp, seconds: i64| now.seconds_since(*at) <= seconds;
    let read = read.filter(|read| is_fresh(read, FRESH_SECONDS));
    let said = figure.map(through).filter(|said| is_fresh(said, FIGURE_FRESH_SECONDS));
    let latest = read.max(said).map(|latest| latest.min(now));
    let bound = |to: Timestamp| -> Vec<Bound<'a>> {
        let of_binding = |binding: &&'a Binding| Bound::new(binding, readings, Window { from, to }, to);
        own.bindings.iter().filter_map(of_binding).collect()
    };
    let bindings = bound(latest.unwrap_or(now));
    let gaps: Vec<Gap> = bindings.iter().flat_map(Bound::gaps).collect();
    let unexplained = figure.map(SiteFigure::unexplained).transpose()?;
    let (completeness, until) = completeness(&bindings, figure, unexplained);
    let unseen = match completeness {
        Completeness::Unseen | Completeness::Unknown => unexplained.unwrap_or_default().max(Amount::ZERO),
        Completeness::Read | Completeness::AsTheSiteSays | Completeness::Ahead | Completeness::Unpriced => Amount::ZERO,
    };
    let always = Window { from: Timestamp::from_epoch_seconds(0), to: Timestamp::from_epoch_seconds(i64::MAX) };
    let unpriced = parts.unpriced(&balance.project, balance.unit.site()).iter().copied();
    let unpriced = gap_of(unpriced, (&balance.project, &balance.unit), always);
    let completeness = match &unpriced {
        Some(_) if completeness.is_known() => Completeness::Unpriced,
        _ => completeness,
    };
    let gaps = unpriced.into_iter().chain(gaps).collect();
    Ok(BudgetCoverage { completeness, unseen, until, gaps })
}

/// What is missing of the runs that bindings charge and that ended in a span: all that nobody read, but for the last day of a span
/// that goes on until the present, which the next reading brings.
pub fn missing(bindings: &[Binding], readings: &[Coverage], span: Window, present: Timestamp) -> Vec<Gap> {
    let of_binding = |binding: &Binding| {
        let readings: Vec<&Coverage> = readings.iter().filter(|reading| reading.site == binding.site).collect();
        let latest = readings.iter().map(|reading| reading.window.to).max();
        let fresh = latest.filter(|latest| span.to >= present && present.seconds_since(*latest) <= FRESH_SECONDS);
        let span = Window { from: span.from, to: fresh.map_or(span.to, |latest| span.to.min(latest)) };
        Bound::new(binding, &readings, span, fresh.unwrap_or(present)).map(|bound| bound.gaps()).unwrap_or_default()
    };
    bindings.iter().flat_map(of_binding).collect()
}

/// Since when runs count now: none where nothing was granted yet. What is bound goes on to be charged when a grant is over, so
/// that without one in force everything counts since the last of them began.
fn beginning(grants: &[GrantTerms], opened: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let given = || grants.iter().filter(|grant| !grant.lots.is_empty()).map(|grant| grant.window);
    let in_force = given().filter(|window| window.contains(now)).map(|window| window.from).min();
    let last = given().filter(|window| window.to <= now).map(|window| (window.to, window.from)).max();
    let granted = in_force.or_else(|| last.map(|(_, from)| from))?;
    Some(opened.map_or(granted, |as_of| as_of.plus_seconds(1).max(granted)))
}

fn completeness(
    bindings: &[Bound<'_>],
    figure: Option<&SiteFigure>,
    unexplained: Option<Amount>,
) -> (Completeness, Option<Timestamp>) {
    if bindings.iter().all(|bound| bound.is_whole(bound.span)) {
        let until = bindings.iter().map(Bound::whole_until).min();
        return (Completeness::Read, until);
    }
    let Some((figure, more)) = figure.zip(unexplained) else { return (Completeness::Unknown, None) };
    if !bindings.iter().all(|bound| bound.is_whole_outside(figure)) {
        return (Completeness::Unknown, None);
    }
    let completeness = match more.cmp(&Amount::ZERO) {
        std::cmp::Ordering::Equal => Completeness::AsTheSiteSays,
        std::cmp::Ordering::Greater => Completeness::Unseen,
        std::cmp::Ordering::Less => Completeness::Ahead,
    };
    (completeness, Some(figure.as_of))
}

/// A figure has the instant that it names.
fn through(figure: &SiteFigure) -> Timestamp {
    figure.as_of.plus_seconds(1)
}

impl<'a> Bound<'a> {
    /// None where the binding says nothing of that time.
    fn new(binding: &'a Binding, readings: &[&Coverage], span: Window, latest: Timestamp) -> Option<Self> {
        let while_bound = Window { from: binding.from, to: binding.to.unwrap_or(span.to) };
        let span = common(while_bound, span)?;
        Some(Self { binding, span, latest, read: of_binding(readings.iter().copied(), binding, span) })
    }

    /// Up to when everybody's runs were read without a gap.
    fn read_until(&self, span: Window) -> Timestamp {
        let first = self.read.whole.iter().find(|window| window.contains(span.from));
        first.map_or(span.from, |window| window.to.min(span.to))
    }

    /// The same as a date of all numbers: what is over is read for good.
    fn whole_until(&self) -> Timestamp {
        let until = self.read_until(self.span);
        if until >= self.span.to { self.latest } else { until }
    }

    /// Whether everybody's runs of a span were read, but for the last day before the latest reading.
    fn is_whole(&self, span: Window) -> bool {
        let until = self.read_until(span);
        let patience = if span.to >= self.latest { FRESH_SECONDS } else { 0 };
        span.to <= span.from || (until > span.from && span.to.seconds_since(until) <= patience)
    }

    /// Whether everybody's runs of the time that a figure does not count were read.
    fn is_whole_outside(&self, figure: &SiteFigure) -> bool {
        let before = figure.since.and_then(|since| common(self.span, Window { from: self.span.from, to: since }));
        let is_recent = self.span.to.seconds_since(figure.as_of) <= FIGURE_FRESH_SECONDS;
        let after = common(self.span, Window { from: through(figure), to: self.span.to });
        let is_exactly_whole = |span: Window| self.read_until(span) >= span.to;
        before.is_none_or(is_exactly_whole) && (is_recent || after.is_none_or(|span| self.is_whole(span)))
    }

    /// What is missing, in order.
    fn gaps(&self) -> Vec<Gap> {
        let until = if self.is_whole(self.span) { self.read_until(self.span) } else { self.span.to };
        let missing = gaps(&self.read.whole, Window { from: self.span.from, to: until });
        let gap = |window: Window| {
            let is_read = |windows: &[Window]| windows.iter().any(|read| common(*read, window).is_some());
            let readers = self.read.own.iter().filter(|(_, windows)| is_read(windows));
            Gap {
                project: self.binding.project.clone(),
                unit: self.binding.unit.clone(),
                account: self.binding.account.clone(),
                window,
                only_of: readers.map(|(user, _)| user.clone()).collect(),
                still_ran_at: None,
                unpriced: None,
            }
        };
        missing.into_iter().map(gap).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GivenLot;
    use crate::records::BalanceParts;

    const DAY: i64 = 86_400;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_epoch_seconds(day * DAY)
    }

    fn window(from: i64, to: i64) -> Window {
        Window { from: at(from), to: at(to) }
    }

    fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
        text.parse().expect(text)
    }

    /// `all:cleo` sees account `hai`.
    fn reading(scope: &str, from: i64, to: i64) -> Coverage {
        Coverage {
            site: name("horeka"),
            cluster: name("horeka"),
            scope: name(scope),
            rights: None,
            hidden_accounts: Vec::new(),
            whole_accounts: if scope == "all:cleo" { vec![Some(name("hai"))] } else { Vec::new() },
            window: window(from, to),
            observed_at: at(to),
        }
    }

    fn binding(account: Option<&str>, user: Option<&str>) -> Binding {
        Binding {
            site: name("horeka"),
            account: account.map(name),
            partition: None,
            work_directory: None,
            name: None,
            user: user.map(name),
            unit: name("horeka:a100"),
            project: name("atlas"),
            from: at(0),
            to: None,
        }
    }

    /// Used by the site's word on a day, where the books have 400.
    fn figure(used: i64, day: i64) -> SiteFigure {
        let (used, settled) = (Amount::from_milli(used), Amount::from_milli(400));
        SiteFigure { granted: None, used, since: None, as_of: at(day), source: "a test".to_owned(), settled }
    }

    fn granted(window: Window) -> GrantTerms {
        let lots = vec![GivenLot { amount: Amount::from_milli(1_000), period: window }];
        GrantTerms { lots, ..GrantTerms::whole("g", Amount::ZERO, window) }
    }

    /// On day 110 of a grant of day 10: what is complete, unseen, until which day, and how many gaps there are.
    fn told(bindings: &[Binding], readings: &[Coverage], figure: Option<SiteFigure>, opened: Option<i64>) -> String {
        told_of(&[granted(window(10, 400))], bindings, readings, figure, opened)
    }

    fn told_of(
        grants: &[GrantTerms],
        bindings: &[Binding],
        readings: &[Coverage],
        figure: Option<SiteFigure>,
        opened: Option<i64>,
    ) -> String {
        let openings = opened.map(|day| (name("atlas"), name("horeka:a100"), at(day)));
        let parts = BalanceParts {
            bindings: bindings.to_vec(),
            coverage: readings.to_vec(),
            openings: openings.into_iter().collect(),
            ..BalanceParts::default()
        };
        let mut balance = super::super::balance::empty(&name("atlas"), &name("horeka:a100"));
        balance.site_figure = figure;
        let told = budget_coverage(&balance, grants, &PartsByBudget::of(&parts), at(110)).expect("fits");
        let BudgetCoverage { completeness, unseen, until, gaps } = told;
        let gap = |gap: &Gap| {
            let day = |at: Timestamp| at.epoch_seconds() / DAY;
            let only: Vec<_> = gap.only_of.iter().map(UserName::as_str).collect();
            format!(" {}-{}:{}", day(gap.window.from), day(gap.window.to), only.join("+"))
        };
        let until = until.map_or("-".to_owned(), |until| (until.epoch_seconds() / DAY).to_string());
        let gaps: String = gaps.iter().map(gap).collect();
        format!("{} {} until {until};{gaps}", completeness.as_str(), unseen.milli())
    }

    #[test]
    fn only_who_sees_all_or_the_site_itself_makes_the_books_complete() {
        let hai = [binding(Some("hai"), None)];
        let (cleo, ada) = (|from, to| reading("all:cleo", from, to), |from, to| reading("user:ada", from, to));
        for (what, readings, figure, expected) in [
            ("nobody read anything", vec![], None, "unknown 0 until -; 10-110:"),
            ("a coordinator read all", vec![cleo(5, 110)], None, "read 0 until 110;"),
            ("and the site says more", vec![cleo(5, 110)], Some(figure(700, 100)), "read 0 until 110;"),
            ("who runs the cluster read all", vec![reading("site:olga", 5, 110)], None, "read 0 until 110;"),
            ("a member alone", vec![ada(5, 110)], None, "unknown 0 until -; 10-110:ada"),
            ("a member who asked for all", vec![reading("all:ada", 5, 110)], None, "unknown 0 until -; 10-110:ada"),
            ("a coordinator within the last day", vec![cleo(5, 109), ada(5, 110)], None, "read 0 until 109;"),
            ("a coordinator long ago", vec![cleo(5, 90), ada(80, 110)], None, "unknown 0 until -; 90-110:ada"),
            ("a coordinator since a while", vec![cleo(90, 110)], None, "unknown 0 until -; 10-90:"),
            (
                "the site says the same",
                vec![ada(5, 110)],
                Some(figure(400, 109)),
                "as-the-site-says 0 until 109; 10-110:ada",
            ),
            ("the site says more", vec![ada(5, 110)], Some(figure(700, 109)), "unseen 300 until 109; 10-110:ada"),
            ("the site says less", vec![ada(5, 110)], Some(figure(390, 109)), "ahead 0 until 109; 10-110:ada"),
            ("it said so long ago", vec![ada(5, 110)], Some(figure(700, 100)), "unknown 300 until -; 10-110:ada"),
            (
                "and a coordinator read since",
                vec![cleo(99, 110)],
                Some(figure(700, 100)),
                "unseen 300 until 100; 10-99:",
            ),
            ("it said more, and nobody read", vec![], Some(figure(700, 100)), "unknown 300 until -; 10-110:"),
        ] {
            assert_eq!(told(&hai, &readings, figure, None), expected, "{what}");
        }
    }

    #[test]
    fn a_span_that_is_over_is_missing_where_nobody_read_it_however_short_it_is() {
        let hai = [binding(Some("hai"), None)];
        let cleo = |to| [reading("all:cleo", 5, to)];
        for (what, readings, span, present, expected) in [
            ("a day of long ago that nobody read", cleo(30), window(30, 31), 110, Some((30, 31))),
            ("a day of long ago that was read", cleo(31), window(30, 31), 110, None),
            ("the last day, and the reading is fresh", cleo(109), window(108, 110), 110, None),
            ("the last day but one, and the reading is older", cleo(108), window(108, 109), 110, Some((108, 109))),
            ("a span that ended hours ago", cleo(108), window(108, 109), 109, None),
            ("a span up to the present", cleo(90), window(5, 110), 110, Some((90, 110))),
        ] {
            let found = missing(&hai, &readings, span, at(present));
            let windows: Vec<Window> = found.iter().map(|gap| gap.window).collect();
            assert_eq!(windows, expected.map(|(from, to)| window(from, to)).into_iter().collect::<Vec<_>>(), "{what}");
        }
        // Half of a day that is over.
        let noon = at(30).plus_seconds(DAY / 2);
        let half = [Coverage { window: Window { from: at(5), to: noon }, ..reading("all:cleo", 5, 30) }];
        let found = missing(&hai, &half, window(30, 31), at(110));
        assert_eq!(found.iter().map(|gap| gap.window).collect::<Vec<_>>(), [Window { from: noon, to: at(31) }]);
    }

    #[test]
    fn every_binding_counts_and_what_was_before_the_opening_does_not() {
        let (hai, other) = (binding(Some("hai"), None), binding(Some("other"), None));
        let ended = Binding { to: Some(at(50)), ..hai.clone() };
        let later = Binding { from: at(60), ..hai.clone() };
        let cleo = |from, to| vec![reading("all:cleo", from, to)];
        let ada = vec![reading("user:ada", 5, 110)];
        for (what, bindings, readings, opened, expected) in [
            ("no binding", vec![], cleo(5, 110), None, "read 0 until -;"),
            ("two, one of them read", vec![hai.clone(), other], cleo(5, 110), None, "unknown 0 until -; 10-110:cleo"),
            ("it is over and was read", vec![ended.clone()], cleo(5, 55), None, "read 0 until 110;"),
            (
                "it is over and was read in part",
                vec![ended],
                [cleo(5, 40), ada.clone()].concat(),
                None,
                "unknown 0 until -; 40-50:ada",
            ),
            ("it began later", vec![later], cleo(60, 110), None, "read 0 until 110;"),
            ("an opening stands for what was before", vec![hai], cleo(90, 110), Some(95), "read 0 until 110;"),
            (
                "a person's own runs are all that is charged",
                vec![binding(None, Some("ada"))],
                ada.clone(),
                None,
                "read 0 until 110;",
            ),
            ("another person's are not", vec![binding(None, Some("ben"))], ada, None, "unknown 0 until -; 10-110:"),
        ] {
            assert_eq!(told(&bindings, &readings, None, opened), expected, "{what}");
        }
    }

    #[test]
    fn what_ran_behind_the_end_of_the_last_grant_is_missing_where_nobody_read_it() {
        let hai = [binding(Some("hai"), None)];
        let ended = [Binding { to: Some(at(60)), ..hai[0].clone() }];
        let cleo = |from, to| [reading("all:cleo", from, to)];
        let (first, last) = (granted(window(10, 40)), granted(window(30, 60)));
        let over = [first.clone(), last.clone()];
        let withdrawn = GrantTerms { lots: Vec::new(), ..granted(window(30, 90)) };
        for (what, grants, bindings, readings, opened, expected) in [
            ("nobody read anything", &over[..], &hai, cleo(1, 2), None, "unknown 0 until -; 30-110:"),
            ("read until its end", &over, &hai, cleo(5, 60), None, "unknown 0 until -; 60-110:"),
            ("read until now", &over, &hai, cleo(5, 110), None, "read 0 until 110;"),
            ("what was before the last does not count", &over, &hai, cleo(30, 110), None, "read 0 until 110;"),
            ("the binding ended with it", &over, &ended, cleo(5, 60), None, "read 0 until 110;"),
            ("it ended with it, and not all was read", &over, &ended, cleo(5, 50), None, "unknown 0 until -; 50-60:"),
            ("an opening since", &over, &hai, cleo(90, 110), Some(95), "read 0 until 110;"),
            ("a withdrawn one is none", &[first, withdrawn], &hai, cleo(10, 110), None, "read 0 until 110;"),
            ("one to come is none yet", &[granted(window(200, 300))], &hai, cleo(1, 2), None, "read 0 until -;"),
            (
                "one in force counts before it",
                &[last, granted(window(100, 300))],
                &hai,
                cleo(100, 110),
                None,
                "read 0 until 110;",
            ),
        ] {
            assert_eq!(told_of(grants, bindings, &readings, None, opened), expected, "{what}");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let mut balance = super::super::balance::empty(&name("atlas"), &name("horeka:a100"));
        let (used, settled) = (Amount::from_milli(i64::MAX), Amount::from_milli(-1));
        balance.site_figure = Some(SiteFigure { used, settled, ..figure(0, 100) });
        let window = window(10, 400);
        let grants = [GrantTerms::whole("g", Amount::from_milli(1), window)];
        let nothing = BalanceParts::default();
        assert!(budget_coverage(&balance, &grants, &PartsByBudget::of(&nothing), at(110)).is_err());
    }
}
