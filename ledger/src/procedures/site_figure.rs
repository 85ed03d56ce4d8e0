//! Site figures, and the opening that the first one brings.

use super::opening;
use super::posting::{Posting, invalid, refuse_too_large};
use crate::records::Result;
use crate::{DecidedKind, Effect, NewOpening, NewSiteFigure, Outcome, is_ahead};
use model::Amount;

/// Notes what a site says, once. The first figure of a budget that nobody has opened also books what the ledger does not
/// know of it as used before, and covers the runs of that time; later ones book nothing: what they do not agree with is for people to look at, and an
/// opening would hide it.
pub(super) fn note(posting: &Posting<'_>, figure: &NewSiteFigure) -> Result<Outcome> {
    refuse_faults(posting, figure)?;
    let settled = posting.records.spent_through(&figure.project, &figure.unit, figure.since, figure.as_of)?;
    let known = posting.records.site_figures(Some(&figure.project))?;
    let mut of_budget = known.iter().filter(|known| known.terms.unit == figure.unit).peekable();
    let is_first = of_budget.peek().is_none();
    if of_budget.any(|known| known.terms == *figure) {
        return Ok(Outcome::FigureNoted { opened: None, settled, effect: Effect::AlreadyDone });
    }
    let beyond = figure.used.minus(settled)?;
    let opening = NewOpening {
        project: figure.project.clone(),
        unit: figure.unit.clone(),
        used_before: figure.used,
        since: figure.since,
        as_of: figure.as_of,
        note: format!(
            "{}: {} used, {} in the ledger; text {}",
            figure.source,
            figure.used.in_hours_of(&figure.unit),
            settled.in_hours_of(&figure.unit),
            figure.digest
        ),
    };
    let key = opening::opening_key(&figure.project, &figure.unit);
    let is_opened = posting.records.entry_with_key(&key)?.is_some();
    // Nothing beyond what is known is an opening too: runs of that time which are read later are in the figure.
    let opens = is_first && !is_opened && beyond >= Amount::ZERO && figure.used > Amount::ZERO;
    if opens {
        opening::enter(posting, &opening, beyond)?;
    }
    posting.decide_anew(DecidedKind::SiteFigure, |deed| posting.records.put_site_figure(figure, deed))?;
    Ok(Outcome::FigureNoted { opened: opens.then_some(beyond), settled, effect: Effect::Done })
}

fn refuse_faults(posting: &Posting<'_>, figure: &NewSiteFigure) -> Result<()> {
    let NewSiteFigure { granted, used, since, as_of, .. } = figure;
    if *used < Amount::ZERO || granted.is_some_and(|granted| granted < Amount::ZERO) {
        return Err(invalid("a site's figure is negative"));
    }
    for said in [Some(*used), *granted].into_iter().flatten() {
        refuse_too_large(&format!("the site's figure of `{}`", figure.project), said, &figure.unit)?;
    }
    if since.is_some_and(|since| since > *as_of) {
        return Err(invalid(format!("a site's figure as of {as_of} counts from a later instant on")));
    }
    if is_ahead(*as_of, posting.now) {
        return Err(invalid(format!("a site's figure is as of {as_of}, and it is {}", posting.now)));
    }
    Ok(())
}
