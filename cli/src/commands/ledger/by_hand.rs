//! `pakt ledger refund`, `adjust`, `agree`, `delegate`, `hold` and `release`: what people enter by hand.

use super::{day_in_or, give::hours};
use crate::commands::{Context, view::reason};
use crate::wiring::Adjusted;
use crate::{
    failure::Failure,
    output::{Answer, hold as held, instant_in},
};
use jobs::by_hand::{self, AdjustWish, DelegateWish, HoldWish};
use jobs::refund::{self, RefundWish, RefundedJob, RunOfJob};
use model::{Amount, JobId, Period, ProjectName, SiteName, Timestamp, Unit, UserName, Zone};
use serde_json::json;

/// Arguments of `ledger refund`.
#[derive(Debug, clap::Args)]
pub(crate) struct Refund {
    /// The job, by its id or the scheduler's
    #[arg(value_parser = refunded_job)]
    pub job: RefundedJob,
    /// How many hours; without them all that it was charged
    #[arg(allow_negative_numbers = true)]
    pub hours: Option<String>,
    /// At which site; without it here, and with the job's own id wherever it ran
    #[arg(long, value_name = "SITE")]
    pub at: Option<SiteName>,
    /// Which of its runs, where several were charged: the scheduler's id and when it was submitted, as they are listed then
    #[arg(long, value_name = "ID@SUBMIT")]
    pub run: Option<RunOfJob>,
    /// Why; it stands in the ledger
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
}

/// Arguments of `ledger adjust`.
#[derive(Debug, clap::Args)]
pub(crate) struct Adjust {
    /// Whose
    pub project: ProjectName,
    /// How many hours the budget gets; with `-` in front it loses them
    #[arg(allow_hyphen_values = true)]
    pub hours: String,
    /// Of what
    #[arg(long)]
    pub unit: Unit,
    /// From which day or time on; without it today
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Why; it stands in the ledger
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
}

/// Arguments of `ledger agree`.
#[derive(Debug, clap::Args)]
pub(crate) struct Agree {
    /// Which adjustment; without it they are listed
    pub key: Option<String>,
}

/// Arguments of `ledger delegate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Delegate {
    /// Whose
    pub from: ProjectName,
    /// To whom
    pub to: ProjectName,
    /// How many hours
    #[arg(allow_negative_numbers = true)]
    pub hours: String,
    /// Of what
    #[arg(long)]
    pub unit: Unit,
    /// Of which grant: the number of its decision
    #[arg(long, default_value = "initial")]
    pub reference: String,
    /// What for; it stands in the ledger
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
    /// The other project is a new one, though its name is like that of a known one
    #[arg(long)]
    pub new_project: bool,
}

/// Arguments of `ledger hold`.
#[derive(Debug, clap::Args)]
pub(crate) struct Hold {
    /// Whose
    pub project: ProjectName,
    /// How many hours
    #[arg(allow_negative_numbers = true)]
    pub hours: String,
    /// Of what
    #[arg(long)]
    pub unit: Unit,
    /// What for; it stands in the ledger
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
    /// Reserve it although an enforced budget does not cover it, and record why
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub anyway: Option<String>,
    /// The id that an earlier try printed or was given: the same twice reserves once
    #[arg(long)]
    pub id: Option<JobId>,
}

/// Arguments of `ledger release`.
#[derive(Debug, clap::Args)]
pub(crate) struct Release {
    /// The id of the hold
    pub id: JobId,
    /// It is another person's, whose job is over or never was
    #[arg(long)]
    pub of_another: bool,
}

/// Arguments of `ledger erase`.
#[derive(Debug, clap::Args)]
pub(crate) struct Erase {
    /// Who, by the operating system's name
    pub user: UserName,
    /// At which site; without it here
    #[arg(long, value_name = "SITE")]
    pub at: Option<SiteName>,
    /// It cannot be undone: say that it is meant
    #[arg(long, required = true)]
    pub forever: bool,
    /// The name may stay in notes and reasons of entries, which are signed
    #[arg(long)]
    pub notes_stay: bool,
}

pub(super) async fn erase(arguments: Erase, context: &Context) -> Result<Answer, Failure> {
    let Erase { user, at, notes_stay, .. } = arguments;
    let by_hand::Erased { runs, notes } = by_hand::erase(&context.house().await?, at, user, notes_stay).await?;
    let text = runs.map_or_else(
        || "erased: what an earlier call left in freed parts of the file\n".to_owned(),
        |runs| {
            format!("erased: the name, and what was read of {}; totals and proofs stay\n", model::counted(runs, "run"))
        },
    );
    let json = json!({ "version": 1, "runs": runs, "entries_with_name": notes });
    let stays = (!notes.is_empty())
        .then(|| format!("the name stays in notes or reasons of {}", model::counted(notes.len(), "entry")));
    Ok(Answer::new(text, json).with_notes(stays))
}

/// The scheduler's ids are numbers, and ours are none.
fn refunded_job(text: &str) -> Result<RefundedJob, String> {
    let id = text.parse().map(RefundedJob::Scheduled);
    id.or_else(|_| text.parse().map(RefundedJob::Ours)).map_err(|_| {
        "a job's id is wanted: 26 characters such as `01kb2v6m3ynf0q5w8r7d4c9xzt`, or the scheduler's number".to_owned()
    })
}

pub(super) async fn refund(arguments: Refund, context: &Context) -> Result<Answer, Failure> {
    let Refund { job, at: site, run, reason, .. } = arguments;
    let amount = arguments.hours.as_deref().map(hours).transpose()?;
    let wish = RefundWish { site, job, run, amount, reason };
    let refunded = refund::refund(&context.house().await?, wish).await?;
    let run = &refunded.run;
    let id = match job {
        RefundedJob::Scheduled(id) => id.to_string(),
        RefundedJob::Ours(id) => id.to_string(),
    };
    let what = format!("{} of the run of job {id}, to {}", held(&run.unit, refunded.amount), run.project);
    let text = if refunded.is_new {
        format!("refunded: {what}\n")
    } else {
        format!("it was refunded before, and nothing changed: {what}\n")
    };
    let json = json!({ "version": 1, "run": run.run, "project": run.project, "unit": run.unit,
                       "amount": refunded.amount, "is_new": refunded.is_new });
    Ok(Answer::new(text, json))
}

pub(super) async fn adjust(arguments: Adjust, context: &Context) -> Result<Answer, Failure> {
    let house = context.house().await?;
    let amount = signed_hours(&arguments.hours)?;
    let Adjust { project, unit, reason, .. } = arguments;
    let zone = jobs::policy::zone_of(&house, "nothing was adjusted", &unit)?;
    let at = match arguments.at.as_deref().map(str::parse::<Timestamp>) {
        Some(Ok(instant)) => instant,
        _ => day_in_or(arguments.at.as_deref(), &zone, today(house.clock.now(), &zone))?,
    };
    let wish = AdjustWish { project: project.clone(), unit: unit.clone(), amount, at, reason };
    let (key, adjusted) = by_hand::adjust(&house, wish).await?;
    let what = format!("{} of {project} by {}", instant_in(at, &zone), held(&unit, amount));
    let waits = adjusted == Adjusted::Waits;
    let text = if adjusted == Adjusted::EnteredBefore {
        format!("it was entered before, and nothing changed: {what}\n")
    } else if waits {
        format!("waits for somebody else: {what}\n`pakt ledger agree {key}` enters it\n")
    } else {
        format!("adjusted, from {what}\n")
    };
    let json = json!({ "version": 1, "key": key, "project": project, "unit": unit, "amount": amount, "at": at,
                       "waits": waits });
    Ok(Answer::new(text, json))
}

pub(super) async fn agree(arguments: Agree, context: &Context) -> Result<Answer, Failure> {
    let Some(key) = arguments.key else {
        let proposals = by_hand::proposals(&context.house_of_ledger().await?).await?;
        let lines: String = proposals
            .iter()
            .map(|known| {
                let (wish, by) = (&known.wish, &known.proposed_by.user);
                format!("{}  {}  {}  {by}: {}\n", wish.key, wish.project, held(&wish.unit, wish.amount), wish.reason)
            })
            .collect();
        let text = if lines.is_empty() { "no adjustment waits\n".to_owned() } else { lines };
        return Ok(Answer::new(text, json!({ "version": 1, "proposals": proposals })));
    };
    let adjusted = by_hand::agree(&context.house().await?, &key).await?;
    let is_new = adjusted == Adjusted::Entered;
    let text = if is_new { "adjusted\n" } else { "it was entered before, and nothing changed\n" };
    Ok(Answer::new(text.to_owned(), json!({ "version": 1, "key": key, "is_new": is_new })))
}

pub(super) async fn delegate(arguments: Delegate, context: &Context) -> Result<Answer, Failure> {
    let amount = hours(&arguments.hours)?;
    let Delegate { from, to, unit, reference, reason, new_project, .. } = arguments;
    let wish = DelegateWish {
        from: from.clone(),
        to: to.clone(),
        unit: unit.clone(),
        amount,
        reference,
        reason,
        is_new_project: new_project,
    };
    let is_new = by_hand::delegate(&context.house().await?, wish).await?;
    let what = format!("{} from {from} to {to}", held(&unit, amount));
    let text = if is_new {
        format!("passed on: {what}\n")
    } else {
        format!("it was passed on before, and nothing changed: {what}\n")
    };
    let json = json!({ "version": 1, "from": from, "project": to, "unit": unit, "amount": amount, "is_new": is_new });
    Ok(Answer::new(text, json))
}

pub(super) async fn hold(arguments: Hold, context: &Context) -> Result<Answer, Failure> {
    let ceiling = hours(&arguments.hours)?;
    let Hold { project, unit, reason, anyway, id, .. } = arguments;
    let wish = HoldWish { id, project, unit, ceiling, note: reason, anyway };
    let by_hand::Reserved { hold: made, beyond } = by_hand::hold(&context.house().await?, wish).await?;
    let text = format!(
        "reserved: {} of {}\n`pakt ledger release {}` ends it\n",
        held(&made.unit, made.ceiling),
        made.project,
        made.id
    );
    let json = json!({ "version": 1, "id": made.id, "project": made.project, "unit": made.unit, "amount": made.ceiling,
                "beyond": beyond });
    let warning = beyond.map(|beyond| {
        let (beyond, project) = (held(&made.unit, beyond), &made.project);
        format!(
            "warning: {project} has reserved and used {beyond} more than it has; `pakt balance {project}` says of what"
        )
    });
    Ok(Answer::new(text, json).with_notes(warning))
}

pub(super) async fn release(arguments: Release, context: &Context) -> Result<Answer, Failure> {
    let hold = by_hand::release(&context.house().await?, arguments.id, arguments.of_another).await?;
    let is_closed = hold.closing.is_some();
    let text = if is_closed {
        format!("released: hold {} of {}, {} were drawn\n", hold.id, hold.project, held(&hold.unit, hold.charged))
    } else {
        format!("hold {} stays open: a run of its job has no price yet\n", hold.id)
    };
    let json = json!({ "version": 1, "id": hold.id, "project": hold.project, "unit": hold.unit,
                       "charged": hold.charged, "is_closed": is_closed });
    Ok(Answer::new(text, json))
}

/// When the day began.
fn today(now: Timestamp, zone: &Zone) -> Timestamp {
    Period::Day.window_of(now, zone).map_or(now, |day| day.from)
}

/// Hours with a sign.
fn signed_hours(text: &str) -> Result<Amount, Failure> {
    match text.strip_prefix('-') {
        None => hours(text),
        Some(text) => {
            let large =
                |error: model::AmountError| Failure::usage("nothing was adjusted", error.to_string(), "write fewer");
            hours(text)?.negated().map_err(large)
        }
    }
}
