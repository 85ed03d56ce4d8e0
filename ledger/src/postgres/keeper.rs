//! The keys of logs that this user keeps: files in a folder, named after their logs, and never in a database.

use crate::evidence::{SignerKey, VerifierKey};
use crate::random::Random;
use crate::records::Result;
use crate::stored::{find_key, generate_key, generate_next_key, write_key};
use crate::{LedgerError, LedgerErrorKind, Retry};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

/// Where keys lie, and where random bits come from.
#[derive(Clone, Debug)]
pub(super) struct Keeper {
    pub(super) folder: PathBuf,
    pub(super) random: Random,
}

impl Keeper {
    /// The file of a log's key: `0123456789abcdef.key` for the log `pakt-ledger/0123456789abcdef`.
    pub(super) fn file_of(&self, key: Option<&VerifierKey>) -> PathBuf {
        let Some(key) = key else { return self.folder.clone() };
        let name = key.name().to_string();
        let last = name.rsplit('/').next().unwrap_or_default();
        // The name comes out of a database, and must not lead out of the folder.
        let plain: String = last.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect();
        self.folder.join(format!("{plain}.key"))
    }

    /// The key of a log, where this user has it. One that cannot be used keeps nobody from posting: the log says what is
    /// not signed.
    pub(super) fn find(&self, key: Option<&VerifierKey>) -> Option<SignerKey> {
        find_key(&self.file_of(Some(key?)), key)
    }

    /// A new key, written into its file.
    pub(super) fn make(&self) -> Result<SignerKey> {
        let key = generate_key(&self.random)?;
        self.keep(&key)?;
        Ok(key)
    }

    /// Another key of the same log, beside the file of the one before.
    pub(super) fn make_next(&self, before: &VerifierKey) -> Result<SignerKey> {
        self.make_folder()?;
        generate_next_key(&self.file_of(Some(before)), before, &self.random)
    }

    /// Writes a key into its file.
    pub(super) fn keep(&self, key: &SignerKey) -> Result<()> {
        self.make_folder()?;
        write_key(&self.file_of(Some(key.verifier())), key)
    }

    fn make_folder(&self) -> Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(|error| {
            let why = format!("the folder of keys `{}` cannot be made", self.folder.display());
            LedgerError::new(LedgerErrorKind::InputOutput, Retry::Later, why).with_fact("system", &error)
        })
    }
}
