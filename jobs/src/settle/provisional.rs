//! Holds that could not be entered when their job was submitted, because the ledger did not answer.

use crate::{
    directory::{IndexedJob, State},
    error::JobsError,
};
use ledger::{Command, HoldId, NewHold};

/// The holds still to be entered for jobs that are not over. Entered twice they are one hold.
pub(super) async fn provisional(state: &State, jobs: &[IndexedJob]) -> Result<Vec<Command>, JobsError> {
    let mut commands = Vec::new();
    for job in jobs.iter().filter(|job| job.ended.is_none()) {
        let intent = &job.intent;
        let Some((unit, ceiling)) = &intent.hold else { continue };
        if state.job(intent.id).unheld().await?.is_none_or(|unheld| !unheld.is_provisional) {
            continue;
        }
        commands.push(Command::Hold(NewHold {
            id: HoldId(intent.id),
            project: intent.project.clone(),
            unit: unit.clone(),
            ceiling: *ceiling,
            anyway: intent.anyway.clone(),
            note: intent.name.to_string(),
            is_provisional: true,
        }));
    }
    Ok(commands)
}
