//! Finds a job by what a person types: our id or the start of it, the scheduler's id, or the name of the newest such job
//! that was sent.

use crate::{
    directory::{IndexedJob, JobIndex},
    error::JobsError,
    house::House,
    whose_number::of_job,
};
use model::{JobId, SchedulerJobId};
use std::collections::{BTreeMap, btree_map::Entry};

/// The jobs that each of `texts` names, to be ended, each once: where several jobs that are not over have this name, the person
/// says which. One that the scheduler knows to be over counts as over, whether that was noted or not.
pub(crate) async fn find_to_end(house: &House, texts: &[String]) -> Result<Vec<IndexedJob>, JobsError> {
    let mut files = Files::of(house).await?;
    let mut named: Vec<IndexedJob> = Vec::new();
    for text in texts {
        let job = one_to_end(house, &mut files, text).await?;
        if !named.iter().any(|other| other.intent.id == job.intent.id) {
            named.push(job);
        }
    }
    files.index.keep().await;
    Ok(named)
}

async fn one_to_end(house: &House, files: &mut Files, text: &str) -> Result<IndexedJob, JobsError> {
    let named = files.found(text).await?.ok_or_else(|| none_of(house, text))?;
    if named.intent.name.as_str() != text {
        return Ok(named);
    }
    let mut open = files.open_of_name(text).await?;
    let mut unasked = String::new();
    if open.len() > 1 {
        let ids: Vec<SchedulerJobId> = open.iter().filter_map(|job| job.scheduler_job).collect();
        let since = open.iter().map(IndexedJob::submitted_since).min().unwrap_or(named.intent.made_at);
        match house.scheduler.states(&ids, since).await {
            Ok(states) => open.retain(|job| {
                let seen = job.scheduler_job.and_then(|id| states.get(&id));
                let seen = of_job(seen, job.intent.id, &job.intent.principal.user);
                // The end of a link is not that of its chain.
                job.has_links || !seen.is_some_and(|seen| seen.state.is_final())
            }),
            Err(error) => unasked = format!("; whether some are over by now was not told: {error}"),
        }
    }
    match open.as_slice() {
        [] => Ok(named),
        [one] => Ok(one.clone()),
        several => {
            let ids: Vec<String> = several.iter().map(|job| job.intent.id.to_string()).collect();
            let why = format!("{} jobs of this name are not over: {}{unasked}", ids.len(), ids.join(", "));
            Err(JobsError::usage(format!("`{text}` is no single job, and none was ended"), why, "name it by its id"))
        }
    }
}

/// The job that `text` names.
pub(crate) async fn find(house: &House, text: &str) -> Result<IndexedJob, JobsError> {
    let mut files = Files::of(house).await?;
    let found = files.found(text).await?;
    files.index.keep().await;
    found.ok_or_else(|| none_of(house, text))
}

fn none_of(house: &House, text: &str) -> JobsError {
    let why = format!("no job under `{}` has this id, scheduler id or name", house.state.root().display());
    JobsError::usage(format!("there is no job `{text}`"), why, "`pakt jobs` lists them")
}

/// The records of a house, each read once however many names are looked for.
struct Files {
    index: JobIndex,
    ids: Vec<JobId>,
    /// Those that were read; none where there is only an id that was claimed.
    read: BTreeMap<JobId, Option<IndexedJob>>,
}

impl Files {
    async fn of(house: &House) -> Result<Self, JobsError> {
        let index = JobIndex::of(&house.state).await?;
        Ok(Self { ids: index.ids(), index, read: BTreeMap::new() })
    }

    async fn job(&mut self, id: JobId) -> Result<Option<&IndexedJob>, JobsError> {
        let job = match self.read.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(self.index.job(id).await?),
        };
        Ok(job.as_ref())
    }

    /// The jobs of a name that are not known to be over.
    async fn open_of_name(&mut self, name: &str) -> Result<Vec<IndexedJob>, JobsError> {
        let mut open = Vec::new();
        for id in self.ids.clone() {
            if !self.index.is_over(id) {
                let job = self.job(id).await?;
                open.extend(job.filter(|job| job.intent.name.as_str() == name && job.ended.is_none()).cloned());
            }
        }
        Ok(open)
    }

    async fn found(&mut self, text: &str) -> Result<Option<IndexedJob>, JobsError> {
        let lower = text.to_ascii_lowercase();
        let by_id: Vec<JobId> = self.ids.iter().filter(|id| id.to_string().starts_with(&lower)).copied().collect();
        match by_id.as_slice() {
            [one] if lower.len() >= 4 => {
                if let Some(job) = self.job(*one).await? {
                    return Ok(Some(job.clone()));
                }
            }
            _ => {}
        }
        if let Ok(wanted) = text.parse::<SchedulerJobId>()
            && let Some(job) = self.newest(text, &|job| job.is_called(wanted)).await?
        {
            return Ok(Some(job));
        }
        // One that was refused is not what a name means while another job has it.
        let was_sent = |job: &IndexedJob| job.scheduler_job.is_some() || job.ended.is_none();
        let mut by_name = self.newest(text, &|job| job.intent.name.as_str() == text && was_sent(job)).await?;
        if by_name.is_none() {
            by_name = self.newest(text, &|job| job.intent.name.as_str() == text).await?;
        }
        if by_name.is_none() && by_id.len() > 1 && lower.len() >= 4 {
            let why = format!("the ids of {} jobs begin so", by_id.len());
            return Err(JobsError::usage(format!("`{text}` is no single job"), why, "type more of it"));
        }
        Ok(by_name)
    }

    /// The newest job that is the one; only those whose record may hold the text are read. Ids tell the second in which a job
    /// was made: of one second the later submission of a request is the newer one, and the later job of the scheduler's.
    async fn newest(
        &mut self,
        text: &str,
        is_it: &(dyn Fn(&IndexedJob) -> bool + Send + Sync),
    ) -> Result<Option<IndexedJob>, JobsError> {
        let mut newest: Option<IndexedJob> = None;
        for id in self.ids.clone().into_iter().rev() {
            if newest.as_ref().is_some_and(|newest| newest.intent.id.made_at() > id.made_at()) {
                break;
            }
            if self.index.may_hold(id, text)
                && let Some(job) = self.job(id).await?.filter(|job| is_it(job))
            {
                let both = newest.into_iter().chain([job.clone()]);
                newest = both.max_by_key(|job| (job.intent.generation, job.scheduler_job));
            }
        }
        Ok(newest)
    }
}
