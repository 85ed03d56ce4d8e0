//! `pakt ledger merge`: bundles of members and sites go into a ledger, in any order, as often as one likes.

use super::{
    ENDING,
    merged::{BundleRefusal, MergedBundle, Merging},
    taken::{Again, Taken},
};
use crate::{
    error::{Gravity, JobsError},
    house::House,
    import::Listed,
    reached::reached,
    settle::reprice,
};
use ledger::{KeyTrust, evidence::Fingerprint};
use model::SiteName;
use reach::{EntryKind, files, io_words};
use std::{collections::BTreeSet, path::PathBuf};

pub(super) const NOT_MERGED: &str = "the bundles were not merged";

/// The most bundles of one folder.
const MOST_BUNDLES: usize = 10_000;

/// What is to be merged.
#[derive(Clone, Debug)]
pub struct MergeWish {
    /// Bundles, and folders that have some.
    pub places: Vec<PathBuf>,
    /// Keys that a person has looked at, though bundles of the same name were signed with another one.
    pub accepted: Vec<Fingerprint>,
    /// What keys are believed to say from now on.
    pub trusted: Vec<(Fingerprint, KeyTrust)>,
}

/// What was merged.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct MergeReport {
    /// What became of each bundle, in the order they were read.
    pub bundles: Vec<MergedBundle>,
    /// What became of runs that had no price when they came in.
    pub repriced: Taken,
}

impl MergeReport {
    /// Whether every batch of every bundle was taken in, and every run counted.
    pub fn is_complete(&self) -> bool {
        self.repriced.is_complete()
            && self.bundles.iter().all(|bundle| bundle.refused.is_none() && bundle.taken.is_complete())
    }

    /// Why bundles were not taken in, each once.
    pub fn refusals(&self) -> impl Iterator<Item = &BundleRefusal> {
        self.bundles.iter().filter_map(|bundle| bundle.refused.as_ref())
    }
}

/// Merges bundles. After `Ok` each was taken in up to its end, or up to the batch that is named with a reason; none keeps
/// another one out. After `Err` what was posted by then stands, and the same command goes on.
pub async fn merge(house: &House, wish: MergeWish) -> Result<MergeReport, JobsError> {
    let book = house.needed_book(NOT_MERGED).await?;
    let files = found(&wish.places)?;
    let mut report = MergeReport::default();
    let mut sites = BTreeSet::<SiteName>::new();
    for file in files {
        let bundle = Merging { house, book: book.as_ref(), accepted: &wish.accepted, trusted: &wish.trusted }
            .take_in(file)
            .await?;
        sites.extend(bundle.site.clone().filter(|_| bundle.new_batches + bundle.known_batches > 0));
        report.bundles.push(bundle);
    }
    let mut again = Again::default();
    for site in sites {
        reprice(house, book.as_ref(), house.site(&site)?, &mut again).await?;
    }
    // What still has no price was told of the bundle that it came in with, or of an earlier one.
    again.0.not_priced = Listed::default();
    report.repriced = again.0;
    Ok(report)
}

/// The files that are meant, each once, in the order of their names within a folder.
fn found(places: &[PathBuf]) -> Result<Vec<PathBuf>, JobsError> {
    let mut files = Vec::new();
    for place in places {
        let is_there = place.try_exists().map_err(|error| {
            let why = format!("`{}`: {}", place.display(), io_words(&error));
            let next =
                "whoever merges has to look into that folder: look at its owner, group and mode (`chmod g+rxs DIR`)";
            JobsError::new(Gravity::Unreachable, NOT_MERGED, why, next)
        })?;
        if !is_there {
            let why = format!("there is no file or folder `{}`", place.display());
            let next = "name bundles that `pakt settle --bundle` wrote, or folders that have some";
            return Err(JobsError::usage(NOT_MERGED, why, next));
        }
        if !place.is_dir() {
            files.push(place.clone());
            continue;
        }
        let listed = reached(files::list(place), NOT_MERGED)?.unwrap_or_default();
        let bundles = listed.into_iter().filter(|entry| entry.kind == EntryKind::File && entry.name.ends_with(ENDING));
        let before = files.len();
        files.extend(bundles.map(|entry| place.join(entry.name)));
        if files.len() - before > MOST_BUNDLES {
            let why = format!("`{}` has more than {MOST_BUNDLES} bundles", place.display());
            return Err(JobsError::usage(NOT_MERGED, why, "name fewer at a time: `pakt ledger merge DIR/a*.bundle`"));
        }
        if files.len() == before {
            let why = format!("`{}` has no file whose name ends in `{ENDING}`", place.display());
            let next = "name the folder that members write to with `pakt settle --bundle`";
            return Err(JobsError::usage(NOT_MERGED, why, next));
        }
    }
    Ok(files)
}
