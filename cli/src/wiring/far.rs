//! A site that is reached through the person's own ssh: jobs and their directories lie there, the ledger here.
//!
//! Who the person is there and where the jobs are kept is learned at the first contact and kept beside the configuration,
//! so that what concerns the ledger alone needs no connection. Whoever makes a job asks anew: a folder that another
//! machine does not look into is a job submitted twice.

use super::{
    far_state,
    place::{Need, Place},
    process::FarProcesses,
};
use crate::{
    configuration::{Configuration, OpenedBy, SshSite, StatePlace, read_text},
    failure::Failure,
};
use async_trait::async_trait;
use jobs::{Gravity, Vantage, Variables};
use model::{Principal, SiteName, UserName};
use reach::{ConnectionState, DirectoryMode, OpenSsh, Opening, Reach, ReachError, ReachErrorKind, SshSettings};
use serde::{Deserialize, Serialize};
use sites::{Catalogue, LoginMethod, Site};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// The pause between two attempts to connect, where the profile asks for none.
const PAUSE_SECONDS: u32 = 10;

/// What was learned at the first contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// The person's name there.
    user: UserName,
    /// The folder of the jobs there.
    state: PathBuf,
}

/// How the configuration says that a site is reached; none where it is this machine's own.
pub(super) fn settings<'a>(
    configuration: &'a Configuration,
    catalogue: &Catalogue,
    here: &SiteName,
) -> Result<Option<&'a SshSite>, Failure> {
    for (name, settings) in &configuration.file.ssh {
        let named = super::site::named_site(catalogue, name).map_err(|failure| Failure {
            what: format!("`ssh: {{ {name}: … }}` in the configuration names no known site"),
            ..failure
        })?;
        if named == *here {
            return Ok(Some(settings));
        }
    }
    Ok(None)
}

/// The connection to a site, not yet used.
pub(super) fn connection(
    configuration: &Configuration,
    site: &Site,
    settings: &SshSite,
    user: Option<String>,
) -> Result<OpenSsh, Failure> {
    let login = &site.login.value;
    let hosts = if settings.hosts.is_empty() { login.hosts.clone() } else { settings.hosts.clone() };
    if hosts.is_empty() {
        let name = site.name();
        let why = format!("the profile of {name} knows no login node");
        let next = format!("name one: `ssh: {{ {name}: {{ hosts: [HOST] }} }}`");
        return Err(Failure::usage(format!("{name} cannot be reached"), why, next));
    }
    let is_asked = |method: &LoginMethod| !matches!(method, LoginMethod::Key | LoginMethod::None);
    let needs_person = login.human_in_the_loop || login.methods.iter().any(is_asked);
    let by_default = if needs_person { OpenedBy::Person } else { OpenedBy::Pakt };
    let opening = match settings.opened_by.unwrap_or(by_default) {
        OpenedBy::Person => Opening::ByPerson,
        OpenedBy::Pakt => Opening::ByUs,
    };
    let pause = site.login_pause_seconds.as_ref().map_or(PAUSE_SECONDS, |pause| pause.value);
    Ok(OpenSsh::new(SshSettings {
        hosts,
        jump: settings.jump.clone().or_else(|| login.gateways.first().cloned()),
        opening,
        pause: Duration::from_secs(pause.into()),
        folder: socket_folder(&configuration.variables),
        user,
        configuration: settings.configuration.clone(),
    }))
}

/// Where sockets lie: in the folder of the person's session, which goes with it; else in one of theirs below `/tmp`.
/// The path of a socket may have about 100 letters (unix(7)).
fn socket_folder(variables: &BTreeMap<String, String>) -> PathBuf {
    match variables.get("XDG_RUNTIME_DIR").filter(|folder| folder.starts_with('/')) {
        Some(folder) => Path::new(folder).join("pakt-ssh"),
        None => PathBuf::from(format!("/tmp/pakt-ssh-{}", rustix::process::geteuid().as_raw())),
    }
}

/// How the connection to a site stands, where it is reached over one.
pub(crate) async fn connection_state(
    configuration: &Configuration,
    catalogue: &Catalogue,
    here: &SiteName,
) -> Result<Option<ConnectionState>, Failure> {
    let Some(settings) = settings(configuration, catalogue, here)? else { return Ok(None) };
    let site = profile(catalogue, here)?;
    let ssh = connection(configuration, site, settings, None)?;
    ssh.connection().await.map(Some).map_err(|error| unreached(here, &error))
}

/// The place of a site behind ssh.
pub(super) async fn place(
    configuration: &Configuration,
    catalogue: &Catalogue,
    here: &SiteName,
    settings: &SshSite,
    need: Need,
) -> Result<Place, Failure> {
    let site = profile(catalogue, here)?;
    let record = configuration.folder.join(format!("ssh-{here}.json"));
    let known = read_known(&record)?;
    let ssh = Arc::new(connection(configuration, site, settings, known.as_ref().map(|known| known.user.to_string()))?);
    let (known, note) = match known {
        Some(known) if need < Need::Submit => (known, None),
        None if need < Need::Look => (nobody(configuration)?, None),
        known => {
            let found = contacted(&ssh, site, need).await?;
            let note = known.filter(|known| known.state != found.state).map(|known| {
                let (before, now) = (known.state.display().to_string(), found.state.display());
                format!("note: at {here} jobs are kept in {now} now, and were in {before}")
            });
            if need >= Need::Keep {
                keep(&record, &found)?;
            }
            (found, note)
        }
    };
    Ok(Place {
        principal: Principal { user: known.user, site: Some(here.clone()) },
        state: StatePlace::at(known.state, note),
        ledger_folder: configuration.own_folder()?,
        files: Arc::clone(&ssh) as Arc<dyn Reach>,
        variables: Arc::new(LoginVariables(Arc::clone(&ssh))),
        processes: Arc::new(FarProcesses(ssh)),
        vantage: Vantage::Remote { is_attended: std::fs::File::open("/dev/tty").is_ok() },
        helper: settings.slurm_helper.clone(),
    })
}

fn profile<'a>(catalogue: &'a Catalogue, here: &SiteName) -> Result<&'a Site, Failure> {
    catalogue.get(here).ok_or_else(|| Failure::bug("no house", format!("site `{here}` has no profile")))
}

/// Who and where, before there was any contact: enough for what asks no site.
fn nobody(configuration: &Configuration) -> Result<Known, Failure> {
    let own = identity::principal_of_this_process(None);
    let user = own.map(|principal| principal.user).map_err(|error| {
        Failure::usage("it is not known who you are", error.to_string(), "ask the administrators of this machine")
    })?;
    Ok(Known { user, state: configuration.folder.join("state") })
}

async fn contacted(ssh: &OpenSsh, site: &Site, need: Need) -> Result<Known, Failure> {
    let here = site.name();
    let login = ssh.login().await.map_err(|error| unreached(here, &error))?;
    let user: UserName = login.user.parse().map_err(|error: model::NameError| {
        Failure::bug(
            format!("it is not known who you are at {here}"),
            format!("`id -un` says `{}`: {error}", login.user),
        )
    })?;
    let state = far_state::folder(ssh, site, login, need >= Need::Keep).await?;
    Ok(Known { user, state })
}

/// The site was not reached, in the words of every command.
pub(super) fn unreached(here: &SiteName, error: &ReachError) -> Failure {
    let next = error.opened_with().map_or_else(
        || "try again later; `pakt doctor` shows how the connection stands".to_owned(),
        |command| format!("open a connection: `{command}`, then run the same command again"),
    );
    let failure = Failure::unreachable(format!("{here} was not reached"), error.to_string(), next);
    match error.kind {
        ReachErrorKind::NotPermitted => Failure {
            gravity: Gravity::Usage,
            next: format!(
                "look at `ssh:` in the configuration; a new user begins with a new `ssh-{here}.json` beside it"
            ),
            ..failure
        },
        _ => failure,
    }
}

fn read_known(record: &Path) -> Result<Option<Known>, Failure> {
    let Some(text) = read_text(record)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        let next = "move it away: the next contact with the site writes it anew";
        Failure::usage(format!("`{}` was not understood", record.display()), error.to_string(), next)
    })
}

fn keep(record: &Path, known: &Known) -> Result<(), Failure> {
    if let Some(folder) = record.parent() {
        reach::files::create_directories(folder, DirectoryMode::Private).map_err(|error| {
            Failure::unreachable(
                "it was not kept where the jobs are",
                error.to_string(),
                "look at the folders above it",
            )
        })?;
    }
    let text = serde_json::to_string(known).map_err(|error| Failure::bug("nothing was kept", error.to_string()))?;
    let kept = reach::files::replace(record, format!("{text}\n").as_bytes());
    kept.map_err(|error| {
        let next = "make room there, or set PAKT_HOME to a folder that you can write to";
        Failure::unreachable("it was not kept where the jobs are", error.to_string(), next)
    })
}

/// The variables of a login shell at the site.
struct LoginVariables(Arc<OpenSsh>);

#[async_trait]
impl Variables for LoginVariables {
    async fn all(&self) -> Result<&BTreeMap<String, String>, ReachError> {
        self.0.login().await.map(|login| &login.variables)
    }
}
