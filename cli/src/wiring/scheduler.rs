//! The scheduler of a site: Slurm by its commands, or this machine.

use crate::failure::Failure;
use model::Principal;
use reach::Reach;
use scheduler_adapters::{LocalScheduler, Scheduler, SlurmCommands, local::LocalConfiguration};
use sites::{LocalMachine, SchedulerKind, Site};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use templates::Dialect;

use super::clock::SystemClock;

/// A scheduler and how scripts for it are written.
pub(super) struct Chosen {
    pub scheduler: Arc<dyn Scheduler>,
    pub dialect: Dialect,
}

/// Chooses by the site's profile.
pub(super) fn choose(
    site: &Site,
    files: &Arc<dyn Reach>,
    state: &Path,
    machine: LocalMachine,
    principal: &Principal,
    helper: Option<PathBuf>,
) -> Result<Chosen, Failure> {
    match site.scheduler {
        SchedulerKind::Slurm => {
            let columns = state.join(format!("sacct-columns-{}.json", site.name()));
            let slurm = SlurmCommands::new(Arc::clone(files), Arc::new(SystemClock)).keeping_columns_in(columns);
            let slurm = match helper {
                Some(helper) => slurm.with_helper(helper),
                None => slurm,
            };
            Ok(Chosen { scheduler: Arc::new(slurm), dialect: Dialect::Slurm })
        }
        SchedulerKind::Local => {
            let program = std::env::current_exe().map_err(|error| {
                Failure::bug(
                    "jobs cannot run on this machine",
                    format!("pakt does not find itself: {}", reach::io_words(&error)),
                )
            })?;
            let supervisor = vec![program.to_string_lossy().into_owned(), "__local-supervisor".to_owned()];
            let configuration = LocalConfiguration {
                state_directory: state.join("local"),
                supervisor,
                cpus: machine.cpus,
                gpus: machine.gpus,
            };
            let local = LocalScheduler::new(configuration, principal.user.clone(), Arc::new(SystemClock));
            Ok(Chosen { scheduler: Arc::new(local), dialect: Dialect::Local })
        }
    }
}
