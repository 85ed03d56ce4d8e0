//! `pakt show --provenance`: what was written down of a job, what its starts added, and what is so now.

use super::{
    digest::sha256,
    git,
    record::{Bytes, Change, Machine, NotSeen, Provenance, Repository, Tree},
};
use crate::{
    directory::{Intent, JobDirectory, Origin, State},
    error::JobsError,
    find::find,
    house::{House, Vantage},
};
use model::{LinkNumber, SchedulerJobId};
use serde::Serialize;
use std::path::PathBuf;

/// All that is known of what a job was made of.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// The job.
    #[serde(skip)]
    pub intent: Intent,
    /// What was written down when it was submitted.
    pub record: Option<Provenance>,
    /// Why nothing was, where nothing was.
    pub missing: Option<&'static str>,
    /// Of each repository of the record whether it is so now.
    pub now: Vec<TreeNow>,
    /// The scripts that lie in its directory.
    pub scripts: Vec<LinkScript>,
    /// Whether its script is the one of the record; none where there is none to compare.
    pub is_script_as_recorded: Option<bool>,
    /// What its starts had loaded.
    pub loaded: Vec<Loaded>,
    /// The files that the record names, and whether they are there.
    pub kept: Vec<Kept>,
}

/// The batch script of a link.
#[derive(Clone, Debug, Serialize)]
pub struct LinkScript {
    /// Which link.
    pub link: LinkNumber,
    /// Its script.
    #[serde(flatten)]
    pub content: Bytes,
}

/// The modules of one start.
#[derive(Clone, Debug, Serialize)]
pub struct Loaded {
    /// Which scheduler job.
    pub scheduler_job: SchedulerJobId,
    /// Its restart count.
    pub restart: u32,
    /// The modules.
    pub modules: Vec<String>,
}

/// A file beside the record.
#[derive(Clone, Debug, Serialize)]
pub struct Kept {
    /// Where.
    pub path: PathBuf,
    /// Whether it is there.
    pub is_there: bool,
}

/// How a tree stands now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "tree")]
pub enum TreeNow {
    /// At the same commit, with the same difference to it.
    Same,
    /// At the same commit, with another difference to it.
    Changed,
    /// At another commit.
    Moved {
        /// Which.
        commit: Option<String>,
    },
    /// Nobody can tell.
    Unknown {
        /// Why.
        why: String,
    },
}

/// Gathers it of the job that `text` names. The scheduler is not asked.
pub async fn told(house: &House, text: &str) -> Result<Told, JobsError> {
    let found = find(house, text).await?;
    let directory = house.state.job(found.intent.id);
    let intent = directory.intent().await?.unwrap_or(found.intent);
    told_of(house, &directory, intent).await
}

async fn told_of(house: &House, directory: &JobDirectory, intent: Intent) -> Result<Told, JobsError> {
    let record = directory.provenance().await?;
    let mut told = Told {
        missing: record.is_none().then(|| missing(&intent)),
        now: Vec::new(),
        scripts: Vec::new(),
        is_script_as_recorded: None,
        loaded: Vec::new(),
        kept: Vec::new(),
        record,
        intent,
    };
    for link in directory.links().await? {
        if let Some(text) = link.script_text().await? {
            told.scripts.push(LinkScript { link: link.link(), content: Bytes::of(&text) });
        }
        for attempt in link.attempts().await? {
            let (scheduler_job, restart) = (attempt.scheduler_job, attempt.restart);
            if let Some(modules) = link.modules(&format!("{scheduler_job}-{restart}")).await? {
                told.loaded.push(Loaded { scheduler_job, restart, modules });
            }
        }
    }
    let Some(record) = &told.record else { return Ok(told) };
    told.is_script_as_recorded = is_script_as_recorded(directory, &told.intent, record, &told.scripts).await?;
    for repository in &record.repositories {
        told.now.push(now(house, repository).await);
    }
    for file in record.files() {
        let path = house.state.path_of(file);
        let is_there = house.files.modified_at(&path).await.is_ok_and(|at| at.is_some());
        told.kept.push(Kept { path, is_there });
    }
    Ok(told)
}

/// Why nothing was written down.
fn missing(intent: &Intent) -> &'static str {
    match intent.origin {
        Some(Origin::Shell) => "it is an interactive allocation, in which a person types",
        Some(Origin::Adopted) => "it was submitted without Pakt, and taken over later",
        _ => "it was not submitted yet, or by a Pakt that wrote nothing of the kind down",
    }
}

/// Whether the script in the directory is the one of the record: of a person's own script the one that was handed over.
async fn is_script_as_recorded(
    directory: &JobDirectory,
    intent: &Intent,
    record: &Provenance,
    scripts: &[LinkScript],
) -> Result<Option<bool>, JobsError> {
    let there = match intent.origin {
        Some(Origin::Script { .. }) => directory.kept_script_text().await?.map(|text| Bytes::of(&text)),
        _ => scripts.first().filter(|script| script.link == LinkNumber::FIRST).map(|script| script.content.clone()),
    };
    Ok(there.zip(record.script.as_ref()).map(|(there, recorded)| there == *recorded))
}

/// How a tree stands now, where this machine can tell.
async fn now(house: &House, repository: &Repository) -> TreeNow {
    let unknown = |why: String| TreeNow::Unknown { why };
    let Some(tree) = &repository.tree else {
        return unknown("it was not seen then".to_owned());
    };
    let place = match repository.machine {
        Machine::Site => &house.files,
        // What lies on a person's own machine is told there alone.
        Machine::Submitter if house.vantage == Vantage::Site => {
            return unknown(format!("it lies on {}", repository.host));
        }
        Machine::Submitter => match house.own_host().await {
            Ok(host) if host == repository.host => &house.own_files,
            _ => return unknown(format!("it lies on {}", repository.host)),
        },
    };
    match git::look(place.as_ref(), &tree.root, |content| {
        State::code_file(&house.principal.user, content.sha256.as_str())
    })
    .await
    {
        Ok(seen) => compared(tree, &seen.tree),
        Err(NotSeen(why)) => unknown(why),
    }
}

fn compared(then: &Tree, now: &Tree) -> TreeNow {
    let difference = |tree: &Tree| match &tree.diff {
        Some(Change::Kept { content, .. }) => Some(content.sha256.clone()),
        _ => None,
    };
    if then.commit != now.commit {
        TreeNow::Moved { commit: now.commit.clone() }
    } else if (then.changed, difference(then), &then.untracked) == (now.changed, difference(now), &now.untracked) {
        match now.diff {
            Some(Change::NotKept { .. }) => {
                TreeNow::Unknown { why: "its difference to the commit was not kept".to_owned() }
            }
            _ => TreeNow::Same,
        }
    } else {
        TreeNow::Changed
    }
}

impl Bytes {
    /// Of bytes in memory.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len().try_into().unwrap_or(u64::MAX), sha256: sha256(bytes) }
    }
}

impl Provenance {
    /// The files that it names, below the folder of the jobs.
    pub fn files(&self) -> Vec<&str> {
        let diffs = self.repositories.iter().filter_map(|repository| Some(repository.kept_change()?.0));
        diffs.chain(self.frozen.iter().map(|frozen| frozen.file.as_str())).collect()
    }
}
