//! Where the jobs are kept at a site behind ssh: as a `pakt` at the site itself finds it, and for good from then on.

use super::{far::unreached, site::state_area};
use crate::{
    configuration::{Configuration, Home, LONGEST_FILE},
    failure::Failure,
};
use reach::{DirectoryMode, Login, OpenSsh, Published, Reach, ReachError};
use sites::Site;
use std::path::{Path, PathBuf};

/// The folder of the jobs, by the configuration at the site and the variables of a login shell there.
pub(super) async fn folder(ssh: &OpenSsh, site: &Site, login: &Login, keeps: bool) -> Result<PathBuf, Failure> {
    let there = |failure: Failure| Failure { what: format!("at {}: {}", site.name(), failure.what), ..failure };
    let mut configuration = Configuration::of(login.variables.clone()).map_err(there)?;
    configuration.understand(text(ssh, site, &configuration.path()).await?).map_err(there)?;
    let home = Home { site: site.name().as_str(), area: state_area(site), user: &login.user };
    let record = configuration.state_record(&home);
    let recorded = if configuration.is_state_named() { None } else { text(ssh, site, &record).await? };
    let place = configuration.state_place_as_recorded(&home, recorded).map_err(there)?;
    match place.to_record().filter(|_| keeps) {
        None => Ok(place.folder),
        Some((record, text)) => match write_new(ssh, &record, &text).await {
            Ok(Published::New) => Ok(place.folder),
            // Another machine of the person was first.
            Ok(Published::Existing(bytes)) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                configuration.state_place_as_recorded(&home, Some(text)).map(|place| place.folder).map_err(there)
            }
            Err(error) => Err(unreached(site.name(), &error)),
        },
    }
}

async fn write_new(ssh: &OpenSsh, record: &Path, text: &str) -> Result<Published, ReachError> {
    if let Some(folder) = record.parent() {
        ssh.create_directories(folder, DirectoryMode::Private).await?;
    }
    ssh.write_once(record, text.as_bytes()).await
}

async fn text(ssh: &OpenSsh, site: &Site, path: &Path) -> Result<Option<String>, Failure> {
    let limit = usize::try_from(LONGEST_FILE).unwrap_or(usize::MAX);
    let read = ssh.read(path, limit).await.map_err(|error| unreached(site.name(), &error))?;
    read.map(String::from_utf8).transpose().map_err(|_| {
        let what = format!("`{}` at {} was not read", path.display(), site.name());
        Failure::usage(what, "it is no text in UTF-8", "look at the file; it may be moved away")
    })
}
