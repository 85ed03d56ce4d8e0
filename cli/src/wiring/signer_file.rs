//! Files of secret keys, and what is written beside them: whole or not at all.

use ledger::{
    Random,
    evidence::{KeyKind, KeyName, SignerKey},
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Makes a key where there is none; of two who do so at once the first one's stays.
pub(crate) fn make_key(path: &Path, name: &str, kind: KeyKind) -> io::Result<()> {
    let name: KeyName = name.parse().map_err(io::Error::other)?;
    let random = Random::of_the_system();
    let key = SignerKey::generate(name, kind, &mut |bytes| random.fill(bytes))?;
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let draft = draft(path, &format!("{}\n", key.to_secret_text()))?;
    let written = fs::hard_link(&draft, path).and_then(|()| File::open(folder)?.sync_all());
    drop(fs::remove_file(&draft));
    match written {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Puts a text in the place of a file.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let draft = draft(path, text)?;
    fs::rename(&draft, path).inspect_err(|_| drop(fs::remove_file(&draft)))?;
    File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a text under a name of its own first, so that nobody reads half of it.
fn draft(path: &Path, text: &str) -> io::Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    match file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
        Ok(()) => Ok(draft),
        Err(error) => {
            drop(fs::remove_file(&draft));
            Err(error)
        }
    }
}
