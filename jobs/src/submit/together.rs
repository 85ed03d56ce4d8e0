//! Many jobs begun: step by step for some of them at once, so that the disk is visited once a step and not once a file. What
//! lies there after each step is what a job that is begun alone leaves, and goes on the same way.

use super::{
    begun::{Begun, begin, make_log_folder},
    ready::Ready,
    request::opened,
    set::Place,
};
use crate::{
    directory::{Claim, Intent, SetTask, Written},
    error::JobsError,
    house::{House, Step},
};
use model::JobId;

/// So many jobs are begun together. More would be fewer visits, and a slow disk syncs the files of one visit one by one.
pub(super) const JOBS_TOGETHER: usize = 8;

/// Begins each with the submission of its request that the set names; one without is left out.
pub(super) async fn begin_together(house: &House, jobs: Vec<(Ready, Place)>) -> Result<Vec<Option<Begun>>, JobsError> {
    let mut claims = claimed(house, &jobs).await?.into_iter();
    let mut begun: Vec<Option<Begun>> = jobs.iter().map(|_| None).collect();
    let mut fresh = Vec::new();
    let tasks: Vec<_> = jobs.iter().map(|(_, place)| place.task).collect();
    for (place, (ready, Place { generation, .. })) in jobs.into_iter().enumerate() {
        let (Some(generation), Some((id, written))) = (generation, generation.and_then(|_| claims.next())) else {
            continue;
        };
        match written {
            Written::New => fresh.push((place, Intent { id, generation, ..ready.intent.clone() }, ready)),
            // Somebody else's, or of an earlier call: however far that has come.
            Written::Existing(id) => {
                begun[place] = Some(begin(house, opened(house, id, generation).await?, ready).await?);
            }
        }
    }
    for (place, job) in fresh_begun(house, fresh).await? {
        begun[place] = Some(job);
    }
    Ok(begun.into_iter().zip(tasks).map(|(begun, task)| Some(begun?.with_task(task))).collect())
}

async fn claimed(house: &House, jobs: &[(Ready, Place)]) -> Result<Vec<(JobId, Written<JobId>)>, JobsError> {
    let claim = |(ready, Place { generation, task }): &'_ (Ready, Place)| {
        let id = || task.map_or_else(|| house.new_id(), SetTask::job);
        generation.map(|generation| (ready.digest.clone(), generation, id()))
    };
    let wanted: Vec<(String, u32, JobId)> = jobs.iter().filter_map(claim).collect();
    let claims: Vec<Claim<'_>> =
        wanted.iter().map(|(digest, generation, id)| Claim { digest, generation: *generation, id: *id }).collect();
    let written = house.state.claim(&claims).await?;
    done(house, Step::Claimed, wanted.len());
    Ok(wanted.into_iter().map(|(_, _, id)| id).zip(written).collect())
}

/// Jobs whose ids were made just now: nothing lies in their directories but what is put there, unless another process that
/// saw the id was faster.
async fn fresh_begun(house: &House, fresh: Vec<(usize, Intent, Ready)>) -> Result<Vec<(usize, Begun)>, JobsError> {
    let intents: Vec<Intent> = fresh.iter().map(|(_, intent, _)| intent.clone()).collect();
    let written = house.state.put_intents(&intents).await?;
    done(house, Step::Intended, intents.len());
    let (mut begun, mut scripts) = (Vec::with_capacity(fresh.len()), Vec::new());
    for ((place, ours, ready), written) in fresh.into_iter().zip(written) {
        let directory = house.state.job(ours.id);
        let (intent, was_sent) = match written {
            Written::New => (ours, false),
            Written::Existing(intent) => (intent, directory.submitted().await?.is_some()),
        };
        let (script, handed) = (ready.sheet)(&intent)?;
        if let Some(script) = script.filter(|_| !was_sent) {
            make_log_folder(house, &directory, &handed).await?;
            scripts.push((intent.id, script));
        }
        begun.push((
            place,
            Begun { directory, intent, is_taken_up: false, was_sent, task: None, handed, told: ready.told },
        ));
    }
    let count = scripts.len();
    house.state.put_scripts(scripts).await?;
    done(house, Step::Scripted, count);
    Ok(begun)
}

fn done(house: &House, step: Step, jobs: usize) {
    for _ in 0..jobs {
        house.steps.done(step);
    }
}
