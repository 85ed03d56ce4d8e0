//! Puts the record of a job together when it is submitted. What cannot be seen is said in it and stops nothing; only a job that is
//! to bring its code, and cannot, is refused, and that before anything is changed.

use super::{
    record::{Bytes, FrozenCode, Machine, NotSeen, Profile, Provenance, Repository, RepositoryRole},
    view::{CodeView, archive_name},
};
use crate::{
    directory::{Intent, JobDirectory},
    error::JobsError,
    house::{House, Step, Vantage},
    sight::on_disk,
};
use model::{Finding, JobSpec};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What a job is made of, as it was named.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    /// Where it starts, as a node reads it.
    workdir: String,
    /// The folder of its file or script, on this machine.
    file_folder: PathBuf,
    code: model::Code,
    modules: Vec<String>,
    /// Folders that its variables put into its reach, as a node reads them.
    reached: Vec<String>,
}

/// Where Python looks for modules, one folder behind another.
const PYTHON_PATH: &str = "PYTHONPATH";
/// What a container is shown beside the rest: `SOURCE[:TARGET[:OPTIONS]]`, with commas between them.
const BINDS: [&str; 2] = ["APPTAINER_BIND", "SINGULARITY_BIND"];

/// The folders that variables of a job put into the reach of its program: code is often there, and not where it starts.
fn reached_by(variables: &BTreeMap<String, String>) -> Vec<String> {
    let value = |name: &str| variables.get(name).map(String::as_str).unwrap_or_default();
    let imported = value(PYTHON_PATH).split(':');
    let bound = BINDS.into_iter().flat_map(|name| value(name).split(',')).filter_map(|bind| bind.split(':').next());
    imported.chain(bound).map(str::trim).filter(|folder| !folder.is_empty()).map(str::to_owned).collect()
}

impl Sources {
    /// Of a job file in that folder.
    pub(crate) fn of_job(spec: &JobSpec, file_folder: &Path) -> Self {
        let environment = &spec.environment;
        Self {
            workdir: spec.workdir.clone(),
            file_folder: file_folder.to_owned(),
            code: spec.code.clone(),
            modules: environment.modules.clone(),
            reached: reached_by(&environment.variables),
        }
    }

    /// Of a person's own script, which starts where the person stands.
    pub(crate) fn of_script(script: &Path, stands: &Path) -> Self {
        Self {
            // To a node two dollars are one.
            workdir: stands.to_string_lossy().replace('$', "$$"),
            file_folder: script.parent().unwrap_or(Path::new("/")).to_owned(),
            code: model::Code::default(),
            modules: Vec::new(),
            reached: Vec::new(),
        }
    }

    /// The code that the job brings, packed; none where it brings none. Nothing is written.
    pub(crate) async fn freeze(&self, house: &House, view: &CodeView) -> Result<Option<FrozenCode>, Finding> {
        if !self.code.is_frozen {
            return Ok(None);
        }
        let Some(folder) = on_disk(home(house, Machine::Submitter).await.as_deref(), &self.workdir) else {
            let what =
                format!("the code of `{}` cannot be packed: only a node knows which folder that is", self.workdir);
            return Err(Finding::error("workdir", what, "write the path in full, or from the job file on"));
        };
        let packed = view.packed(house, &folder).await;
        let (_, frozen) = packed.map_err(|why| {
            let what = format!("the code of `{}` cannot be packed: {why}", folder.display());
            let next = "leave files out by a line in `.gitignore`, or take `code: frozen` out: the job then runs what lies there when it starts";
            Finding::error("code", what, next)
        })?;
        Ok(Some(frozen))
    }
}

/// The record of a job, written once; what stands there where it was. `script` is the text of its script with that code.
pub(crate) async fn recorded(
    house: &House,
    (view, sources): (&CodeView, &Sources),
    (directory, intent): (&JobDirectory, &Intent),
    script: impl Fn(Option<&FrozenCode>) -> Result<Option<String>, JobsError>,
) -> Result<Provenance, JobsError> {
    if let Some(known) = directory.provenance().await? {
        return Ok(known);
    }
    let record = captured(house, view, sources, intent).await?;
    let script = script(record.frozen.as_ref())?;
    let record = directory.put_provenance(&record.with_script(script.as_deref())).await?;
    house.steps.done(Step::Recorded);
    Ok(record)
}

/// What the job is made of now. Code and differences are kept; the record itself is not written yet.
pub(crate) async fn captured(
    house: &House,
    view: &CodeView,
    sources: &Sources,
    intent: &Intent,
) -> Result<Provenance, JobsError> {
    let frozen = match sources.freeze(house, view).await {
        Ok(frozen) => frozen,
        // It could be packed a moment ago.
        Err(finding) => return Err(JobsError::usage(not_submitted(intent), finding.what, finding.next)),
    };
    let repositories = repositories(house, view, sources).await?;
    if let Some(folder) =
        frozen.as_ref().and(on_disk(home(house, Machine::Submitter).await.as_deref(), &sources.workdir))
    {
        let packed = view.packed(house, &folder).await;
        let (packed, _) =
            packed.map_err(|why| JobsError::usage(not_submitted(intent), why, "run the command again"))?;
        view.keep(house, archive_name(&packed), &packed.archive).await?;
    }
    let container = match intent.image() {
        Some(named) => {
            let path = on_disk(home(house, Machine::Site).await.as_deref(), named);
            Some(view.image(house, named, path).await?)
        }
        None => None,
    };
    let profile = house
        .catalogue
        .entry(&intent.site)
        .map(|entry| Profile { file: entry.file.clone(), text: Bytes::of(entry.text.as_bytes()) });
    Ok(Provenance {
        version: 1,
        at: house.clock.now(),
        made_by: house.made_by.clone(),
        scheduler: view.release(house).await,
        profile,
        request: intent.digest.clone(),
        script: None,
        repositories,
        frozen,
        container,
        modules: sources.modules.clone(),
    })
}

fn not_submitted(intent: &Intent) -> String {
    format!("job `{}` was not submitted", intent.name)
}

impl Provenance {
    /// The same with the digest of its script.
    pub(crate) fn with_script(self, text: Option<&str>) -> Self {
        Self { script: text.map(|text| Bytes::of(text.as_bytes())), ..self }
    }
}

/// The home of the person on one of the machines. What of this one stands in a path of a job for another site is not known: there
/// `~` means the home at the site.
async fn home(house: &House, machine: Machine) -> Option<String> {
    if machine.of(house) == Machine::Submitter && house.vantage != Vantage::Site {
        return None;
    }
    let variables = house.variables.all().await.ok()?;
    variables.get("HOME").filter(|home| home.starts_with('/')).cloned()
}

/// The repositories of the working directory, of the file, those that the job file names and those that its variables reach, each once.
async fn repositories(house: &House, view: &CodeView, sources: &Sources) -> Result<Vec<Repository>, JobsError> {
    let home = home(house, Machine::Site).await;
    let workdir_machine = if sources.code.is_frozen { Machine::Submitter } else { Machine::Site };
    let at_site = |text: &str| on_disk(home.as_deref(), text);
    let mut named = vec![
        (RepositoryRole::Workdir, workdir_machine, at_site(&sources.workdir), sources.workdir.clone()),
        (
            RepositoryRole::JobFile,
            Machine::Submitter,
            Some(sources.file_folder.clone()),
            sources.file_folder.display().to_string(),
        ),
    ];
    for text in &sources.code.repositories {
        named.push((RepositoryRole::Named, Machine::Site, at_site(text), text.clone()));
    }
    for text in &sources.reached {
        named.push((RepositoryRole::Variable, Machine::Site, at_site(text), text.clone()));
    }
    let mut found: Vec<(Machine, Repository)> = Vec::new();
    for (role, machine, path, folder) in named {
        let machine = machine.of(house);
        let seen = match &path {
            Some(path) => view.tree(house, machine, path).await,
            None => Err(NotSeen("only the node knows which folder that is".to_owned())),
        };
        let (tree, not_seen) = match seen {
            Ok(seen) => {
                if let (Some(diff), Some(name)) = (&seen.diff, seen.diff_name()) {
                    view.keep(house, name, diff).await?;
                }
                (Some(seen.tree.clone()), None)
            }
            // Most of what a variable names is no repository.
            Err(_) if role == RepositoryRole::Variable => continue,
            Err(why) => (None, Some(why)),
        };
        let folder = path.map_or(folder, |path| path.display().to_string());
        let is_same = |(other, repository): &(Machine, Repository)| {
            let is_same_tree = tree.is_some() && repository.tree == tree;
            *other == machine && (is_same_tree || repository.folder == folder)
        };
        if let Some((_, known)) = found.iter_mut().find(|other| is_same(other)) {
            known.roles.push(role);
            continue;
        }
        let host = match machine {
            Machine::Submitter => house.own_host().await?,
            Machine::Site => house.command_host().await?,
        };
        found.push((machine, Repository { roles: vec![role], folder, machine, host, tree, not_seen }));
    }
    Ok(found.into_iter().map(|(_, repository)| repository).collect())
}

#[cfg(test)]
mod tests {
    use super::reached_by;

    #[test]
    fn folders_are_those_that_python_and_a_container_are_shown() {
        let variables = [
            ("PYTHONPATH", "~/src/a::/b/src"),
            ("APPTAINER_BIND", "/data:/data:ro, /c ,"),
            ("SINGULARITY_BIND", "$WORK/d:/d"),
            ("PATH", "/bin"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(reached_by(&variables), ["~/src/a", "/b/src", "/data", "/c", "$WORK/d"]);
        assert!(reached_by(&std::collections::BTreeMap::new()).is_empty());
    }
}
