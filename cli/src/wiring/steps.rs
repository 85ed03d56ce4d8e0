//! The test hook of the submit route: `PAKT_TEST_STOP_AFTER=Held` kills this process after that step, as a crash would.

use crate::failure::Failure;
use jobs::{Step, Steps, Unwatched};
use rustix::process::{Signal, getpid, kill_process};
use std::{collections::BTreeMap, sync::Arc};

struct Killer {
    after: Step,
}

impl Steps for Killer {
    fn done(&self, step: Step) {
        if step == self.after {
            let killed = kill_process(getpid(), Signal::KILL);
            assert!(killed.is_err(), "a process that killed itself does not go on");
        }
    }
}

/// Watches the route as the environment says.
pub(super) fn watcher(variables: &BTreeMap<String, String>) -> Result<Arc<dyn Steps>, Failure> {
    let Some(name) = variables.get("PAKT_TEST_STOP_AFTER") else { return Ok(Arc::new(Unwatched)) };
    let known = Step::ALL.iter().find(|step| format!("{step:?}") == *name);
    let after = *known.ok_or_else(|| {
        let names = Step::ALL.map(|step| format!("{step:?}")).join(", ");
        Failure::usage(
            format!("`PAKT_TEST_STOP_AFTER={name}` is no step"),
            format!("the steps are {names}"),
            "unset it",
        )
    })?;
    Ok(Arc::new(Killer { after }))
}
