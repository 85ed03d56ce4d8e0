//! `pakt resume`: goes on with chains and sweeps: sends the links that are due.

use crate::{
    chain::{Advanced, advance},
    directory::{Intent, State, Unheld, list},
    error::{Gravity, JobsError},
    find::find,
    house::House,
    reached::booked,
    settle::{SettleOptions, settle},
};
use ledger::HoldId;
use model::JobId;
use std::{path::Path, sync::Arc};

/// What was done for one chain.
pub struct Resumed {
    /// The job.
    pub intent: Intent,
    /// What was sent, or why nothing was.
    pub outcome: Result<Advanced, JobsError>,
}

/// Enters what the links of one's chains took, where there is a ledger, so that no more is held for the next ones than is
/// needed; why that was not done, where it was not. They go on all the same.
pub async fn settled(house: &House) -> Option<String> {
    match house.books.book().await {
        Ok(Some(_)) => settle(house, SettleOptions::default()).await.err().map(|error| error.to_string()),
        Ok(None) => None,
        Err(error) => Some(error.to_string()),
    }
}

/// Sends the links of one's own chain that are due.
pub async fn go_on(house: &House, intent: &Intent) -> Result<Advanced, JobsError> {
    if intent.principal.user != house.principal.user {
        let what = format!("job `{}` was not gone on with", intent.name);
        let why = format!("it is a job of {}", intent.principal);
        return Err(JobsError::new(Gravity::Refused, what, why, "its owner goes on with it"));
    }
    advance(house, &house.state.job(intent.id), intent).await
}

/// Goes on with the chain that `text` names.
pub async fn resume(house: &House, text: &str) -> Result<Resumed, JobsError> {
    let id = find(house, text).await?.intent.id;
    let directory = house.state.job(id);
    let what = format!("job `{text}` was not gone on with");
    let Some(intent) = directory.intent().await? else {
        return Err(JobsError::usage(what, "its directory has no intent", "submit its file again"));
    };
    if !intent.has_links() {
        let why = "it is no chain and no sweep: its file has no `chain:` and no `sweep:`";
        return Err(JobsError::usage(what, why, "docs/checkpoints.md tells how a job goes on past its limit"));
    }
    if directory.ended().await?.is_some() || directory.cancel().await?.is_some() {
        return Err(JobsError::new(
            Gravity::Refused,
            what,
            "it is over",
            "submit its file again: that makes a new job",
        ));
    }
    if directory.sent_links().await?.is_empty() {
        return Err(JobsError::usage(what, "it was begun and never sent", "`pakt submit` of its file goes on"));
    }
    Ok(Resumed { outcome: go_on(house, &intent).await, intent })
}

/// Goes on with the chain whose directory this is, wherever it lies: what else was known of it may be lost. A ledger that does
/// not know it holds for it again, with the next settlement.
pub async fn resume_directory(house: &House, path: &Path) -> Result<Resumed, JobsError> {
    let what = format!("nothing was gone on with in `{}`", path.display());
    let id = path.file_name().and_then(|name| name.to_str()?.parse::<JobId>().ok());
    let root = path.parent().filter(|folder| folder.ends_with("jobs")).and_then(Path::parent);
    let (Some(id), Some(root)) = (id, root) else {
        let why = "it is no directory of a job: those are `STATE/jobs/ID`";
        return Err(JobsError::usage(what, why, "name the folder that has `intent.json` in it"));
    };
    let state = State::new(root.to_path_buf(), house.state.mode(), Arc::clone(&house.files));
    let house = House { state, ..house.clone() };
    hold_again(&house, id, &what).await?;
    resume(&house, &id.to_string()).await
}

/// Notes that a hold is to be entered, where the ledger has none of the job.
async fn hold_again(house: &House, id: JobId, what: &str) -> Result<(), JobsError> {
    let Some(book) = house.book(what).await? else { return Ok(()) };
    if booked(book.hold(HoldId(id)).await, what)?.is_none() {
        let reason = "the ledger of its submission is gone".to_owned();
        house.state.job(id).put_unheld(&Unheld { reason, is_provisional: true }).await?;
    }
    Ok(())
}

/// Goes on with all of one's own chains and sweeps that are not over.
pub async fn resume_all(house: &House) -> Result<Vec<Resumed>, JobsError> {
    let mut resumed = Vec::new();
    for job in list(&house.state).await? {
        let is_own = job.intent.principal.user == house.principal.user;
        if !job.has_links || !is_own || job.ended.is_some() || job.links.is_empty() {
            continue;
        }
        let directory = house.state.job(job.intent.id);
        if directory.cancel().await?.is_some() {
            continue;
        }
        let Some(intent) = directory.intent().await? else { continue };
        let outcome = go_on(house, &intent).await;
        resumed.push(Resumed { intent, outcome });
    }
    Ok(resumed)
}
