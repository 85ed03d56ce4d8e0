//! The key that signs the log lies in a file, readable by whoever made it alone, and in no database.
//!
//! In a group's ledger others post without it: what they post is signed when the keeper of the key posts next.

use super::log::damaged;
use crate::evidence::{KeyKind, SignerKey, VerifierKey};
use crate::random::{Random, no_bits};
use crate::records::Result;
use crate::{LedgerError, LedgerErrorKind, Retry};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The key in the file; none where there is no file, or it is somebody else's.
pub(crate) fn read(path: &Path) -> Result<Option<SignerKey>> {
    match fs::read_to_string(path) {
        Ok(text) => SignerKey::from_secret_text(text.trim_end()).map(Some).map_err(damaged),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => Ok(None),
        Err(error) => Err(not_written(&error)),
    }
}

/// The key of a log: in its file, or still beside it, where a process ended that changed it. One that cannot be used keeps
/// nobody from posting: the log says what is not signed.
pub(crate) fn find(path: &Path, key: Option<&VerifierKey>) -> Option<SignerKey> {
    let key = key?;
    let there = read(path).ok().flatten();
    if there.as_ref().is_some_and(|signer| signer.verifier() == key) {
        return there;
    }
    let waiting = read(&beside(path, key)).ok().flatten().filter(|signer| signer.verifier() == key)?;
    // Where that fails the key is read from where it lies.
    drop(put_into_place(path, there.as_ref().map(SignerKey::verifier), key));
    Some(waiting)
}

/// A new key for a log.
pub(crate) fn generate(random: &Random) -> Result<SignerKey> {
    let mut bits = |bytes: &mut [u8]| random.fill(bytes);
    let mut mark = [0; 8];
    bits(&mut mark).map_err(|error| no_bits(&error))?;
    let name = format!("pakt-ledger/{:016x}", u64::from_be_bytes(mark));
    SignerKey::generate(name.parse().map_err(damaged)?, KeyKind::Log, &mut bits).map_err(|error| no_bits(&error))
}

/// Another key for a log that has one, beside whose file it waits.
pub(crate) fn generate_next(path: &Path, before: &VerifierKey, random: &Random) -> Result<SignerKey> {
    let mut bits = |bytes: &mut [u8]| random.fill(bytes);
    let signer =
        SignerKey::generate(before.name().clone(), KeyKind::Log, &mut bits).map_err(|error| no_bits(&error))?;
    write(&beside(path, signer.verifier()), &signer)?;
    Ok(signer)
}

/// Where a key of the log waits for its place, and stays after another one took that: under its id, so that no two meet.
fn beside(path: &Path, key: &VerifierKey) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", key.id()));
    PathBuf::from(name)
}

/// Puts the key that waits into its file. At every instant, and however many do it at once, each key lies somewhere.
fn put_into_place(path: &Path, there: Option<&VerifierKey>, key: &VerifierKey) -> io::Result<()> {
    let waiting = beside(path, key);
    let Some(there) = there else {
        fs::hard_link(&waiting, path)?;
        return fs::remove_file(waiting);
    };
    match fs::hard_link(path, beside(path, there)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::rename(waiting, path),
    }
}

/// Writes a key, unless there is one: under a name of its own first, so that nobody reads half a key.
pub(crate) fn write(path: &Path, signer: &SignerKey) -> Result<()> {
    let draft = path.with_extension(format!("key.{}", std::process::id()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        writeln!(file, "{}", signer.to_secret_text())?;
        file.sync_all()?;
        fs::hard_link(&draft, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    let written = write();
    drop(fs::remove_file(&draft));
    match written {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(not_written(&error)),
        _ => Ok(()),
    }
}

/// What this user could sign with, and why not.
pub(crate) fn missing(path: &Path, key: Option<&VerifierKey>) -> String {
    match key {
        None => "nobody has made a key for it".to_owned(),
        Some(key) => format!("the key of `{}` is not in `{}`, or not readable here", key.name(), path.display()),
    }
}

fn not_written(error: &io::Error) -> LedgerError {
    LedgerError::new(LedgerErrorKind::InputOutput, Retry::Later, "the file of the log's key could not be read or made")
        .with_fact("system", error)
}
