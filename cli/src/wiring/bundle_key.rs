//! The key that signs this person's bundles: in the configuration folder, readable by them alone.

use super::signer_file::make_key;
use crate::{configuration::Configuration, failure::Failure};
use jobs::Gravity;
use ledger::evidence::{EvidenceError, KeyKind, SignerKey};
use reach::io_words;
use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

/// What every such key is called: whose it is, is said by the bundle's first line.
const NAME: &str = "pakt-bundle";

const NOT_WRITTEN: &str = "nothing was written to the bundle";

/// The key; made where there is none.
pub(crate) fn bundle_key(configuration: &Configuration) -> Result<SignerKey, Failure> {
    let path = configuration.folder.join("bundle.key");
    if !path.exists() {
        make_key(&path, NAME, KeyKind::Log).map_err(|error| unreadable(&path, &error))?;
    }
    let owner = fs::metadata(&path).map_err(|error| unreadable(&path, &error))?.uid();
    if owner != rustix::process::geteuid().as_raw() {
        let why = format!("`{}` is somebody else's key", path.display());
        return Err(Failure::usage(NOT_WRITTEN, why, "name a folder of your own with PAKT_HOME"));
    }
    let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
    SignerKey::from_secret_text(text.trim_end()).map_err(|error| spoilt(&path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let why = format!("the key `{}` was not read or made: {}", path.display(), io_words(error));
    let next = "look at the owner and the mode of that file and its folder, and run it again";
    Failure { gravity: Gravity::Unreachable, ..Failure::usage(NOT_WRITTEN, why, next) }
}

fn spoilt(path: &Path, error: &EvidenceError) -> Failure {
    let next =
        "put a good copy in its place; or move it away, and a new key is made, which whoever merges has to accept";
    Failure::usage(NOT_WRITTEN, format!("`{}`: {error}", path.display()), next)
}
