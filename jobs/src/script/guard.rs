//! What is sent in the place of a person's script: a few lines that claim its link and then start the kept script. A second
//! scheduler job with the stamp, however it came about and whoever lets it go, ends there without work.

use super::route::ScriptSubmission;
use crate::{
    directory::{Intent, JobDirectory},
    error::{Gravity, JobsError},
    house::House,
};
use std::path::PathBuf;
use templates::{GuardedScript, Unguarded, guard};

/// Writes what is sent into the job directory, and says where it lies; with it, where that is the script itself though
/// nobody asked for that, the reason. What an earlier process wrote there is what it sent.
pub(super) async fn script_to_send(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    wish: &ScriptSubmission,
    text: &[u8],
) -> Result<(PathBuf, Option<String>), JobsError> {
    if wish.as_is {
        return Ok((wish.script.clone(), None));
    }
    let (kept, job_directory) = (directory.kept_script(), directory.path().to_string_lossy());
    let guarded = guard(&GuardedScript {
        stamp: intent.stamp(),
        script: text,
        kept: &kept.to_string_lossy(),
        job_directory: &job_directory,
        made_by: &house.made_by,
    })
    .map_err(|error| {
        let what = format!("job `{}` was not submitted", intent.name);
        JobsError::new(Gravity::Bug, what, error.to_string(), "please report it")
    })?;
    match guarded {
        Ok(guarded) => {
            if directory.submitted().await?.is_none() {
                directory.put_kept_script(text).await?;
                directory.put_script(&guarded).await?;
            }
            Ok((directory.script(), None))
        }
        Err(Unguarded::Refused) => Ok((wish.script.clone(), None)),
        Err(unguarded) => Ok((wish.script.clone(), Some(without_claim(unguarded)))),
    }
}

fn without_claim(unguarded: Unguarded) -> String {
    let why = unguarded.why();
    format!(
        "the script was sent without a claim in front of it, because {why}; only this one scheduler job was released"
    )
}
