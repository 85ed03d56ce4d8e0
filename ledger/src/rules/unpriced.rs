//! Which budget a run without a price may belong to.

use super::attribution::would_pay;
use super::coverage::common;
use super::{Gap, Spender};
use crate::{Binding, UnpricedRuns};
use model::{ProjectName, Unit, Window};

/// The runs without a price that a project would pay for and that ran inside a span: none where there are none. In which of its
/// units they will be charged shows when they have a price, so that all its units of the site lack them until then.
pub fn unpriced(
    runs: &[UnpricedRuns],
    bindings: &[Binding],
    (project, unit): (&ProjectName, &Unit),
    span: Window,
) -> Option<Gap> {
    let is_its =
        |group: &&UnpricedRuns| group.site == *unit.site() && payers(group, bindings).any(|payer| payer == project);
    gap_of(runs.iter().filter(is_its), (project, unit), span)
}

/// Who would pay for the first and for the last of these runs; one project, mostly.
pub(super) fn payers<'a>(
    group: &UnpricedRuns,
    bindings: &'a [Binding],
) -> impl Iterator<Item = &'a ProjectName> + use<'a> {
    let spender = Spender {
        site: &group.site,
        account: group.account.as_ref(),
        partition: group.partition.as_ref(),
        user: &group.user,
        words: None,
        at: group.window.from,
    };
    let last = Spender { at: group.last_start, ..spender };
    let [first, last] = [spender, last].map(|spender| would_pay(spender, bindings).map(|by| &by.project));
    first.into_iter().chain(last.filter(|last| Some(*last) != first))
}

/// What a budget lacks of runs that its project would pay for at its site.
pub(super) fn gap_of<'a>(
    runs: impl Iterator<Item = &'a UnpricedRuns>,
    (project, unit): (&ProjectName, &Unit),
    span: Window,
) -> Option<Gap> {
    let mut gap: Option<Gap> = None;
    for group in runs {
        // One that took no time has an instant all the same.
        let ran = Window { to: group.window.to.max(group.window.from.plus_seconds(1)), ..group.window };
        let Some(window) = common(ran, span) else { continue };
        let gap = gap.get_or_insert_with(|| Gap {
            project: project.clone(),
            unit: unit.clone(),
            account: None,
            window,
            only_of: Vec::new(),
            still_ran_at: None,
            unpriced: Some(0),
        });
        gap.window = Window { from: gap.window.from.min(window.from), to: gap.window.to.max(window.to) };
        gap.unpriced = gap.unpriced.map(|count| count + group.runs);
    }
    gap
}
