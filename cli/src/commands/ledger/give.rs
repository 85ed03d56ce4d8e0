//! `pakt ledger init`, `grant` and `open`.

use super::{
    bind::SpenderArguments,
    day_in, day_in_or,
    policy::{PolicyArguments, shown},
    shown_window, site_figure,
};
use crate::commands::Context;
use crate::wiring::{GivenLot, Policy};
use crate::{
    failure::Failure,
    output::{Answer, hold, instant_in},
};
use jiff::civil::Date;
use jobs::grant::{GrantWish, Granted, Opened};
use jobs::site_figure::FigureWish;
use model::{Amount, Period, ProgrammeName, ProjectName, Timestamp, Unit, Window, Zone};
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `ledger grant`.
#[derive(Debug, clap::Args)]
pub(crate) struct Grant {
    /// To whom
    pub project: ProjectName,
    /// How many hours
    #[arg(allow_negative_numbers = true)]
    pub hours: String,
    /// Of what: `jupiter:gh200`, `horeka:cpu`
    #[arg(long)]
    pub unit: Unit,
    /// By whom: GCS, `EuroHPC`, NHR, Helmholtz, MPG
    #[arg(long, default_value = "self")]
    pub programme: ProgrammeName,
    /// The number of the decision; the same number again is the same grant
    #[arg(long, default_value = "initial")]
    pub reference: String,
    /// First day (YYYY-MM-DD); today without it
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// First day after its end (YYYY-MM-DD); a year later without it
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
    /// A part of it that the decision names: first day, first day after its end, hours. May be repeated; all parts sum to
    /// the grant
    #[arg(long, value_name = "DAY..DAY=HOURS")]
    pub lot: Vec<String>,
    /// It is a new project, however much its name is like that of another
    #[arg(long)]
    pub new_project: bool,
    /// What spends it
    #[command(flatten)]
    pub spender: SpenderArguments,
    /// What the programme lets it do; as the profile of the site says without it
    #[command(flatten)]
    pub policy: PolicyArguments,
}

/// Arguments of `ledger open`.
#[derive(Debug, clap::Args)]
#[command(override_usage = "pakt ledger open [OPTIONS] --unit <UNIT> --note <NOTE> <PROJECT> <HOURS>\n       \
                      pakt ledger open [OPTIONS] --from-site <FILE> <PROJECT>")]
pub(crate) struct Open {
    /// Whose
    pub project: ProjectName,
    /// How many hours were used in all, those of runs in the ledger included; needed without `--from-site`
    #[arg(required_unless_present = "from_site", conflicts_with = "from_site", allow_negative_numbers = true)]
    pub hours: Option<String>,
    /// Of what; needed where the hours are typed, and with `--from-site` told from the text and the project's budgets
    #[arg(long, required_unless_present = "from_site")]
    pub unit: Option<Unit>,
    /// As of which day (YYYY-MM-DD) or time; without it now, and with `--from-site` as the text says
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Where the number is from; needed where the hours are typed
    #[arg(long, required_unless_present = "from_site", conflicts_with = "from_site")]
    pub note: Option<String>,
    /// Read it from what the site's own command printed: a file, or `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub from_site: Option<PathBuf>,
    /// Which command printed it; told from the text without it
    #[arg(long, requires = "from_site", value_parser = ["jutil", "kit", "saldo", "csv"])]
    pub format: Option<String>,
}

pub(super) async fn init(context: &Context) -> Result<Answer, Failure> {
    let house = context.house().await?;
    let is_new = jobs::grant::init(&house).await?;
    let place = house.books.place();
    let word = if is_new { "is made" } else { "was there before" };
    let text = format!("the ledger {} {word}\n", place.display());
    Ok(Answer::new(text, json!({ "version": 1, "ledger": place, "was_there": !is_new })))
}

/// Reads a part of a grant.
fn lot(text: &str, zone: &Zone) -> Result<GivenLot, Failure> {
    let read = || {
        let (days, hours) = text.split_once('=')?;
        let (from, to) = days.split_once("..")?;
        Some((from, to, hours))
    };
    let Some((from, to, amount)) = read() else {
        let next = "write each part such as `--lot 2026-01-01..2026-04-01=500`";
        return Err(Failure::usage("the grant was not entered", format!("`{text}` is no part of a grant"), next));
    };
    let period = Window { from: day_in(from, zone)?, to: day_in(to, zone)? };
    Ok(GivenLot { amount: hours(amount)?, period })
}

/// The beginning of the same day of the next year, where clocks show this zone's time; that of 29 February is 1 March.
fn a_year_later(from: Timestamp, zone: &Zone) -> Result<Timestamp, Failure> {
    let read = || {
        let day = jiff::Timestamp::from_second(from.epoch_seconds())?.to_zoned_datetime(zone.rules().clone()).date();
        let (year, month) = (day.year().saturating_add(1), day.month());
        let day = Date::new(year, month, day.day()).or_else(|_| Date::new(year, 3, 1))?;
        Ok(Timestamp::from_epoch_seconds(day.to_zoned_datetime(zone.rules().clone())?.timestamp().as_second()))
    };
    read().map_err(|error: jiff::Error| {
        Failure::usage(
            "the grant was not entered",
            error.to_string(),
            "write the first day after its end: `--until YYYY-MM-DD`",
        )
    })
}

/// Enters a grant.
pub(super) async fn grant(arguments: Grant, context: &Context) -> Result<Answer, Failure> {
    let house = context.house().await?;
    let amount = hours(&arguments.hours)?;
    let what = "the grant was not entered";
    let zone = jobs::policy::zone_of(&house, what, &arguments.unit)?;
    let now = house.clock.now();
    let today = Period::Day.window_of(now, &zone).map_or(now, |day| day.from);
    let from = day_in_or(arguments.from.as_deref(), &zone, today)?;
    let to = match arguments.until.as_deref() {
        Some(day) => day_in(day, &zone)?,
        None => a_year_later(from, &zone)?,
    };
    if to <= from {
        let why = format!("it would end at {} and begin at {}", instant_in(to, &zone), instant_in(from, &zone));
        return Err(Failure::usage(what, why, "write a later day behind `--until`"));
    }
    let lots = arguments.lot.iter().map(|text| lot(text, &zone)).collect::<Result<Vec<_>, _>>()?;
    let Grant { project, unit, programme, reference, spender, new_project, policy, .. } = arguments;
    let window = Window { from, to };
    let wish = GrantWish {
        project: project.clone(),
        programme,
        unit: unit.clone(),
        amount,
        window,
        reference: reference.clone(),
        lots,
        spent_by: spender.into(),
        is_new_project: new_project,
        policy: policy.into(),
    };
    let Granted { is_new, binding, policy, beside: grants } = jobs::grant::grant(&house, wish).await?;
    let what = format!("{} to {project}, {}", hold(&unit, amount), shown_window(window, &zone));
    let mut text = if is_new {
        format!("granted {what}\n")
    } else {
        format!("grant `{reference}` was entered before, and nothing changed: {what}\n")
    };
    if let Some(binding) = &binding {
        text.push_str(&format!("{} spends it\n", binding.covers()));
    }
    if policy.is_new && policy.policy != Some(Policy::None) {
        text.push_str(&format!("policy: {}\n", shown(&policy)));
    }
    let json = json!({ "version": 1, "project": project, "unit": unit, "amount": amount, "window": window,
                       "is_new": is_new, "binding": binding, "policy": policy.policy, "zone": policy.zone,
                       "reference": reference, "beside": grants });
    let beside = match &binding {
        Some(binding) => jobs::bind::beside_others(&house, binding).await?,
        None => Vec::new(),
    };
    let beside = beside.into_iter().map(|what| format!("warning: {what}"));
    let others = policy.others.iter().filter(|_| policy.is_new).map(|other| {
        format!(
            "note: another kind of budget occurs at {} too; if the project has that: `pakt ledger policy {project} --unit {unit} {other}`",
            unit.site()
        )
    });
    let twice = grants.iter().map(|other| {
        format!(
            "warning: grant `{}` gives {project} {}, {}, and so does `{reference}` over a part of that time: if it is the same \
             decision, take one back: `pakt ledger withdraw {project} --unit {unit} --reference NUMBER --reason WHY`",
            other.reference,
            hold(&unit, other.amount),
            shown_window(other.window, &zone)
        )
    });
    Ok(Answer::new(text, json).with_notes(others.chain(twice).chain(beside)))
}

/// Enters an opening.
pub(super) async fn open(arguments: Open, context: &Context) -> Result<Answer, Failure> {
    let Open { project, hours: used, unit, as_of, note, from_site, format } = arguments;
    if let Some(file) = from_site {
        let wish = FigureWish { project, text: site_figure::text_of(&file)?, format, unit, as_of };
        return site_figure::open(wish, context).await;
    }
    let (Some(used), Some(unit), Some(note)) = (used, unit, note) else {
        let why = "the hours, `--unit` or `--note` is missing";
        let next = "`pakt ledger open --help` says what belongs to it";
        return Err(Failure::usage("the opening was not entered", why, next));
    };
    let house = context.house().await?;
    let amount = hours(&used)?;
    let zone = jobs::policy::zone_of(&house, "the opening was not entered", &unit)?;
    let as_of = as_of.as_deref().map_or(Ok(house.clock.now()), |text| instant_of(text, &zone))?;
    let opened = jobs::grant::open(&house, project.clone(), unit.clone(), amount, as_of, note).await?;
    let what = format!("{project} had used {} by {}", hold(&unit, amount), instant_in(as_of, &zone));
    let Opened { known, entered, is_new } = opened;
    let text = if is_new {
        let [known, entered] = [known, entered].map(|amount| amount.in_hours_of(&unit));
        format!("{what}\nthe ledger had {known} of it; {entered} are entered, and runs that ended by then are in it\n")
    } else {
        format!("it was entered before, and nothing changed: {what}\n")
    };
    let json = json!({ "version": 1, "project": project, "unit": unit, "amount": amount, "as_of": as_of,
                       "settled": known, "opened": entered, "is_new": is_new });
    Ok(Answer::new(text, json))
}

/// A day or a time of a zone, or an instant.
fn instant_of(text: &str, zone: &Zone) -> Result<Timestamp, Failure> {
    zone.moment(text).map_err(|error| {
        let next = "write it as `2026-11-25`, `2026-11-25T06:30` or `2026-11-25T05:30:00Z`";
        Failure::usage("the opening was not entered", error.to_string(), next)
    })
}

/// Reads a number of hours.
pub(super) fn hours(text: &str) -> Result<Amount, Failure> {
    let bad = |why: String, next: &str| Failure::usage(format!("`{text}` is no number of hours"), why, next);
    let amount = Amount::from_hours(text).map_err(|error| bad(error.to_string(), "write it as `1200` or `0.5`"))?;
    if amount < Amount::ZERO {
        let next = "write it without a sign; `pakt ledger withdraw` takes hours of a grant back, and `pakt ledger adjust` \
                    changes a budget by more or less";
        return Err(bad("it is negative".to_owned(), next));
    }
    Ok(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_without_an_end_lasts_until_the_same_day_of_the_next_year() {
        for (zone, from, to) in [
            ("Europe/Berlin", "2026-11-25", "2027-11-25"),
            // A leap day lies between, and another year has none.
            ("Europe/Berlin", "2027-03-01", "2028-03-01"),
            ("Europe/Berlin", "2028-02-29", "2029-03-01"),
            // The clocks change on another day of the next year.
            ("Europe/Berlin", "2026-03-29", "2027-03-29"),
            ("Europe/Berlin", "2026-10-25", "2027-10-25"),
            ("UTC", "2026-03-29", "2027-03-29"),
        ] {
            let zone: Zone = zone.parse().expect("a zone");
            let day = |text| day_in(text, &zone).expect("a day");
            assert_eq!(a_year_later(day(from), &zone).expect("a day"), day(to), "{zone} {from}");
        }
    }
}
