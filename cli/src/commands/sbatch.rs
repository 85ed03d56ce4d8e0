//! `pakt sbatch SCRIPT`

use super::{Context, submit::shown};
use crate::{failure::Failure, output::Answer, wiring};
use jobs::{
    House, Vantage,
    script::{LineWord, ScriptSubmission, line_word, submit_script},
};
use model::ProjectName;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Arguments of `sbatch`.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "pakt sbatch [OPTIONS] [OPTIONS OF SBATCH] <SCRIPT> [WORDS]...",
    after_help = "All other options in front of the script are sbatch's, as on its own command line; `-q` is its \
                        `--qos` here. One that a plugin of the site has brought is written as `--name=value`."
)]
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
    /// Send the script itself: without the few lines in front that let one scheduler job run it, whatever happens
    #[arg(long)]
    pub as_is: bool,
    /// One word for sbatch as it is; its options may also stand in front of the script by themselves
    #[arg(long = "option", value_name = "OPTION", allow_hyphen_values = true)]
    pub options: Vec<String>,
    /// The batch script; where the site is reached through ssh, its path there
    pub script: PathBuf,
    /// Words for the script
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

/// Words of Pakt's own that stand alone, and those that have a value. All others in front of the script are sbatch's, `-q`
/// too, which is short for its `--qos`.
const OWN: [&str; 6] = ["--again", "--as-is", "--json", "--quiet", "--help", "-h"];
const OWN_WITH_VALUE: [&str; 4] = ["--project", "--anyway", "--option", "--site"];

/// The words of the command line, where they are those of `pakt sbatch`, with each option of sbatch as an `--option`, and
/// `--` in front of the script: what a person types is a line as sbatch takes it.
pub(crate) fn as_options(words: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let Some(begin) = begin(&words) else { return Ok(words) };
    let (before, line) = words.split_at(begin);
    let mut written = before.to_vec();
    let mut at = 0;
    // A word that is no text can only be the script.
    while let Some(word) = line.get(at).and_then(|word| word.to_str()) {
        let name = word.split('=').next().unwrap_or(word);
        if OWN.contains(&word) || (OWN_WITH_VALUE.contains(&name) && name != word) {
            written.push(word.into());
            at += 1;
        } else if OWN_WITH_VALUE.contains(&word) {
            written.extend(line.iter().skip(at).take(2).cloned());
            at += 2;
        } else {
            let behind = line.get(at + 1).and_then(|word| word.to_str());
            match line_word(word, behind).map_err(not_understood)? {
                LineWord::Script => break,
                LineWord::Option { words, takes_next } => {
                    written.extend(words.iter().map(|word| format!("--option={word}").into()));
                    at += 1 + usize::from(takes_next);
                }
            }
        }
    }
    let script = &line[at.min(line.len())..];
    if let Some(first) = script.first() {
        written.push("--".into());
        written.extend(script.iter().skip(usize::from(first == "--")).cloned());
    }
    Ok(written)
}

/// Where the words behind `sbatch` begin, if that is the command.
fn begin(words: &[OsString]) -> Option<usize> {
    let mut at = 1;
    loop {
        match words.get(at)?.to_str()? {
            "sbatch" => return Some(at + 1),
            "--site" => at += 2,
            word if word.starts_with('-') => at += 1,
            _ => return None,
        }
    }
}

fn not_understood(why: String) -> Failure {
    let next = "options of sbatch stand in front of the script, as on its own command line; `pakt sbatch --help`";
    Failure::usage("the script was not submitted", why, next)
}

/// Submits the script.
pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Answer, Failure> {
    let what = "the script was not submitted";
    let project = project(arguments.project, context, what)?;
    let house = context.house_to_submit(None).await?;
    let directory = directory(&house, what).await?;
    let wish = ScriptSubmission {
        script: whole(&directory, &arguments.script),
        options: arguments.options,
        arguments: arguments.words,
        as_is: arguments.as_is,
        directory,
        project,
        again: arguments.again,
        anyway: arguments.anyway,
    };
    Ok(shown(&submit_script(&house, wish).await?))
}

/// Where the person stands; at a site behind ssh they stand in their home there, where a session begins.
async fn directory(house: &House, what: &str) -> Result<PathBuf, Failure> {
    if house.vantage == Vantage::Site {
        let here = |error| Failure::usage(what, wiring::io_words(&error), "go to a directory that exists");
        return std::env::current_dir().map_err(here);
    }
    let variables = jobs::reached(house.variables.all().await, what)?;
    let home = variables.get("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    home.ok_or_else(|| Failure::usage(what, format!("a login shell at {} sets no HOME", house.here), "ask the site"))
}

/// A path from a directory, without the dots that a person types.
fn whole(directory: &Path, path: &Path) -> PathBuf {
    directory.join(path).components().collect()
}

/// The project that is named, or the configured one.
pub(super) fn project(named: Option<ProjectName>, context: &Context, what: &str) -> Result<ProjectName, Failure> {
    named.or_else(|| context.configuration.file.project.clone()).ok_or_else(|| {
        Failure::usage(what, "no project is named", "add `--project NAME`, or `project: NAME` to the configuration")
    })
}
