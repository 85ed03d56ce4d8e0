//! The batch script and how it is handed over.

use crate::{
    directory::JobDirectory,
    error::{Gravity, JobsError},
    house::House,
    provenance::FrozenCode,
    reached::reached,
};
use model::{JobSpec, Placement, Stamp};
use scheduler_adapters::{LocalResources, ScriptSource, Submission};
use std::path::{Path, PathBuf};
use templates::Dialect;

/// A batch script with all that the scheduler is told beside it.
pub struct Sheet {
    /// The mark.
    pub stamp: Stamp,
    /// The job's name at the scheduler.
    pub job_name: String,
    /// The script's text.
    pub script: String,
    /// Where its log goes.
    pub output: String,
    /// Further options for the command line.
    pub options: Vec<String>,
    /// What it needs where no scheduler reads the script.
    pub local: LocalResources,
}

impl Sheet {
    /// Renders the sheet of a placed job, or of the link that its directory is seen from, with the code that it brings: none
    /// where it brings none, or the sheet is for a question only.
    pub fn of(
        house: &House,
        spec: &JobSpec,
        placement: &Placement,
        directory: &JobDirectory,
        code: Option<&FrozenCode>,
    ) -> Result<Self, JobsError> {
        let archive = code.map(|code| house.state.path_of(&code.file).to_string_lossy().into_owned());
        let code = code.zip(archive.as_deref()).map(|(code, archive)| templates::PackedCode {
            archive,
            sha256: code.content.sha256.as_str(),
            folder: &code.folder,
        });
        let stamp = directory.stamp();
        let job_directory = directory.path().to_string_lossy().into_owned();
        let script = templates::render(&templates::BatchScript {
            is_array: spec.sweep.as_ref().is_some_and(|sweep| sweep.follows.is_none())
                && house.dialect == Dialect::Slurm,
            stamp,
            spec,
            placement,
            job_directory: &job_directory,
            code,
            dialect: house.dialect,
            failure_patterns: &crate::failure::of_scripts(),
            made_by: &house.made_by,
        })
        .map_err(|error| {
            let what = format!("the batch script of job `{}` was not written", spec.name);
            JobsError::new(Gravity::Usage, what, error.to_string(), "change the job file so that it fits this site")
        })?;
        Ok(Self {
            stamp,
            job_name: stamp.job_name(&spec.name),
            script,
            output: spec.output.clone().unwrap_or_else(|| directory.log().to_string_lossy().into_owned()),
            options: placement.extra.clone(),
            local: LocalResources {
                nodes: placement.nodes,
                cpus: placement.share.cpus,
                gpus: placement.share.gpus,
                time_limit: placement.time_limit,
            },
        })
    }

    /// What the scheduler is handed when the script lies at `path`. The job starts where the script lies: the folder that
    /// the person stands in may not be there on the node, and the script goes to the working directory by itself.
    pub fn submission(&self, path: &Path) -> Submission {
        Submission {
            script: ScriptSource::File(path.to_string_lossy().into_owned()),
            job_name: self.job_name.clone(),
            stamp: self.stamp,
            array: None,
            output: Some(self.output.clone()),
            directory: path.parent().map(|folder| folder.to_string_lossy().into_owned()),
            options: self.options.clone(),
            script_arguments: Vec::new(),
            keeps_environment_options: false,
            local_resources: self.local,
        }
    }
}

/// Writes a script for a question only, under a name of its own in a folder of the person's own.
pub(crate) async fn write_sheet(house: &House, sheet: &Sheet) -> Result<PathBuf, JobsError> {
    let what = "the script was not written";
    let directory = house.state.questions(&house.principal.user).await?;
    let path = directory.join(format!("{}.sh", house.new_id()));
    reached(house.files.write_once(&path, sheet.script.as_bytes()).await, what)?;
    Ok(path)
}
