//! What the program of an evaluation is told of its model server.

use crate::{BatchScript, TemplateError, container::ContainerWords, launch, quote};
use model::Serve;
use serde::Serialize;

/// The values of `scripts/serve.sh.j2`.
#[derive(Debug, Serialize)]
pub(crate) struct ServeWords {
    /// The person's own part, as shell text.
    run: String,
    /// What stands in front, where the program starts itself again inside a container.
    inside: String,
    /// The path that tells whether it is ready, quoted.
    health: String,
    /// How long that may take, in seconds.
    ready_within: u64,
    /// How many GPUs a start has, where those of the node are not parted by a variable.
    gpus: u32,
}

impl ServeWords {
    /// Of a job whose evaluation has a server.
    pub(crate) fn of(
        script: &BatchScript<'_>,
        container: Option<&ContainerWords>,
    ) -> Result<Option<Self>, TemplateError> {
        let evaluation = script.spec.sweep.as_ref().and_then(|sweep| sweep.evaluation.as_ref());
        let Some(Serve { run, health, ready_within }) = evaluation.and_then(|evaluation| evaluation.serve.as_ref())
        else {
            return Ok(None);
        };
        let run = launch::shell_text(run)?;
        let (health, ready_within) = (quote::word(health), ready_within.seconds());
        let inside = launch::starts_itself_inside(container);
        Ok(Some(Self { run, inside, health, ready_within, gpus: script.placement.share.gpus }))
    }
}
