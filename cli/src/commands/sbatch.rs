//! `pakt sbatch SCRIPT`

use super::{Context, submit::shown};
use crate::{failure::Failure, output::Answer, wiring};
use jobs::script::{ScriptSubmission, submit_script};
use model::ProjectName;
use std::path::PathBuf;

/// Arguments of `sbatch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Who spends; without it the configuration's `project`
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<ProjectName>,
    /// Make a new job even while an earlier one of this script is not over
    #[arg(long)]
    pub again: bool,
    /// Go on where the ledger refuses; the reason is recorded
    #[arg(long, value_name = "REASON", value_parser = super::view::reason)]
    pub anyway: Option<String>,
    /// An option for sbatch in one piece, such as `--option=--time=01:00:00`; may be given several times
    #[arg(long = "option", value_name = "OPTION", allow_hyphen_values = true)]
    pub options: Vec<String>,
    /// The batch script
    pub script: PathBuf,
    /// Words for the script
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

/// Submits the script.
pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Answer, Failure> {
    let what = "the script was not submitted";
    let project = project(arguments.project, context, what)?;
    let here = |error: std::io::Error| Failure::usage(what, wiring::io_words(&error), "go to a directory that exists");
    let wish = ScriptSubmission {
        script: std::path::absolute(&arguments.script).map_err(here)?,
        options: arguments.options,
        arguments: arguments.words,
        directory: std::env::current_dir().map_err(here)?,
        project,
        again: arguments.again,
        anyway: arguments.anyway,
    };
    Ok(shown(&submit_script(&context.house()?, wish).await?))
}

/// The project that is named, or the configured one.
pub(super) fn project(named: Option<ProjectName>, context: &Context, what: &str) -> Result<ProjectName, Failure> {
    named.or_else(|| context.configuration.file.project.clone()).ok_or_else(|| {
        Failure::usage(what, "no project is named", "add `--project NAME`, or `project: NAME` to the configuration")
    })
}
