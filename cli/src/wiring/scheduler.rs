//! The scheduler of a site: Slurm by its commands, or this machine.

use crate::failure::Failure;
use model::Principal;
use reach::Reach;
use scheduler_adapters::{LocalScheduler, RestConfiguration, Scheduler, SlurmCommands, local::LocalConfiguration};
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

/// The ways to Slurm beside its commands.
pub(super) struct Ways {
    pub helper: Option<PathBuf>,
    pub rest: Option<RestConfiguration>,
}

/// Chooses by the site's profile.
pub(super) fn choose(
    site: &Site,
    files: &Arc<dyn Reach>,
    state: &Path,
    machine: LocalMachine,
    principal: &Principal,
    ways: Ways,
) -> Result<Chosen, Failure> {
    match site.scheduler {
        SchedulerKind::Slurm => {
            let columns = state.join(format!("sacct-columns-{}.json", site.name()));
            let slurm = SlurmCommands::new(Arc::clone(files), Arc::new(SystemClock)).keeping_columns_in(columns);
            let slurm = match ways.helper {
                Some(helper) => slurm.with_helper(helper),
                None => slurm,
            };
            let slurm = match ways.rest {
                Some(rest) => slurm.with_rest(rest),
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
