//! The key that signs this person's bundles: in the configuration folder, readable by them alone.

use crate::{configuration::Configuration, failure::Failure};
use jobs::Gravity;
use ledger::{
    Random,
    evidence::{EvidenceError, KeyKind, KeyName, SignerKey},
};
use reach::io_words;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

/// What every such key is called: whose it is, is said by the bundle's first line.
const NAME: &str = "pakt-bundle";

const NOT_WRITTEN: &str = "nothing was written to the bundle";

/// The key; made where there is none.
pub(crate) fn bundle_key(configuration: &Configuration) -> Result<SignerKey, Failure> {
    let path = configuration.folder.join("bundle.key");
    if !path.exists() {
        make(&path).map_err(|error| unreadable(&path, &error))?;
    }
    let owner = fs::metadata(&path).map_err(|error| unreadable(&path, &error))?.uid();
    if owner != rustix::process::geteuid().as_raw() {
        let why = format!("`{}` is somebody else's key", path.display());
        return Err(Failure::usage(NOT_WRITTEN, why, "name a folder of your own with PAKT_HOME"));
    }
    let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
    SignerKey::from_secret_text(text.trim_end()).map_err(|error| spoilt(&path, &error))
}

/// Writes a new key under a name of its own first, so that nobody reads half a key; of two that do so at once the first
/// one's stays.
fn make(path: &Path) -> io::Result<()> {
    let name: KeyName = NAME.parse().map_err(io::Error::other)?;
    let random = Random::of_the_system();
    let key = SignerKey::generate(name, KeyKind::Log, &mut |bytes| random.fill(bytes))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let draft = path.with_extension(format!("key.{}", std::process::id()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        writeln!(file, "{}", key.to_secret_text())?;
        file.sync_all()?;
        fs::hard_link(&draft, path)?;
        File::open(folder)?.sync_all()
    };
    let written = write();
    drop(fs::remove_file(&draft));
    match written {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
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
