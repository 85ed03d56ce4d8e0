//! This host as a scheduler.

use crate::suite::{Size, Stage, SystemClock};
use model::WallTime;
use scheduler_adapters::{LocalScheduler, local::LocalConfiguration};
use std::{path::PathBuf, sync::Arc};

/// The example that supervises jobs; cargo builds it beside the tests.
pub(crate) fn supervisor() -> String {
    let own = std::env::current_exe().expect("a path");
    let built = own.parent().and_then(std::path::Path::parent).expect("target/<profile>/deps");
    let path = built.join("examples/local-supervisor");
    assert!(path.exists(), "{} is not built: run all of this crate's tests at once", path.display());
    path.to_str().expect("a path of text").to_owned()
}

/// A scheduler in a folder, with eight CPU and four GPU slots.
pub(crate) fn scheduler(folder: PathBuf) -> LocalScheduler {
    let configuration =
        LocalConfiguration { state_directory: folder, supervisor: vec![supervisor()], cpus: 8, gpus: 4 };
    LocalScheduler::new(configuration, "alice".parse().expect("a user"), Arc::new(SystemClock))
}

pub(crate) fn stage() -> Stage {
    let folder = tempfile::tempdir().expect("a folder");
    let jobs = folder.path().join("jobs");
    std::fs::create_dir(&jobs).expect("ours");
    Stage {
        hands: Box::new(|deed, id| panic!("{deed:?} of job {id}: the local scheduler does no such thing")),
        reserve: Box::new(|name| panic!("{name}: the local scheduler has no reservations")),
        scheduler: Arc::new(scheduler(folder.path().join("state"))),
        site: "local".parse().expect("a site"),
        user: "alice".parse().expect("a user"),
        folder: jobs,
        directives: |_| Vec::new(),
        resources: |size| match size {
            Size::Small => (1, 1),
            Size::Everything => (8, 4),
            Size::Impossible => (1, 64),
        },
        shortest_limit: WallTime::from_seconds(2),
        kept: vec![Box::new(folder)],
    }
}
