//! Which columns a cluster's `sacct` knows: asked once for a cluster and a release, and kept where the caller says.

use crate::{
    AdapterError, AdapterErrorKind,
    slurm::{SlurmCommands, call::Tool},
};
use model::ClusterName;
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::Mutex;

macro_rules! columns {
    ($($variant:ident = $title:literal,)*) => {
        /// The columns of `sacct` that are read (sacct(1), `--helpformat`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Column { $($variant),* }

        impl Column {
            pub(super) const ALL: &[Self] = &[$(Self::$variant),*];

            /// As `sacct` titles it.
            pub(super) const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }
        }
    };
}

columns! {
    JobIdRaw = "JobIDRaw",
    JobId = "JobID",
    Cluster = "Cluster",
    User = "User",
    UserNumber = "UID",
    Account = "Account",
    Partition = "Partition",
    Qos = "QOS",
    State = "State",
    ExitCode = "ExitCode",
    Submit = "Submit",
    Start = "Start",
    End = "End",
    Elapsed = "ElapsedRaw",
    TimeLimit = "TimelimitRaw",
    AllocatedNodes = "AllocNodes",
    RequestedNodes = "ReqNodes",
    Allocated = "AllocTRES",
    Requested = "ReqTRES",
    Reason = "Reason",
    Sluid = "SLUID",
    Restarts = "Restarts",
    Suspended = "Suspended",
    WorkDirectory = "WorkDir",
    Comment = "Comment",
    SubmitLine = "SubmitLine",
    JobName = "JobName",
}

/// So many of them stand in front without which a row says nothing; all are there since 21.08.
const NEEDED: usize = 20;

/// Where each column of [`Column::ALL`] stands in a row; none where the rows lack it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Places([Option<usize>; Column::ALL.len()]);

impl Places {
    /// The places of columns with these titles, in any case of letters.
    pub(super) fn of(titles: &[impl AsRef<str>]) -> Self {
        let mut places = [None; Column::ALL.len()];
        for (place, column) in places.iter_mut().zip(Column::ALL) {
            *place = titles.iter().position(|title| title.as_ref().eq_ignore_ascii_case(column.title()));
        }
        Self(places)
    }

    pub(super) const fn get(&self, column: Column) -> Option<usize> {
        self.0[column as usize]
    }
}

/// The most bytes of a file of columns: a release has some hundred.
const FILE_LIMIT: usize = 64 * 1024;

/// The columns that this cluster's `sacct` knows, of those we can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AccountingFields {
    pub(super) titles: Vec<&'static str>,
    places: Places,
}

impl AccountingFields {
    /// Chooses from what `sacct --helpformat` lists. An unknown column would fail the whole question.
    pub(super) fn choose(known: &str) -> Result<Self, AdapterError> {
        let is_known = |field: &&str| known.split_whitespace().any(|word| word.eq_ignore_ascii_case(field));
        let (needed, wanted) = Column::ALL.split_at(NEEDED);
        let needed = needed.iter().map(|column| column.title());
        let missing: Vec<&str> = needed.clone().filter(|field| !is_known(field)).collect();
        if !missing.is_empty() {
            return Err(AdapterError::new(AdapterErrorKind::Unsupported, "asking accounting for its columns")
                .with("missing", missing.join(", ")));
        }
        // Free text stands behind all others, and the job's name last of all.
        let wanted = wanted.iter().map(|column| column.title()).filter(|title| is_known(title) || *title == "JobName");
        let titles: Vec<&str> = needed.chain(wanted).collect();
        Ok(Self { places: Places::of(&titles), titles })
    }

    /// The columns with these titles; none where one is needed that is not among them, or they are in another order.
    pub(super) fn of(titles: &[String]) -> Option<Self> {
        Self::choose(&titles.join(" ")).ok().filter(|fields| fields.titles == titles)
    }

    /// The value of a column in a row; empty where the site's Slurm has no such column.
    pub(super) fn value<'row>(&self, values: &[&'row str], column: Column) -> &'row str {
        self.places.get(column).and_then(|place| values.get(place)).copied().unwrap_or_default()
    }
}

/// Which cluster answers, in which release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) cluster: ClusterName,
    pub(super) version: String,
}

/// What is kept in the file: all columns, because a later release of ours may want others of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    of: Identity,
    columns: String,
}

/// What is remembered of the columns.
#[derive(Clone, Debug)]
struct Known {
    fields: Arc<AccountingFields>,
    /// Of whom, where that is known.
    of: Option<Identity>,
}

impl Known {
    fn is_of(&self, identity: Option<&Identity>) -> bool {
        self.of.is_none() || identity.is_none() || self.of.as_ref() == identity
    }
}

/// The columns so far, and the file that outlives this process.
#[derive(Debug, Default)]
pub(super) struct Columns {
    known: Mutex<Option<Known>>,
    file: Option<PathBuf>,
}

impl Columns {
    pub(super) fn kept_in(file: PathBuf) -> Self {
        Self { known: Mutex::default(), file: Some(file) }
    }
}

impl SlurmCommands {
    /// The columns of this cluster's release: from memory, from the file or, once, from `sacct` itself. What was kept of
    /// another cluster or release does not count, as soon as it is known which one answers here.
    pub(super) async fn fields(&self) -> Result<Arc<AccountingFields>, AdapterError> {
        let mut known = self.columns.known.lock().await;
        let identity = self.identity.get();
        if let Some(held) = known.as_ref().filter(|held| held.is_of(identity)) {
            return Ok(Arc::clone(&held.fields));
        }
        let found = match self.recall().await.filter(|kept| kept.is_of(identity)) {
            Some(kept) => kept,
            None => self.probe().await?,
        };
        let fields = Arc::clone(&found.fields);
        *known = Some(found);
        Ok(fields)
    }

    /// Asks `sacct` anew, because it did not know a column any more.
    pub(super) async fn renewed_fields(&self) -> Result<Arc<AccountingFields>, AdapterError> {
        let found = self.probe().await?;
        let fields = Arc::clone(&found.fields);
        *self.columns.known.lock().await = Some(found);
        Ok(fields)
    }

    async fn probe(&self) -> Result<Known, AdapterError> {
        let listed = self.ask(Tool::Sacct, &["--helpformat"]).await?;
        let columns = listed.split_whitespace().collect::<Vec<_>>().join(" ");
        let fields = Arc::new(AccountingFields::choose(&columns)?);
        // Of whom they are is asked only where they are kept; without an answer they are good for this process.
        let of = if self.can_keep().await { self.identity().await.ok().cloned() } else { self.identity.get().cloned() };
        if let Some(of) = &of {
            self.keep(&Kept { of: of.clone(), columns }).await;
        }
        Ok(Known { fields, of })
    }

    /// What the file says; nothing where there is none, or one that cannot be read: asking again costs one process.
    async fn recall(&self) -> Option<Known> {
        let bytes = self.reach.read(self.columns.file.as_deref()?, FILE_LIMIT).await.ok()??;
        let kept: Kept = serde_json::from_slice(&bytes).ok()?;
        Some(Known { fields: Arc::new(AccountingFields::choose(&kept.columns).ok()?), of: Some(kept.of) })
    }

    /// Whether there is a file to write, and a folder for it.
    async fn can_keep(&self) -> bool {
        let Some(folder) = self.columns.file.as_deref().and_then(Path::parent) else { return false };
        self.reach.modified_at(folder).await.is_ok_and(|modified_at| modified_at.is_some())
    }

    /// Writes the file. Where that fails, the next process asks again.
    async fn keep(&self, kept: &Kept) {
        if let Some(file) = &self.columns.file {
            let bytes = serde_json::to_vec(kept).expect("a plain record");
            let _ = self.reach.replace(file, &bytes).await;
        }
    }
}
