//! Where jobs are kept. The place must not move: a job directory that a second call does not see is a job submitted twice.

use super::{Configuration, read_text, user_home};
use crate::{
    failure::Failure,
    wiring::{io_words, random_bits},
};
use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// What a place depends on beside the configuration.
pub(crate) struct Home<'a> {
    /// The site this machine belongs to.
    pub site: &'a str,
    /// Where the site's profile wants job directories: `$PROJECT`.
    pub area: Option<&'a str>,
    /// Who asks, by the system's user database.
    pub user: &'a str,
}

/// A place, and what is to be said about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StatePlace {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// Why it is not where the site's variable points now.
    pub note: Option<String>,
    /// The file that is to name it from now on, where it is the first answer.
    record: Option<PathBuf>,
}

impl Configuration {
    /// The folder of the jobs: as configured, in `PAKT_HOME`, in the site's area, or in the user's state folder.
    ///
    /// An area is named by a variable that differs from shell to shell: `$PROJECT` is another one for another active
    /// project, and none in cron, and so is `$XDG_STATE_HOME`. A profile may learn of an area later. So the first answer is
    /// recorded in the configuration folder and counts from then on.
    pub(crate) fn state_place(&self, home: &Home<'_>) -> Result<StatePlace, Failure> {
        let record = self.state_record(home);
        let text = if self.is_state_named() { None } else { read_text(&record)? };
        self.state_place_as_recorded(home, text)
    }

    /// Whether the folder of the jobs follows from what is named, so that no record counts.
    pub(crate) fn is_state_named(&self) -> bool {
        self.file.state.is_some() || self.home.is_some()
    }

    /// The folder of what is no job's, on a machine that is of no site.
    pub(crate) fn own_folder(&self) -> Result<PathBuf, Failure> {
        match (&self.file.state, &self.home) {
            (Some(state), _) => self.expanded(&state.to_string_lossy(), "state"),
            (None, Some(home)) => Ok(home.join("state")),
            (None, None) => self.own_state_folder(),
        }
    }

    /// The file that keeps the first answer.
    pub(crate) fn state_record(&self, home: &Home<'_>) -> PathBuf {
        self.folder.join(format!("state-{}", home.site))
    }

    /// As [`Self::state_place`], with what the record says; none where there is none.
    pub(crate) fn state_place_as_recorded(
        &self,
        home: &Home<'_>,
        recorded_text: Option<String>,
    ) -> Result<StatePlace, Failure> {
        let certain = |folder| Ok(StatePlace { folder, note: None, record: None });
        if let Some(state) = &self.file.state {
            return certain(self.expanded(&state.to_string_lossy(), "state")?);
        }
        if let Some(home) = &self.home {
            return certain(home.join("state"));
        }
        let now = self.state_folder_now(home);
        let record = self.state_record(home);
        match recorded_text {
            Some(text) => recorded(&record, &text, now.ok()),
            None => Ok(StatePlace { folder: now?, note: None, record: Some(record) }),
        }
    }

    /// Where the variables of this shell say.
    fn state_folder_now(&self, home: &Home<'_>) -> Result<PathBuf, Failure> {
        let Some(area) = home.area else { return self.own_state_folder() };
        let area = self.expanded(area, "state").map_err(|failure| {
            let next = "activate the project, or name a folder once with `state:` in the configuration";
            Failure::usage(format!("it is not known where jobs are kept at {}", home.site), failure.why, next)
        })?;
        Ok(area.join(home.user).join("pakt"))
    }

    fn own_state_folder(&self) -> Result<PathBuf, Failure> {
        // A relative one is to be ignored (XDG Base Directory Specification 0.8): it would be another in each directory.
        let named = self.variables.get("XDG_STATE_HOME").map(Path::new).filter(|folder| folder.is_absolute());
        match named {
            Some(folder) => Ok(folder.join("pakt")),
            None => Ok(user_home(&self.variables)?.join(".local/state/pakt")),
        }
    }
}

fn recorded(record: &Path, text: &str, now: Option<PathBuf>) -> Result<StatePlace, Failure> {
    let folder = PathBuf::from(text.trim_end_matches('\n'));
    if !folder.is_absolute() {
        let next = "write the folder of your jobs into it, or name it with `state:` in the configuration";
        return Err(Failure::usage(format!("`{}` was not understood", record.display()), "it names no folder", next));
    }
    let note = now.filter(|now| *now != folder).map(|now| {
        format!(
            "note: jobs are kept in {}, as `{}` says, and not in {}; `state:` in the configuration moves them",
            folder.display(),
            record.display(),
            now.display()
        )
    });
    Ok(StatePlace { folder, note, record: None })
}

impl StatePlace {
    /// A place that is known.
    pub(crate) const fn at(folder: PathBuf, note: Option<String>) -> Self {
        Self { folder, note, record: None }
    }

    /// The place of commands that keep nothing, where it is not known: an empty folder of the configuration.
    pub(crate) fn nowhere(configuration: &Configuration, why: &Failure) -> Self {
        let note = format!("note: no ledger was read: {}: {}", why.what, why.why);
        Self { folder: configuration.folder.join("state"), note: Some(note), record: None }
    }

    /// The file that is to name the place from now on, and its text, where this is the first answer.
    pub(crate) fn to_record(&self) -> Option<(PathBuf, String)> {
        self.record.clone().map(|record| (record, self.record_text()))
    }

    fn record_text(&self) -> String {
        format!("{}\n", self.folder.display())
    }

    /// Records a first answer. Of two processes at once one records, and the other takes its answer.
    pub(crate) fn kept(self) -> Result<Self, Failure> {
        let Some(record) = &self.record else { return Ok(self) };
        match write_new(record, &self.record_text()) {
            Ok(()) => Ok(self),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match read_text(record)? {
                Some(text) => recorded(record, &text, Some(self.folder)),
                None => Ok(self),
            },
            Err(error) => Err(Failure::unreachable(
                "it is not settled where jobs are kept",
                format!("`{}` cannot be written: {}", record.display(), io_words(&error)),
                "make room there, or set PAKT_HOME to a folder that you can write to",
            )),
        }
    }
}

/// Writes a file that is not there yet, whole or not at all. Several hosts may share the folder, and their process ids.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let partial = folder.join(format!(".state-{:032x}.partial", random_bits()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&partial)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| fs::hard_link(&partial, path));
    let removed = fs::remove_file(&partial);
    linked.and(removed)
}
