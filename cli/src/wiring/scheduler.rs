//! The scheduler of a site: Slurm by its commands, or this machine.

use crate::failure::Failure;
use model::Principal;
use reach::Reach;
use scheduler_adapters::{
    LocalScheduler, Pace, RestConfiguration, Scheduler, Sharing, SlurmCommands, local::LocalConfiguration,
};
use sites::{LocalMachine, SchedulerKind, Site, Sourced};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use templates::Dialect;

use super::{clock::SystemClock, process::random_bits};

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

/// Where this person's answers of this site are shared, and how often the profile lets them be asked for.
fn sharing(site: &Site, state: &Path, principal: &Principal) -> Sharing {
    let least = |named: &Option<Sourced<u32>>, usual: u32| named.as_ref().map_or(usual, |named| named.value.max(1));
    let usual = Pace::default();
    let pace = Pace {
        interval_seconds: least(&site.question_interval_seconds, usual.interval_seconds),
        longest_wait_seconds: least(&site.question_pause_seconds, usual.longest_wait_seconds),
        ..usual
    };
    let folder = state.join(format!("answers-{}-{}", site.name(), principal.user));
    Sharing { folder, user: principal.user.clone(), pace, random: random_bits }
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
            let slurm = slurm.sharing(sharing(site, state, principal));
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
