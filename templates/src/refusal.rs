//! What is refused before there is a script: text that would break out of its line, directories that depend on where a
//! script was submitted.

use crate::{BatchScript, TemplateError};
use model::{Directive, Images, RunLine};

/// Refuses what no template could write down safely.
pub(crate) fn refuse(script: &BatchScript<'_>) -> Result<(), TemplateError> {
    refuse_lines(script)?;
    refuse_nul(script)?;
    refuse_relative(script)?;
    refuse_unbindable(script)
}

/// Refuses line breaks where there is one line; shell text and values of variables may have several.
fn refuse_lines(script: &BatchScript<'_>) -> Result<(), TemplateError> {
    let BatchScript { spec, placement, .. } = *script;
    let environment = &spec.environment;
    let mut lines = vec![
        ("the job directory".to_owned(), script.job_directory),
        ("the maker's name".to_owned(), script.made_by),
        ("the partition's name".to_owned(), placement.profile_partition.as_str()),
        ("`workdir`".to_owned(), spec.workdir.as_str()),
    ];
    lines.extend(script.code.iter().map(|code| ("the archive of its code".to_owned(), code.archive)));
    lines.extend(script.code.iter().map(|code| ("the folder in its code".to_owned(), code.folder)));
    lines.extend(environment.venv.iter().map(|path| ("`environment.venv`".to_owned(), path.as_str())));
    let images = environment.container.iter().flat_map(Images::each);
    lines.extend(images.map(|image| (format!("`{}`", image.field()), image.image)));
    lines.extend(environment.modules.iter().map(|name| ("`environment.modules`".to_owned(), name.as_str())));
    for Directive { option, value } in &placement.directives {
        lines.push(("a scheduler option".to_owned(), option.as_str()));
        lines.extend(value.iter().map(|value| (format!("the scheduler option `{option}`"), value.as_str())));
    }
    match lines.into_iter().find(|(_, text)| text.contains(['\n', '\r', '\0'])) {
        Some((what, _)) => Err(TemplateError::ControlCharacter(what)),
        None => Ok(()),
    }
}

/// Refuses a NUL, which no argument can hold, in words that are quoted.
fn refuse_nul(script: &BatchScript<'_>) -> Result<(), TemplateError> {
    let BatchScript { spec, placement, .. } = *script;
    let run = match &spec.run {
        RunLine::Words(words) => words.as_slice(),
        RunLine::Shell(_) => &[],
    };
    let launcher = &placement.launcher;
    let rendezvous = &placement.rendezvous;
    let words = run.iter().chain(&launcher.srun_options).chain(&launcher.mpi_launcher);
    let container = launcher.container.iter();
    let container =
        container.flat_map(|rules| rules.modules.iter().chain(&rules.options).chain(&rules.binds).chain(&rules.bound));
    let words = words.chain(&launcher.container_launcher).chain(container).chain(&placement.cache_area);
    let mut words = words.chain(&rendezvous.preferred_host).chain([&rendezvous.host_suffix]);
    if words.any(|word| word.contains('\0')) {
        return Err(TemplateError::ControlCharacter("a word of the command line".to_owned()));
    }
    Ok(())
}

/// Refuses directories that would depend on where a script was submitted.
fn refuse_relative(script: &BatchScript<'_>) -> Result<(), TemplateError> {
    let paths = [("the job directory", script.job_directory), ("`workdir`", &script.spec.workdir)];
    match paths.into_iter().find(|(_, path)| !path.starts_with(['/', '~', '$'])) {
        Some((field, path)) => Err(TemplateError::RelativePath { field, path: path.to_owned() }),
        None => Ok(()),
    }
}

/// Refuses directories that a container runtime would read as several, or as one under another name (apptainer(1),
/// `--bind`).
fn refuse_unbindable(script: &BatchScript<'_>) -> Result<(), TemplateError> {
    if script.spec.environment.container.is_none() {
        return Ok(());
    }
    let workdir = script.code.map_or(script.spec.workdir.as_str(), |code| code.folder);
    let paths = [("the job directory", script.job_directory), ("`workdir`", workdir)];
    match paths.into_iter().find(|(_, path)| path.contains([',', ':'])) {
        Some((field, path)) => Err(TemplateError::Unbindable { field, path: path.to_owned() }),
        None => Ok(()),
    }
}
