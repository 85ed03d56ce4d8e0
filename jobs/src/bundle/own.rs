//! The bundle of this person: opened, checked, mended where a writer was stopped, and added to.

use super::ENDING;
use crate::{
    error::{Gravity, JobsError},
    house::House,
    reached::reached,
    settle::Viewpoint,
};
use ledger::{
    Batch, BundleFault, BundleHeader, BundleReader, BundleWriter, BundledRun, Scope,
    evidence::{SignerKey, TreeHash},
};
use model::{ClusterName, SchedulerJobId, Timestamp, UserName};
use reach::GrowingFile;
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

pub(super) const NOT_WRITTEN: &str = "nothing was written to the bundle";

/// The bundle that one person writes, locked until it is dropped.
pub(super) struct OwnBundle<'key> {
    pub(super) path: PathBuf,
    file: GrowingFile,
    writer: BundleWriter<'key>,
    /// What every run says that stands in it.
    written: BTreeMap<ClusterName, HashMap<(SchedulerJobId, Timestamp), u128>>,
    /// How far each cluster was read in each scope.
    read_until: BTreeMap<(ClusterName, Scope), Timestamp>,
    /// What had to be mended.
    pub(super) note: Option<String>,
}

impl<'key> OwnBundle<'key> {
    /// Opens it in a folder, or begins it. A batch that was not written to its end is cut off: it is read again.
    pub(super) fn open(house: &House, folder: &Path, key: &'key SignerKey) -> Result<Self, JobsError> {
        if !folder.is_dir() {
            let why = format!("there is no folder `{}`", folder.display());
            let next = "make it, and let your group write there: `mkdir DIR && chmod g+rwxs DIR`";
            return Err(JobsError::usage(NOT_WRITTEN, why, next));
        }
        let path = folder.join(file_name(house, key));
        let file = reached(GrowingFile::open(&path), NOT_WRITTEN)?.ok_or_else(|| {
            let why = format!("another process writes `{}` now", path.display());
            JobsError::new(Gravity::Unreachable, NOT_WRITTEN, why, "run the same command again when that has ended")
        })?;
        let (writer, first) = BundleWriter::begin(key, &new_header(house, key)).map_err(not_formed)?;
        let (written, read_until) = (BTreeMap::new(), BTreeMap::new());
        let mut bundle = Self { path, file, writer, written, read_until, note: None };
        bundle.check(house, key, &first)?;
        Ok(bundle)
    }

    /// Reads what stands there, from the beginning: a bundle that somebody changed is not continued.
    fn check(&mut self, house: &House, key: &'key SignerKey, first: &[u8]) -> Result<(), JobsError> {
        let bytes = reached(self.file.bytes(), NOT_WRITTEN)?;
        if bytes == 0 {
            return reached(self.file.append(first), NOT_WRITTEN);
        }
        let mut reader = match BundleReader::open(reached(self.file.reader(), NOT_WRITTEN)?) {
            Ok(reader) => reader,
            Err(BundleFault::Torn) => {
                self.mend(0, bytes)?;
                return reached(self.file.append(first), NOT_WRITTEN);
            }
            Err(fault) => return Err(self.spoilt(&fault.to_string())),
        };
        let header = reader.header();
        if header.site != house.here || header.user != house.principal.user || header.key != *key.verifier() {
            return Err(self.spoilt(&format!("it is of {} and another key", header.reader())));
        }
        loop {
            match reader.batch() {
                Ok(Some(batch)) => self.learn(&batch),
                Ok(None) => break,
                Err(BundleFault::Torn) => {
                    self.mend(reader.whole_bytes(), bytes)?;
                    break;
                }
                Err(fault) => return Err(self.spoilt(&fault.to_string())),
            }
        }
        self.writer = BundleWriter::behind(key, reader.header().clone(), reader.number(), reader.last());
        Ok(())
    }

    fn mend(&mut self, whole: u64, bytes: u64) -> Result<(), JobsError> {
        let lost = bytes - whole;
        self.note = Some(format!(
            "the last writer was stopped: {} of no whole batch {} cut off",
            model::counted(lost, "byte"),
            model::agreeing(lost, "was", "were")
        ));
        reached(self.file.cut(whole), NOT_WRITTEN)
    }

    fn spoilt(&self, why: &str) -> JobsError {
        let next = "find out who changed it; move it away, and the next `pakt settle --bundle` begins a new one, `--since \
                    DAY` reads what stood in it again";
        JobsError::new(Gravity::Unknown, NOT_WRITTEN, format!("`{}`: {why}", self.path.display()), next)
    }

    fn learn(&mut self, batch: &Batch) {
        let known = self.written.entry(batch.cluster.clone()).or_default();
        known.extend(batch.runs.iter().map(|run| (run.key(), run.digest())));
        if let Some(coverage) = &batch.coverage {
            let until =
                self.read_until.entry((batch.cluster.clone(), batch.scope.clone())).or_insert(coverage.window.to);
            *until = (*until).max(coverage.window.to);
        }
    }

    /// Whether the run stands in it as it is.
    pub(super) fn has(&self, cluster: &ClusterName, run: &BundledRun) -> bool {
        self.written.get(cluster).and_then(|runs| runs.get(&run.key())).is_some_and(|known| *known == run.digest())
    }

    /// Until when everything was read.
    pub(super) fn read_until(&self, view: &Viewpoint) -> Option<Timestamp> {
        self.read_until.get(&(view.cluster.clone(), view.scope.clone())).copied()
    }

    /// Adds a batch. After `Ok` it stands there, signed and synced.
    pub(super) fn append(&mut self, batch: Batch) -> Result<(), JobsError> {
        self.learn(&batch);
        let bytes = self.writer.batch(batch).map_err(not_formed)?;
        reached(self.file.append(&bytes), "the bundle was not written to its end")
    }

    /// The number of its last batch.
    pub(super) const fn number(&self) -> u64 {
        self.writer.number()
    }

    /// The hash that the next batch names.
    pub(super) const fn last(&self) -> TreeHash {
        self.writer.last()
    }
}

/// The first line of a bundle that begins now.
fn new_header(house: &House, key: &SignerKey) -> BundleHeader {
    BundleHeader {
        site: house.here.clone(),
        user: house.principal.user.clone(),
        key: key.verifier().clone(),
        began_at: house.clock.now(),
        mark: (house.random)(),
        made_by: house.made_by.clone(),
    }
}

fn not_formed(why: String) -> JobsError {
    JobsError::new(Gravity::Bug, NOT_WRITTEN, why, "please report it")
}

/// The file of one person's key at a site. A user's name may hold anything; the key tells two apart.
fn file_name(house: &House, key: &SignerKey) -> String {
    let fingerprint = key.verifier().fingerprint().to_string();
    format!("{}-{}-{}{ENDING}", house.here, plain(&house.principal.user), &fingerprint[..8])
}

fn plain(user: &UserName) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    user.as_str().chars().take(64).map(|letter| if is_plain(letter) { letter } else { '_' }).collect()
}
