//! The template engine: every template by name, nothing escaped, nothing silently empty.

use crate::{Preset, TemplateError};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;
use std::sync::OnceLock;

macro_rules! templates {
    ($($name:literal),+ $(,)?) => { [$(($name, include_str!($name))),+] };
}

const TEMPLATES: [(&str, &str); 34] = templates!(
    "scripts/batch.sh.j2",
    "scripts/header.sh.j2",
    "scripts/claim.sh.j2",
    "scripts/chain.sh.j2",
    "scripts/checkpoints.sh.j2",
    "scripts/follow.sh.j2",
    "scripts/failure.sh.j2",
    "scripts/bad_nodes.sh.j2",
    "scripts/code.sh.j2",
    "scripts/guard.sh.j2",
    "scripts/array.sh.j2",
    "scripts/markers.sh.j2",
    "scripts/environment.sh.j2",
    "scripts/rendezvous.sh.j2",
    "scripts/address.sh.j2",
    "scripts/program.sh.j2",
    "scripts/srun_settings.sh.j2",
    "scripts/limit.sh.j2",
    "scripts/processes.sh.j2",
    "scripts/sweep.sh.j2",
    "scripts/run.sh.j2",
    "scripts/serve.sh.j2",
    "scripts/launch/torchrun.sh.j2",
    "scripts/launch/torchrun_node.sh.j2",
    "scripts/launch/srun.sh.j2",
    "scripts/launch/mpi.sh.j2",
    "scripts/launch/command.sh.j2",
    "job_files/project.part.j2",
    "job_files/site.part.j2",
    "job_files/time.part.j2",
    "job_files/environment.part.j2",
    "job_files/environment_off.part.j2",
    "job_files/reports.part.j2",
    "job_files/rest.part.j2",
);

/// All templates, compiled. They are the program's own, so that once a process is enough.
static ENGINE: OnceLock<Environment<'static>> = OnceLock::new();

/// Renders one template. Escaping is the quoting module's work and is done before a value comes here.
pub(crate) fn fill<C: Serialize>(template: &str, context: &C) -> Result<String, TemplateError> {
    let engine = if let Some(engine) = ENGINE.get() {
        engine
    } else {
        let built = built()?;
        ENGINE.get_or_init(|| built)
    };
    Ok(engine.get_template(template)?.render(Serde(context))?)
}

fn built() -> Result<Environment<'static>, TemplateError> {
    let mut engine = Environment::new();
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    engine.set_syntax(syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?);
    for (name, text) in TEMPLATES {
        engine.add_template(name, text)?;
    }
    for preset in Preset::ALL {
        engine.add_template(preset.name, preset.text)?;
    }
    Ok(engine)
}
