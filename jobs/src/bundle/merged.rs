//! Takes one bundle into the books.

use super::{merge::NOT_MERGED, taken::Taken};
use crate::{
    error::{Gravity, JobsError},
    foreign_stamps::ForeignStamps,
    house::House,
    reached::booked,
    settle::{Pricer, Viewpoint, priced},
    watched::Watched,
    zone::keep_zone,
};
use ledger::{
    Batch, Book, BundleFault, BundleMark, BundleReader, Command, KeepBundle, KeyTrust, Outcome, Scope,
    evidence::Fingerprint, is_ahead,
};
use model::{SiteName, Timestamp, UserName};
use reach::{ReachErrorKind, files, io_words};
use sites::Site;
use std::{fs::File, io, path::PathBuf};

/// So many commands are posted at once, or a few more.
const CHUNK: usize = 2_000;

/// What became of one bundle.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct MergedBundle {
    /// The file.
    pub file: PathBuf,
    /// Whose accounting it has.
    pub site: Option<SiteName>,
    /// Who read it.
    pub user: Option<UserName>,
    /// Their key.
    pub fingerprint: Option<Fingerprint>,
    /// Whether it is the first of theirs that was taken in: nobody but a person can tell whether the key is theirs.
    pub is_first: bool,
    /// Batches that were taken in now.
    pub new_batches: u64,
    /// Batches that had been taken in before.
    pub known_batches: u64,
    /// Until when accounting was read, by the last batch that was taken in now.
    pub settled_until: Option<Timestamp>,
    /// What became of the runs of the new batches.
    #[serde(flatten)]
    pub taken: Taken,
    /// Running and waiting jobs that have no price here, so that no balance counts them.
    pub uncounted: u64,
    /// Why it was not taken in further; what stands before that is in the books.
    pub refused: Option<BundleRefusal>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

/// Why a bundle, or the rest of it, was not taken in.
#[derive(Clone, Debug, serde::Serialize)]
pub struct BundleRefusal {
    /// Whether only a person can decide it: the key is another one than before, or says more than it is believed.
    pub needs_a_person: bool,
    /// Whether nothing is known of it, because it could not be read.
    pub is_unread: bool,
    /// Why.
    pub why: String,
    /// What to do.
    pub next: String,
}

impl BundleRefusal {
    fn new(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { needs_a_person: false, is_unread: false, why: why.into(), next: next.into() }
    }

    /// A file that could not be read, which says nothing of what is in it.
    fn unread(why: impl Into<String>, is_permitted: bool) -> Self {
        let next = if is_permitted {
            "merge it again when it can be read"
        } else {
            "whoever merges has to read it: look at its owner, group and mode, and at those of its folder (`chmod g+r FILE`, \
             `chmod g+rxs DIR`), then merge again"
        };
        Self { is_unread: true, ..Self::new(why, next) }
    }

    fn broken(why: impl Into<String>) -> Self {
        Self::new(
            why,
            "ask whoever wrote it for a good copy, and merge that; nothing behind that place was taken in, what stands \
             before it is in the books",
        )
    }
}

/// The desk of one merge.
pub(super) struct Merging<'a> {
    pub(super) house: &'a House,
    pub(super) book: &'a dyn Book,
    pub(super) accepted: &'a [Fingerprint],
    pub(super) trusted: &'a [(Fingerprint, KeyTrust)],
}

/// What is known of a bundle whose key is its reader's.
struct Believed {
    /// How far it was taken in, and what its key is believed.
    mark: BundleMark,
    /// Whether a person said just now that the key is the reader's.
    accepts_key: bool,
    /// Whether its key is believed more than when it was taken in.
    is_believed_more: bool,
}

/// A bundle that is known to be believed, on its way into the books.
struct Way<'a> {
    desk: &'a Merging<'a>,
    site: &'a Site,
    pricer: Pricer<'a>,
    mark: BundleMark,
    accepts_key: bool,
    /// Whether its key is believed more than before, so that all of it is taken in once more.
    is_believed_more: bool,
    waiting: Vec<Command>,
    bundle: MergedBundle,
    foreign: ForeignStamps,
}

impl Merging<'_> {
    /// Takes in what is new of a bundle. After `Err` the books did not answer; what is wrong with the bundle is in `Ok`.
    pub(super) async fn take_in(&self, file: PathBuf) -> Result<MergedBundle, JobsError> {
        let mut bundle = MergedBundle { file, ..MergedBundle::default() };
        let opened = match files::open(&bundle.file) {
            Ok(opened) => BundleReader::open(opened),
            Err(error) => {
                let is_permitted = error.kind != ReachErrorKind::NotPermitted;
                bundle.refused = Some(BundleRefusal::unread(error.to_string(), is_permitted));
                return Ok(bundle);
            }
        };
        let mut reader = match opened {
            Ok(reader) => reader,
            Err(fault) => {
                bundle.fail(fault);
                return Ok(bundle);
            }
        };
        let header = reader.header();
        bundle.site = Some(header.site.clone());
        bundle.user = Some(header.user.clone());
        bundle.fingerprint = Some(header.fingerprint());
        let site = match self.house.site(&header.site) {
            Ok(site) => site,
            Err(error) => {
                let next = "give this machine a profile of that site, and merge again";
                bundle.refused = Some(BundleRefusal::new(format!("{}: {}", error.what, error.why), next));
                return Ok(bundle);
            }
        };
        let Some(believed) = self.believe(&mut bundle, &reader).await? else { return Ok(bundle) };
        let Believed { mark, accepts_key, is_believed_more } = believed;
        keep_zone(self.house, self.book, site.name(), NOT_MERGED).await?;
        let pricer = Pricer::at(site);
        let waiting = Vec::new();
        let foreign = ForeignStamps::beside(Watched::default(), NOT_MERGED);
        let mut way = Way { desk: self, site, pricer, mark, accepts_key, is_believed_more, waiting, bundle, foreign };
        way.read(&mut reader).await?;
        way.bundle.notes.extend(way.foreign.note());
        way.bundle.is_first &= way.bundle.new_batches > 0;
        Ok(way.bundle)
    }

    /// How far the bundle was taken in, where its key is the reader's.
    async fn believe(
        &self,
        bundle: &mut MergedBundle,
        reader: &BundleReader<File>,
    ) -> Result<Option<Believed>, JobsError> {
        let (header, key) = (reader.header(), reader.header().fingerprint());
        let known = booked(self.book.bundles().await, NOT_MERGED)?;
        let of_reader: Vec<&BundleMark> =
            known.iter().filter(|known| known.site == header.site && known.user == header.user).collect();
        bundle.is_first = of_reader.is_empty();
        let is_known = of_reader.iter().any(|known| known.key == key);
        let accepts_key = self.accepted.contains(&key);
        if let Some(other) = of_reader.last().filter(|_| !is_known && !accepts_key) {
            bundle.refused = Some(BundleRefusal {
                needs_a_person: true,
                is_unread: false,
                why: format!(
                    "it is signed with key {key}, and earlier bundles of {} with key {}",
                    header.reader(),
                    other.key
                ),
                next: format!(
                    "ask {} whether the key is theirs, by another way than this folder; if it is: `--accept-key {key}`",
                    header.user
                ),
            });
            return Ok(None);
        }
        let begun = BundleMark {
            chain: reader.chain(),
            site: header.site.clone(),
            user: header.user.clone(),
            key,
            trust: KeyTrust::Own,
            number: 0,
            last: reader.chain(),
        };
        let believed = of_reader.iter().filter(|known| known.key == key).map(|known| known.trust);
        let said = self.trusted.iter().filter(|(trusted, _)| *trusted == key).map(|(_, trust)| *trust);
        let trust = believed.chain(said).max().unwrap_or_default();
        let mark = of_reader.into_iter().find(|known| known.chain == reader.chain()).cloned();
        let is_believed_more = mark.as_ref().is_some_and(|mark| mark.trust < trust);
        let mark = BundleMark { trust, ..mark.unwrap_or(begun) };
        Ok(Some(Believed { mark, accepts_key, is_believed_more }))
    }
}

impl Way<'_> {
    /// Reads all batches, and posts those that are new: many small ones in one transaction, with the place behind them.
    async fn read(&mut self, reader: &mut BundleReader<File>) -> Result<(), JobsError> {
        let now = self.desk.house.clock.now();
        let begun = self.mark.clone();
        loop {
            let batch = match reader.batch() {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(fault) => {
                    self.bundle.fail(fault);
                    break;
                }
            };
            if batch.number <= begun.number {
                if batch.number == begun.number && reader.last() != begun.last {
                    let why = format!("batch {} is another one than the one that was taken in before", batch.number);
                    let next = "its writer went on behind an older copy, or wrote it anew: let them move it away, and \
                                begin another one with `pakt settle --bundle DIR --since DAY`";
                    self.bundle.refused = Some(BundleRefusal::new(why, next));
                    break;
                }
                if !self.is_believed_more {
                    self.bundle.known_batches += 1;
                    continue;
                }
            }
            if is_ahead(batch.latest(), now) {
                let why = format!("batch {} is dated {}, and it is {now}", batch.number, batch.latest());
                let next = "have the clock that is wrong set; once that time has come, the same command goes on";
                self.bundle.refused = Some(BundleRefusal::new(why, next));
                break;
            }
            if self.mark.trust == KeyTrust::Own && !matches!(batch.scope, Scope::User(_)) {
                self.bundle.refused = Some(self.speaks_for_others(batch.number, &reader.header().reader().to_string()));
                break;
            }
            if batch.number > begun.number {
                (self.mark.number, self.mark.last) = (batch.number, reader.last());
            }
            self.add(batch, reader);
            if self.waiting.len() >= CHUNK {
                self.post().await?;
            }
        }
        if reader.number() < begun.number && self.bundle.refused.is_none() {
            let (has, had) = (reader.number(), begun.number);
            let note = format!(
                "it has {}, and {had} of it {} taken in before: this is an older copy, or it was cut",
                model::counted(has, "batch"),
                model::agreeing(had, "was", "were")
            );
            self.bundle.notes.push(note);
        }
        self.post().await
    }

    /// A bundle of everybody's runs, from somebody who is believed about their own.
    fn speaks_for_others(&self, batch: u64, reader: &str) -> BundleRefusal {
        let BundleMark { key, user, .. } = &self.mark;
        BundleRefusal {
            needs_a_person: true,
            is_unread: false,
            why: format!("batch {batch} is of everybody's jobs, and key {key} of {reader} is believed about their own"),
            next: format!(
                "ask {user}, by another way than this folder, whether the key is theirs, and others whether {user} \
                 coordinates the accounts; if so: `--coordinator {key}`, or `--site-key {key}` where the site itself signs"
            ),
        }
    }

    fn add(&mut self, batch: Batch, reader: &BundleReader<File>) {
        let header = reader.header();
        self.bundle.new_batches += 1;
        let trust = self.mark.trust;
        self.waiting.extend(batch.coverage_of(header, trust).map(Command::Cover));
        if let Some(coverage) = &batch.coverage {
            self.bundle.settled_until = Some(coverage.window.to);
        }
        let view = Viewpoint { site: header.site.clone(), cluster: batch.cluster.clone(), scope: batch.scope.clone() };
        if let Some(sight) = &batch.sight {
            let observed = priced(self.site, &view, sight);
            self.bundle.uncounted = observed.uncounted;
            self.waiting.push(Command::Observe(Box::new(observed.observation)));
        }
        for run in batch.runs {
            let run = run.into_run(&header.site, &batch.cluster, &header.user, trust);
            if let Some(reason) = run.early_start() {
                self.bundle.taken.reject(&run.key, &reason);
                continue;
            }
            self.waiting.push(self.pricer.settlement(run));
        }
    }

    /// Posts what waits under the name of whoever read it, with the place that the bundle was taken in to.
    async fn post(&mut self) -> Result<(), JobsError> {
        let mut commands = std::mem::take(&mut self.waiting);
        if commands.is_empty() {
            return Ok(());
        }
        let keep = KeepBundle { mark: self.mark.clone(), accepts_key: self.accepts_key };
        commands.push(Command::KeepBundle(keep));
        let house = self.desk.house;
        let reader = model::Principal { user: self.mark.user.clone(), site: Some(self.mark.site.clone()) };
        let posted = self.desk.book.post(&reader, house.clock.now(), &commands).await;
        let outcomes: Vec<Outcome> = booked(posted, NOT_MERGED)?;
        self.foreign.see(self.desk.book, &commands, &outcomes).await?;
        let counted = self.bundle.taken.add(&commands, &outcomes);
        counted.map_err(|error| {
            JobsError::new(Gravity::Bug, NOT_MERGED, error.to_string(), "please report it with the bundle")
        })
    }
}

impl MergedBundle {
    fn fail(&mut self, fault: BundleFault) {
        match fault {
            BundleFault::Torn => self.notes.push(
                "its last batch is not whole and was left out: somebody is writing it, or was stopped; the next \
                 `pakt settle --bundle` there mends it"
                    .to_owned(),
            ),
            BundleFault::Source(error) => {
                let is_permitted = error.kind() != io::ErrorKind::PermissionDenied;
                self.refused = Some(BundleRefusal::unread(io_words(&error), is_permitted));
            }
            fault @ BundleFault::Broken { .. } => self.refused = Some(BundleRefusal::broken(fault.to_string())),
        }
    }
}
