//! One site, looked at for one job.

use crate::{
    attended::attended,
    error::{Gravity, JobsError},
    house::House,
    job_file::JobFile,
    neighbour::Neighbour,
    plan::{Planned, plan},
    prepare::NoHold,
};
use ledger::Decision;
use model::{SiteName, Timestamp};
use scheduler_adapters::Estimate;

/// What was found of a site.
pub struct Considered {
    /// Which.
    pub site: SiteName,
    /// What speaks for it, or why it is out.
    pub verdict: Verdict,
}

/// What speaks for a site, or against it.
pub enum Verdict {
    /// The job could run there.
    Fits(Fit),
    /// A job of the same request was begun there and is not over.
    Begun,
    /// The job does not fit there, or the scheduler would refuse it.
    DoesNotFit(String),
    /// Its budget there does not let it start.
    NoBudget(String),
    /// It wants a person who looks on, and nobody does: what starts work there is refused from here.
    NeedsPerson(String),
    /// It did not answer; nothing is known of it.
    NoAnswer(String),
}

/// How well a job would be off at a site. The order of the fields is that of their weight.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fit {
    /// Who pays.
    pub pays: Pays,
    /// Whether working directory, environment and image are there for sure.
    pub is_data_uncertain: bool,
    /// When it would start.
    pub start: Start,
}

/// Who pays for a job at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pays {
    /// A budget, or nothing is kept of any.
    AsUsual,
    /// A budget that is behind: it starts with low priority.
    LowPriority,
    /// Nothing: no budget is there for it.
    Nobody,
}

/// When a job would start. A start that is known comes before one that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Start {
    /// About then.
    At(Timestamp),
    /// Nobody knows.
    Unknown(String),
}

/// Looks at a site, changing nothing.
pub(super) async fn consider(neighbour: &Neighbour, file: &JobFile) -> Considered {
    let verdict = match &neighbour.house {
        Err(why) => Verdict::NoAnswer(why.clone()),
        Ok(house) => match attended(house, "it is not chosen") {
            Err(refused) if refused.gravity == Gravity::Refused => Verdict::NeedsPerson(refused.why),
            Err(error) => failed(error),
            Ok(()) => match plan(house, file).await {
                Ok(planned) => judge(house, &planned).await,
                Err(error) => failed(error),
            },
        },
    };
    Considered { site: neighbour.site.clone(), verdict }
}

fn failed(error: JobsError) -> Verdict {
    let first = error.mistakes.iter().find(|mistake| mistake.is_error()).map(|mistake| mistake.finding.what.clone());
    let why = first.unwrap_or(error.why);
    match error.gravity {
        Gravity::Unreachable | Gravity::Unknown | Gravity::Bug => Verdict::NoAnswer(why),
        Gravity::Refused => Verdict::NoBudget(why),
        Gravity::Usage => Verdict::DoesNotFit(why),
    }
}

async fn judge(house: &House, planned: &Planned) -> Verdict {
    let start = match &planned.estimate {
        Ok(Estimate::StartsAt { at, .. }) => Start::At(*at),
        Ok(Estimate::Unknown { said }) | Err(said) => Start::Unknown(said.clone()),
        Ok(Estimate::Refused { said }) => return Verdict::DoesNotFit(format!("the scheduler would refuse it: {said}")),
    };
    // A queue that does not answer would not take the job either.
    if matches!(start, Start::Unknown(_))
        && let Err(error) = house.scheduler.cluster_name().await
    {
        return Verdict::NoAnswer(error.to_string());
    }
    let pays = match (&planned.advice, &planned.no_hold) {
        (Some(advice), _) if advice.is_refused => return Verdict::NoBudget("its budget does not cover it".to_owned()),
        (Some(advice), _) => match &advice.decision {
            Decision::Deny { .. } => {
                return Verdict::NoBudget("its budget is used up: the site does not start it".to_owned());
            }
            Decision::LowPriority { .. } => Pays::LowPriority,
            Decision::Allow | Decision::Warn { .. } => Pays::AsUsual,
        },
        (None, Some(NoHold::Never(_))) if has_ledger(house).await => Pays::Nobody,
        (None, _) => Pays::AsUsual,
    };
    let is_of_data = |field: &str| field == "workdir" || field.starts_with("environment");
    let is_data_uncertain = planned.doubts.iter().any(|doubt| is_of_data(&doubt.finding.field));
    Verdict::Fits(Fit { pays, is_data_uncertain, start })
}

async fn has_ledger(house: &House) -> bool {
    matches!(house.books.book().await, Ok(Some(_)))
}
