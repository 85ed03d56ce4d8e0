//! Configuration, resolved once: command line, then configuration file, then what the machine and the site profile say.
//!
//! `PAKT_HOME` names one folder for everything (configuration, sites, jobs, ledger), as seen from the working directory;
//! without it the configuration lies in `$XDG_CONFIG_HOME/pakt` and jobs and ledger where the site's profile says, outside a
//! small home.

pub(crate) mod reference;
mod ssh;
mod state;

pub(crate) use ssh::{OpenedBy, SshSite};
pub(crate) use state::{Home, StatePlace};

use crate::{
    failure::Failure,
    wiring::{YamlMistake, io_words},
};
use model::ProjectName;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// The longest configuration or site file, in bytes.
pub(crate) const LONGEST_FILE: u64 = 1024 * 1024;
/// The most site files that are read.
const MOST_SITE_FILES: usize = 200;

/// `config.yaml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    /// The site this machine belongs to.
    pub site: Option<String>,
    /// The project that spends where none is named.
    pub project: Option<ProjectName>,
    /// The folder of the jobs.
    pub state: Option<PathBuf>,
    /// The ledger.
    pub ledger: Option<PathBuf>,
    /// The program that speaks with Slurm's own library, or `none`.
    pub slurm_helper: Option<String>,
    /// The server that speaks Slurm's REST interface.
    pub slurm_rest: Option<SlurmRest>,
    /// Whether the project's group may read the job directories.
    pub group: bool,
    /// What this machine has, where jobs run on it without a scheduler.
    pub machine: Machine,
    /// Sites that are reached through ssh, by name or alias.
    pub ssh: BTreeMap<String, SshSite>,
}

/// A slurmrestd, and what is shown to it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SlurmRest {
    /// Where it listens.
    pub url: Option<String>,
    /// The file that holds the token.
    pub token_file: Option<String>,
    /// The command that prints the token, and its arguments.
    pub token_command: Option<Vec<String>>,
}

/// What this machine has; what is absent is counted.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Machine {
    /// CPUs for jobs.
    pub cpus: Option<u32>,
    /// GPUs for jobs.
    pub gpus: Option<u32>,
}

/// The configuration and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// What the file says.
    pub file: File,
    /// The folder of the configuration.
    pub folder: PathBuf,
    /// `PAKT_HOME`, where it is set.
    pub home: Option<PathBuf>,
    /// The files of `sites/`, by name.
    pub site_files: BTreeMap<String, String>,
    /// The environment as it was at the start.
    pub variables: BTreeMap<String, String>,
}

/// Where the ledger is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LedgerPlace {
    /// In a SQLite file.
    File(PathBuf),
    /// On a PostgreSQL server.
    Server {
        /// As the user wrote it, perhaps with a password: it is never shown.
        url: String,
        /// The file of passwords, which need not be there.
        passwords: Option<PathBuf>,
        /// The folder of this user's keys of logs.
        keys: PathBuf,
    },
}

impl Configuration {
    /// Reads the configuration; an absent file is an empty one, a bad one is an error and nothing is guessed.
    pub(crate) fn read() -> Result<Self, Failure> {
        let mut variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        if let Some(home) = variables.get_mut("PAKT_HOME").filter(|home| !home.is_empty()) {
            *home = absolute_home(home)?;
        }
        let mut configuration = Self::of(variables)?;
        configuration.understand(read_text(&configuration.path())?)?;
        configuration.site_files = site_files(&configuration.folder.join("sites"))?;
        Ok(configuration)
    }

    /// The places of a configuration that is not read yet, by the environment: of this machine or of another. A `PAKT_HOME`
    /// must be absolute: nobody knows from which directory of another machine it is meant.
    pub(crate) fn of(variables: BTreeMap<String, String>) -> Result<Self, Failure> {
        let home = variables.get("PAKT_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        if let Some(home) = home.as_ref().filter(|home| !home.is_absolute()) {
            return Err(unusable_home(&home.to_string_lossy(), "it is not absolute"));
        }
        // A relative one is to be ignored (XDG Base Directory Specification 0.8), as that of the state folder is.
        let named = variables.get("XDG_CONFIG_HOME").map(Path::new).filter(|folder| folder.is_absolute());
        let folder = match (&home, named) {
            (Some(home), _) => home.clone(),
            (None, Some(folder)) => folder.join("pakt"),
            (None, None) => user_home(&variables)?.join(".config/pakt"),
        };
        Ok(Self { file: File::default(), folder, home, site_files: BTreeMap::new(), variables })
    }

    /// Where `config.yaml` lies.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("config.yaml")
    }

    /// Takes over what `config.yaml` says.
    pub(crate) fn understand(&mut self, text: Option<String>) -> Result<(), Failure> {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.file = serde_yaml::from_str(&text).map_err(|error| not_understood(&self.path(), &error))?;
        }
        Ok(())
    }

    /// The helper for Slurm's own library: as the configuration says, else `pakt-slurm` beside this program, where it is.
    pub(crate) fn slurm_helper(&self) -> Result<Option<PathBuf>, Failure> {
        match self.file.slurm_helper.as_deref() {
            Some("none") => Ok(None),
            Some(path) => self.expanded(path, "slurm_helper").map(Some),
            // Where this program does not find itself there is nothing beside it either.
            None => Ok(std::env::current_exe()
                .ok()
                .map(|own| own.with_file_name("pakt-slurm"))
                .filter(|path| path.exists())),
        }
    }

    /// The ledger's place: as `PAKT_LEDGER` or the configuration says, else a file beside the jobs.
    pub(crate) fn ledger_place(&self, state: &Path) -> Result<LedgerPlace, Failure> {
        if let Some(text) = self.variables.get("PAKT_LEDGER").filter(|text| !text.is_empty()) {
            return self.ledger_at(text, "PAKT_LEDGER");
        }
        match &self.file.ledger {
            Some(ledger) => self.ledger_at(&ledger.to_string_lossy(), "ledger"),
            None => Ok(LedgerPlace::File(state.join("ledger.sqlite"))),
        }
    }

    /// Whether the ledger's place is named, or follows from what is named, whichever site this is.
    pub(crate) fn names_ledger(&self) -> bool {
        let is_named = self.variables.get("PAKT_LEDGER").is_some_and(|text| !text.is_empty());
        is_named || self.file.ledger.is_some() || self.file.state.is_some() || self.home.is_some()
    }

    /// The place that a text names; `field` is where it was written.
    pub(crate) fn ledger_at(&self, text: &str, field: &str) -> Result<LedgerPlace, Failure> {
        match text.split_once("://") {
            None => self.expanded(text, field).map(LedgerPlace::File),
            Some(("sqlite", path)) => self.expanded(path, field).map(LedgerPlace::File),
            Some(("postgres" | "postgresql", _)) => {
                let named = self.variables.get("PGPASSFILE").filter(|file| !file.is_empty()).map(PathBuf::from);
                let passwords = named.or_else(|| user_home(&self.variables).ok().map(|home| home.join(".pgpass")));
                let keys = self.folder.join("ledger-keys");
                Ok(LedgerPlace::Server { url: text.to_owned(), passwords, keys })
            }
            Some((scheme, _)) => Err(Failure::usage(
                format!("`{field}` cannot be used"),
                format!("no ledger is kept at a `{scheme}://`"),
                "write a path, `sqlite:///path` or `postgres://host/database`",
            )),
        }
    }

    /// A configured path with `~` and a leading `$NAME` filled in; it must be absolute then.
    pub(crate) fn expanded(&self, text: &str, field: &str) -> Result<PathBuf, Failure> {
        let what = || format!("`{field}: {text}` cannot be used");
        let next = "write an absolute path, or set the variable";
        let path = if let Some(rest) = text.strip_prefix('~') {
            user_home(&self.variables)?.join(rest.trim_start_matches('/'))
        } else if let Some(rest) = text.strip_prefix('$') {
            let (name, tail) = rest.split_once('/').unwrap_or((rest, ""));
            let name = name.trim_start_matches('{').trim_end_matches('}');
            let value = self.variables.get(name).filter(|value| !value.is_empty());
            let value = value.ok_or_else(|| Failure::usage(what(), format!("`${name}` is not set here"), next))?;
            Path::new(value).join(tail)
        } else {
            PathBuf::from(text)
        };
        if path.is_absolute() { Ok(path) } else { Err(Failure::usage(what(), "it is not absolute", next)) }
    }
}

fn not_understood(path: &Path, error: &serde_yaml::Error) -> Failure {
    let YamlMistake { what, next } = YamlMistake::of(error);
    let place = error.location().map_or_else(String::new, |at| format!("line {}, column {}: ", at.line(), at.column()));
    let next = next.map_or_else(String::new, |next| format!("{next}; "));
    Failure::usage(
        format!("`{}` was not understood", path.display()),
        format!("{place}{what}"),
        format!("{next}mend the file; docs/reference/configuration.md lists its fields"),
    )
}

/// `PAKT_HOME` as it is from every directory: a job starts in another one than the shell that submitted it.
fn absolute_home(home: &str) -> Result<String, Failure> {
    let absolute = std::path::absolute(home).map_err(|error| unusable_home(home, io_words(&error)))?;
    absolute.into_os_string().into_string().map_err(|_| unusable_home(home, "the path to it is not UTF-8"))
}

fn unusable_home(home: &str, why: impl Into<String>) -> Failure {
    Failure::usage(format!("`PAKT_HOME={home}` cannot be used"), why, "write an absolute path into PAKT_HOME")
}

fn user_home(variables: &BTreeMap<String, String>) -> Result<PathBuf, Failure> {
    variables.get("HOME").filter(|home| !home.is_empty()).map(PathBuf::from).ok_or_else(|| {
        let next = "set HOME, or PAKT_HOME to a folder for pakt's files";
        Failure::usage("there is no place for pakt's files", "neither HOME nor PAKT_HOME is set", next)
    })
}

fn site_files(folder: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(unreadable(folder, &error)),
    };
    let mut files = BTreeMap::new();
    for entry in entries.take(MOST_SITE_FILES) {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "yaml")
            && let Some(text) = read_text(&path)?
        {
            files.insert(path.to_string_lossy().into_owned(), text);
        }
    }
    Ok(files)
}

/// What is piped in, of bounded length.
pub(crate) fn read_standard_input() -> Result<String, Failure> {
    bounded_text(io::stdin().lock(), Path::new("standard input"), LONGEST_FILE)
}

/// A text file of bounded length; none where there is none.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, Failure> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    bounded_text(file, path, LONGEST_FILE).map(Some)
}

/// Text of at most so many bytes. What the source says of its length is not believed: a device has none.
pub(crate) fn bounded_text(source: impl io::Read, path: &Path, longest: u64) -> Result<String, Failure> {
    let mut text = String::new();
    source.take(longest + 1).read_to_string(&mut text).map_err(|error| unreadable(path, &error))?;
    if text.len() as u64 > longest {
        let why = format!("it is longer than {longest} bytes");
        return Err(Failure::usage(format!("`{}` was not read", path.display()), why, "is it the right file?"));
    }
    Ok(text)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let next = "look at the file's owner, mode and encoding (UTF-8)";
    Failure::usage(format!("`{}` was not read", path.display()), io_words(error), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_of_another_machine_is_absolute_and_a_relative_folder_of_configurations_is_ignored() {
        let of = |name: &str, value: &str| {
            let variables = [("HOME", "/home/ada"), (name, value)].map(|(name, value)| (name.into(), value.into()));
            Configuration::of(BTreeMap::from(variables)).map(|configuration| configuration.folder)
        };
        let refused = of("PAKT_HOME", "check").expect_err("it is relative");
        assert_eq!(
            (refused.what.as_str(), refused.why.as_str()),
            ("`PAKT_HOME=check` cannot be used", "it is not absolute")
        );
        for (name, value, folder) in [
            ("PAKT_HOME", "/check", "/check"),
            ("XDG_CONFIG_HOME", "/settings", "/settings/pakt"),
            ("XDG_CONFIG_HOME", "settings", "/home/ada/.config/pakt"),
        ] {
            assert_eq!(of(name, value).expect("a folder"), Path::new(folder), "{name}={value}");
        }
    }
}
