//! `pakt why JOB`

use super::{
    Context,
    ends::{self, End},
};
use crate::{
    failure::Failure,
    output::{Answer, decision, instant},
    wiring,
};
use jobs::{
    Gravity,
    why::{Change, Offer, Sooner, Standing, Subject, Waits, Why},
};
use serde_json::{Value, json};

/// Arguments of `why`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job: its id or the start of it, the scheduler's id, or a name; the scheduler's id of a job of your own that Pakt
    /// did not submit is understood, too
    pub job: String,
}

/// What estimates are worth.
const OF_ESTIMATES: &str = "note: these are the scheduler's estimates for a job that is submitted now: they leave out jobs that wait \
                            already and jobs that end early, and they move";

/// Tells why the job does not run.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let house = context.house_to_look().await?;
    let neighbours =
        wiring::Neighbours { general: &context.general, configuration: &context.configuration, house: &house };
    let why = jobs::why::why(&house, &arguments.job, &neighbours).await?;
    let mut lines = vec![("job", head(&why.subject))];
    let mut notes = Vec::new();
    match &why.standing {
        Standing::Pending(waits) => {
            lines.extend(of_waiting(waits));
            notes.extend(notes_of(waits));
        }
        standing => lines.extend(of_others(&why.subject, standing)),
    }
    let code = if matches!(why.standing, Standing::Unknown { .. }) { Failure::code(Gravity::Unknown) } else { 0 };
    let text: String = lines.iter().map(|(name, value)| format!("{name:<10} {value}\n")).collect();
    Ok(Answer::new(text, json(&why)).with_notes(notes).with_code(code))
}

fn head(subject: &Subject) -> String {
    let ours = subject.intent().map_or_else(String::new, |intent| format!(" ({})", intent.id));
    let theirs = subject.scheduler_job().map_or_else(String::new, |id| format!(", slurm job {id}"));
    let foreign = if subject.intent().is_none() { ", not submitted by pakt" } else { "" };
    format!("{}{ours}{theirs}{foreign}", subject.name())
}

fn of_others(subject: &Subject, standing: &Standing) -> Vec<(&'static str, String)> {
    let name = subject.name();
    match standing {
        Standing::Begun => vec![
            ("state", "begun, and never handed to the scheduler".to_owned()),
            ("next", "run the same command again, which goes on; or `pakt cancel`".to_owned()),
        ],
        Standing::Running(state) => {
            let watch = if subject.intent().is_some() {
                format!("`pakt watch {name}` shows how far it is")
            } else {
                String::new()
            };
            let since = subject.sighting().and_then(|seen| seen.started_at);
            let since = since.map_or_else(String::new, |at| format!(", since {}", instant(at)));
            let next = Some(("next", watch)).filter(|(_, text)| !text.is_empty());
            [("state", format!("{state}{since}: it does not wait"))].into_iter().chain(next).collect()
        }
        Standing::Ended(state) => {
            let end = match subject {
                Subject::Own(shown) => ends::told(shown),
                Subject::Foreign(_) => None,
            };
            let told = end.map(|End { why, next }| [("why", why), ("next", next)]);
            let note = match subject {
                Subject::Own(shown) => shown.ended.as_ref().and_then(|ended| ended.note.as_ref()),
                Subject::Foreign(_) => None,
            };
            let note = note.map_or_else(String::new, |note| format!(", {note}"));
            let standing = if is_paused(subject) { "PAUSED".to_owned() } else { format!("{state}{note}: it is over") };
            [("state", standing)].into_iter().chain(told.into_iter().flatten()).collect()
        }
        Standing::Unknown { why } => vec![
            ("state", "UNKNOWN".to_owned()),
            ("why", why.clone()),
            ("next", "ask again; `pakt show` says what is written down of it".to_owned()),
        ],
        Standing::Pending(_) => Vec::new(),
    }
}

fn of_waiting(waits: &Waits) -> Vec<(&'static str, String)> {
    let seen = &waits.job.sighting;
    let mut lines = vec![("state", format!("{}, submitted {}", seen.state, instant(seen.submitted_at)))];
    for (place, cause) in waits.causes.iter().enumerate() {
        let reason = Some(&seen.reason).filter(|reason| place == 0 && !reason.is_empty());
        let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        lines.push((if place == 0 { "why" } else { "also" }, format!("{}{reason}", cause.what)));
        lines.extend(cause.next.iter().map(|next| ("next", next.clone())));
    }
    lines.extend(
        waits
            .job
            .places
            .iter()
            .flatten()
            .map(|place| ("position", position(place.ahead, place.waiting, place.partition.as_str(), place.is_whole))),
    );
    let start = waits.expected_start.map_or_else(
        || "the scheduler does not say when".to_owned(),
        |at| format!("about {}, as the scheduler expects now", instant(at)),
    );
    lines.push(("start", start));
    if let Some(advice) = waits.advice.as_ref().filter(|advice| advice.is_known()) {
        let so_far = if advice.is_free_known { "" } else { ", as far as the books know" };
        lines.push(("policy", format!("{}{so_far}", decision(&advice.decision, &advice.unit, &advice.zone))));
    }
    if let Some(sooner) = &waits.sooner {
        lines.extend(of_sooner(sooner));
    }
    lines
}

fn position(ahead: u32, waiting: u32, partition: &str, is_whole: Option<bool>) -> String {
    let of = format!("{ahead} of {waiting} jobs that wait for `{partition}` come before it");
    match is_whole {
        Some(true) => of,
        Some(false) => format!("{of}, of those that you may see: the site hides the jobs of others"),
        None => format!("{of}, of those that the queue shows"),
    }
}

fn of_sooner(sooner: &Sooner) -> Vec<(&'static str, String)> {
    let Some(unchanged) = sooner.unchanged_at else { return Vec::new() };
    if sooner.offers.is_empty() {
        return vec![("sooner", "nothing that was asked about would start ten minutes sooner or more".to_owned())];
    }
    let mut lines: Vec<_> = sooner.offers.iter().map(|offer| ("sooner", self::offer(offer))).collect();
    lines.push(("", format!("submitted again as it is: about {}", instant(unchanged))));
    lines
}

fn offer(offer: &Offer) -> String {
    let change = match &offer.change {
        Change::Time(time) => format!("with `time: {time}`"),
        Change::Partition(partition) => format!("in partition `{partition}`"),
        Change::Site(site) => format!("at {site}"),
    };
    format!("{change}: about {}", instant(offer.starts_at))
}

fn notes_of(waits: &Waits) -> Vec<String> {
    let unread = waits.unread.iter().map(|why| format!("note: {why}"));
    let sooner = waits.sooner.iter().flat_map(|sooner| sooner.notes.iter().map(|why| format!("note: {why}")));
    let has_offers = waits.sooner.as_ref().is_some_and(|sooner| !sooner.offers.is_empty());
    unread.chain(sooner).chain(has_offers.then(|| OF_ESTIMATES.to_owned())).collect()
}

fn json(why: &Why) -> Value {
    let subject = &why.subject;
    let (state, pending) = match &why.standing {
        Standing::Begun => ("begun", Value::Null),
        Standing::Running(_) => ("running", Value::Null),
        Standing::Ended(_) if is_paused(subject) => ("paused", Value::Null),
        Standing::Ended(_) => ("ended", Value::Null),
        Standing::Unknown { .. } => ("unknown", Value::Null),
        Standing::Pending(waits) => ("pending", pending_json(waits)),
    };
    let unknown = match &why.standing {
        Standing::Unknown { why } => Some(why),
        _ => None,
    };
    let end = match subject {
        Subject::Own(shown) => ends::told(shown),
        Subject::Foreign(_) => None,
    };
    json!({
        "version": 1, "id": subject.intent().map(|intent| intent.id), "name": subject.name(),
        "scheduler_job": subject.scheduler_job(), "standing": state,
        "state": subject.sighting().map(|seen| &seen.state), "pending": pending, "end": end, "unknown": unknown,
    })
}

fn pending_json(waits: &Waits) -> Value {
    let job = &waits.job;
    let places = job.places.as_ref().ok().map(|places| {
        let place = |place: &jobs::why::QueuePlace| json!({ "partition": place.partition, "ahead": place.ahead, "waiting": place.waiting, "is_whole": place.is_whole });
        places.iter().map(place).collect::<Vec<_>>()
    });
    json!({
        "reason": job.sighting.reason, "submitted_at": job.sighting.submitted_at, "time_limit": job.sighting.time_limit,
        "priority": job.priority, "causes": waits.causes, "positions": places,
        "starts_at": waits.expected_start, "advice": waits.advice, "sooner": waits.sooner.as_ref().map(sooner_json),
        "unread": waits.unread,
    })
}

fn sooner_json(sooner: &Sooner) -> Value {
    let offer = |offer: &Offer| match &offer.change {
        Change::Time(time) => {
            json!({ "time_limit": time, "partition": null, "site": null, "starts_at": offer.starts_at })
        }
        Change::Partition(partition) => {
            json!({ "time_limit": null, "partition": partition, "site": null, "starts_at": offer.starts_at })
        }
        Change::Site(site) => {
            json!({ "time_limit": null, "partition": null, "site": site, "starts_at": offer.starts_at })
        }
    };
    json!({
        "asked": sooner.asked, "unchanged_at": sooner.unchanged_at, "notes": sooner.notes,
        "offers": sooner.offers.iter().map(offer).collect::<Vec<_>>(),
    })
}

/// Whether it is a chain that goes on as soon as somebody queues its next link.
fn is_paused(subject: &Subject) -> bool {
    matches!(subject, Subject::Own(shown) if shown.is_paused())
}
