//! Which ledgers hold for the jobs of a state folder. A ledger on a laptop and another on a login node know nothing of each other:
//! each sees free what the other holds. Whoever submits from afar leaves a mark of the ledger in use beside the jobs, and whoever
//! finds another's mark leaves one as well, so that both sides are told.

use crate::{
    error::JobsError,
    house::{House, Vantage},
    reached::{booked, reached},
};
use model::{Principal, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The folder of the marks, in the state folder.
const FOLDER: &str = "ledgers";
/// The longest mark, in bytes.
const LONGEST: usize = 64 * 1024;
/// The most marks that are read: a person has one ledger, or two by mistake.
const MOST: usize = 16;

/// A ledger that holds for jobs of a state folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerMark {
    /// Version of the record.
    pub version: u32,
    /// The name of its log, which it keeps for good: `pakt-ledger/0123456789abcdef`.
    pub ledger: String,
    /// Where it lies, as seen from the machine that left the mark.
    pub place: String,
    /// That machine.
    pub host: String,
    /// Who left the mark.
    pub principal: Principal,
    /// When.
    pub at: Timestamp,
}

/// A ledger other than the one in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherLedger {
    /// What it left.
    pub mark: LedgerMark,
    /// The file that is to go away once that ledger is in use no more.
    pub file: PathBuf,
}

/// The other ledgers that hold for jobs here; none where no ledger is in use.
pub async fn other_ledgers(house: &House) -> Result<Vec<OtherLedger>, JobsError> {
    let marks = marks(house).await?;
    if marks.is_empty() {
        return Ok(marks);
    }
    let own = name_in_use(house).await?;
    Ok(marks.into_iter().filter(|other| own.as_ref().is_some_and(|own| *own != other.mark.ledger)).collect())
}

/// The same behind a submission: the ledger in use leaves its mark where it is used from afar, and where another has left one.
/// On one machine alone that is one look at a folder that is not there.
pub async fn meet_other_ledgers(house: &House) -> Result<Vec<OtherLedger>, JobsError> {
    let mut marks = marks(house).await?;
    if marks.is_empty() && house.vantage == Vantage::Site {
        return Ok(marks);
    }
    let Some(own) = name_in_use(house).await? else { return Ok(Vec::new()) };
    let all = marks.len();
    marks.retain(|other| other.mark.ledger != own);
    if marks.len() == all {
        leave(house, own).await?;
    }
    Ok(marks)
}

/// The name of the log of the ledger in use; none where there is no ledger, or nobody signs it.
async fn name_in_use(house: &House) -> Result<Option<String>, JobsError> {
    let what = "the ledger in use was not compared with others";
    let Some(book) = booked(house.books.book().await, what)? else { return Ok(None) };
    let log = booked(book.log().await, what)?;
    Ok(log.key.map(|key| key.name().to_string()))
}

/// The marks that can be read; a damaged one tells nothing.
async fn marks(house: &House) -> Result<Vec<OtherLedger>, JobsError> {
    let what = "it was not looked up which ledgers hold for the jobs here";
    let folder = house.state.root().join(FOLDER);
    let listed = reached(house.files.list(&folder).await, what)?.unwrap_or_default();
    let mut marks = Vec::new();
    for entry in
        listed.iter().filter(|entry| Path::new(&entry.name).extension().is_some_and(|kind| kind == "json")).take(MOST)
    {
        let file = folder.join(&entry.name);
        let bytes = reached(house.files.read(&file, LONGEST).await, what)?;
        if let Some(mark) = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            marks.push(OtherLedger { mark, file });
        }
    }
    Ok(marks)
}

async fn leave(house: &House, ledger: String) -> Result<(), JobsError> {
    let what = "the ledger in use left no mark beside the jobs";
    let folder = house.state.root().join(FOLDER);
    reached(house.files.create_directories(&folder, house.state.mode()).await, what)?;
    let file = folder.join(format!("{}.json", ledger.replace('/', "-")));
    let mark = LedgerMark {
        version: 1,
        ledger,
        place: house.books.place().display().to_string(),
        host: own_host(house).await,
        principal: house.principal.clone(),
        at: house.clock.now(),
    };
    let text = serde_json::to_vec_pretty(&mark).expect("texts and numbers");
    reached(house.files.write_once(&file, &text).await, what).map(drop)
}

/// The name of the machine that this program runs on.
async fn own_host(house: &House) -> String {
    let read = house.own_files.read(Path::new("/proc/sys/kernel/hostname"), LONGEST).await;
    let name = read.ok().flatten().map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "an unknown machine".to_owned())
}
