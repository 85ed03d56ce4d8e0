//! The verb: read, choose, date, post.

use super::{choose::Chosen, line::Known};
use crate::{
    error::{Gravity, JobsError},
    house::House,
    known::{known_project, known_unit},
    reached::booked,
};
use ledger::{BalanceQuery, Book, Command, Effect, NewSiteFigure, Outcome, SiteFigureRecord, is_ahead};
use model::{Amount, ProjectName, Timestamp, Unit, Zone};
use sites::{FigureError, FigureFormat, read_figures};

/// What is to be read.
#[derive(Clone, Debug)]
pub struct FigureWish {
    /// Whose budget.
    pub project: ProjectName,
    /// What the site's command printed.
    pub text: String,
    /// Which command that was, by its word; told from the text where none is given.
    pub format: Option<String>,
    /// The unit of the budget; told from the budgets of the project where none is given.
    pub unit: Option<Unit>,
    /// When it was true: a day or a time of the site, or an instant; as the text says where none is given.
    pub as_of: Option<String>,
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct OpenedFromSite {
    /// What the ledger has now.
    pub figure: NewSiteFigure,
    /// What the ledger had settled of the same time.
    pub settled: Amount,
    /// What was entered as used before the ledger began.
    pub opened: Option<Amount>,
    /// Who noted the same figure before; none where it is new.
    pub noted_before: Option<SiteFigureRecord>,
    /// In which the site's days begin.
    pub zone: Zone,
}

/// Notes what a site says was used, and enters what the ledger does not know of it as used before, where nobody has opened the
/// budget yet. The same text as of the same instant changes nothing.
pub async fn open_from_site(house: &House, wish: FigureWish) -> Result<OpenedFromSite, JobsError> {
    let what = "the site's figure was not entered";
    let book = house.needed_book(what).await?;
    if let Some(unit) = &wish.unit {
        known_unit(house, what, unit)?;
    }
    known_project(house, book.as_ref(), what, &wish.project).await?;
    let format = wish.format.as_deref().and_then(FigureFormat::from_word);
    let (format, said) = read_figures(format, &wish.text).map_err(|error| unread(what, error))?;
    let known = known(house, book.as_ref(), what, &wish, format).await?;
    let chosen = known.choose(known.lines(&said)?)?;
    let zone = house.accounting_zone(chosen.unit.site())?;
    let figure = figure(&wish, &chosen, format, dates(house, what, &wish, &chosen, &zone)?, what)?;
    let note = Command::NoteSiteFigure(figure.clone());
    let posted = booked(book.post(&house.principal, house.clock.now(), &[note]).await, what)?.pop();
    let Some(Outcome::FigureNoted { opened, settled, effect }) = posted else {
        return Err(JobsError::new(Gravity::Bug, what, "the ledger gave another answer", "please report it"));
    };
    let noted_before = match effect {
        Effect::Done => None,
        Effect::AlreadyDone => {
            let known = booked(book.site_figures(Some(&wish.project)).await, what)?;
            known.into_iter().find(|known| known.terms == figure)
        }
    };
    Ok(OpenedFromSite { figure, settled, opened, noted_before, zone })
}

fn unread(what: &str, error: FigureError) -> JobsError {
    JobsError::usage(what, error.to_string(), error.next)
}

async fn known<'a>(
    house: &'a House,
    book: &dyn Book,
    what: &'a str,
    wish: &'a FigureWish,
    format: FigureFormat,
) -> Result<Known<'a>, JobsError> {
    let query = BalanceQuery { project: Some(wish.project.clone()), ..BalanceQuery::default() };
    let balances = booked(book.balances(&query, house.clock.now()).await, what)?;
    let bindings = booked(book.bindings().await, what)?.into_iter().map(|record| record.terms);
    let bindings: Vec<_> = bindings.filter(|terms| terms.project == wish.project && !terms.is_rule()).collect();
    let bound = bindings.iter().map(|terms| terms.unit.to_string());
    let budgets = balances.iter().map(|balance| balance.unit.to_string()).chain(bound).collect();
    let (project, wanted) = (&wish.project, wish.unit.as_ref());
    Ok(Known { house, what, project, format, wanted, bindings, budgets })
}

/// From when on it counts, and as of when it was true. A figure without a date would explain nothing: what was spent since
/// would be in it or not.
fn dates(
    house: &House,
    what: &str,
    wish: &FigureWish,
    chosen: &Chosen<'_>,
    zone: &Zone,
) -> Result<(Option<Timestamp>, Timestamp), JobsError> {
    let line = chosen.said.line;
    let read = |text: &str| {
        zone.moment(text).map_err(|error| {
            let next = "write it as `2026-11-25`, `2026-11-25T06:30` or `2026-11-25T05:30:00Z`";
            JobsError::usage(what, error.to_string(), next)
        })
    };
    let in_line = |error: JobsError| JobsError { why: format!("line {line}: {}", error.why), ..error };
    let as_of = match (&wish.as_of, &chosen.said.as_of) {
        (Some(text), _) => read(text)?,
        (None, Some(text)) => read(text).map_err(in_line)?,
        (None, None) => {
            let usage = house.site(chosen.unit.site())?.usage.as_ref();
            let note = usage.and_then(|usage| usage.value.note.clone());
            let note = note.map(|note| format!(" ({}: {note})", chosen.unit.site())).unwrap_or_default();
            let next = format!("say it: `--as-of 2026-11-25`, a day's midnight, or `--as-of 2026-11-25T06:30`{note}");
            return Err(JobsError::usage(what, "the text does not say when it was true", next));
        }
    };
    if is_ahead(as_of, house.clock.now()) {
        let why = format!("it would be as of {as_of}, and it is {}", house.clock.now());
        return Err(JobsError::usage(what, why, "write the time at which the site said it behind `--as-of`"));
    }
    let since = chosen.said.since.as_deref().map(read).transpose().map_err(in_line)?;
    if let Some(since) = since.filter(|since| *since > as_of) {
        let why = format!("line {line}: the site counts from {since} on, after {as_of}");
        return Err(JobsError::usage(what, why, "write the time at which the site said it behind `--as-of`"));
    }
    Ok((since, as_of))
}

fn figure(
    wish: &FigureWish,
    chosen: &Chosen<'_>,
    format: FigureFormat,
    (since, as_of): (Option<Timestamp>, Timestamp),
    what: &str,
) -> Result<NewSiteFigure, JobsError> {
    let program = format.program().unwrap_or(format.as_str());
    // A converted figure names the factor: which tariff, of which date.
    let source = match &chosen.factor {
        Some(factor) => format!("{program}, by tariff {}", factor.tariff.name()),
        None => program.to_owned(),
    };
    Ok(NewSiteFigure {
        project: wish.project.clone(),
        unit: chosen.unit.clone(),
        granted: chosen.said.granted.map(|granted| chosen.converted(what, granted)).transpose()?,
        used: chosen.converted(what, chosen.said.used)?,
        since,
        as_of,
        source,
        digest: format!("blake3:{}", blake3::hash(wish.text.as_bytes()).to_hex()),
    })
}
