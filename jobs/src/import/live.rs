//! Runs that the scheduler is asked for: window by window, while those of the last one are posted.

use super::{
    chunk::{CHUNK, Chunk},
    run::NOT_FINISHED,
    windows::Windows,
};
use crate::{
    error::JobsError,
    house::House,
    reached::scheduled,
    settle::{Adopted, Pricer, raw, rights},
};
use async_trait::async_trait;
use ledger::{Coverage, Scope};
use model::{AccountName, ClusterName, Run, Timestamp, Window};
use scheduler_adapters::{RejectedRow, RunTaker, RunWindow, Users, Whose};
use sites::Site;
use std::collections::BTreeSet;
use tokio::sync::mpsc::Sender;

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) house: &'a House,
    pub(super) site: &'a Site,
    pub(super) cluster: ClusterName,
    pub(super) span: Window,
    pub(super) whose: Whose,
    pub(super) adopted: Adopted,
}

/// What is known once all was read.
pub(super) struct Answer {
    /// The digest of the rows as they are kept, each with a line break behind it.
    pub(super) digest: String,
    /// What was read, up to the first row that was not.
    pub(super) coverage: Option<Coverage>,
    /// What else there is to say.
    pub(super) notes: Vec<String>,
}

/// Reads the span. Where nobody takes the chunks any more, what is left is passed over.
pub(super) async fn read(question: &Question<'_>, sender: Sender<Chunk>) -> Result<Answer, JobsError> {
    let Question { house, site, span, whose, adopted, .. } = question;
    let mut intake = Intake {
        pricer: Pricer::at(site),
        adopted,
        reader: &house.principal.user,
        sender,
        chunk: Chunk::default(),
        fields: Vec::new(),
        digest: blake3::Hasher::new(),
        shared_accounts: BTreeSet::new(),
        window: *span,
        is_last: false,
        rows: 0,
        missing_since: None,
        is_gone: false,
    };
    let mut windows = Windows::of(*span);
    while let Some(window) = windows.next().filter(|_| !intake.is_gone) {
        (intake.window, intake.is_last, intake.rows) = (window, window.to == span.to, 0);
        let asked = RunWindow { site: house.here.clone(), window, whose: whose.clone() };
        scheduled(house.scheduler.each_run(&asked, &mut intake).await, NOT_FINISHED)?;
        windows.learn(intake.rows);
    }
    intake.hand_on().await;
    let mut notes = Vec::new();
    let coverage = coverage(question, &intake, &mut notes).await;
    Ok(Answer { digest: intake.digest.finalize().to_hex().to_string(), coverage, notes })
}

async fn coverage(question: &Question<'_>, intake: &Intake<'_>, notes: &mut Vec<String>) -> Option<Coverage> {
    let Question { house, cluster, span, whose, .. } = question;
    let user = house.principal.user.clone();
    let scope = match whose.users {
        _ if house.scheduler.capabilities().is_personal => Scope::Site(user),
        Users::Mine => Scope::User(user),
        Users::Visible => Scope::All(user),
    };
    let window = Window { from: span.from, to: intake.missing_since.map_or(span.to, |since| since.min(span.to)) };
    if window.to <= window.from {
        return None;
    }
    let (rights, whole_accounts) = rights(house, &scope, &intake.shared_accounts, notes).await;
    Some(Coverage {
        site: house.here.clone(),
        cluster: cluster.clone(),
        scope,
        rights,
        whole_accounts,
        hidden_accounts: Vec::new(),
        window,
        observed_at: span.to,
    })
}

/// Takes rows, and hands a chunk on whenever it is full.
struct Intake<'a> {
    pricer: Pricer<'a>,
    adopted: &'a Adopted,
    reader: &'a model::UserName,
    sender: Sender<Chunk>,
    chunk: Chunk,
    fields: Vec<String>,
    digest: blake3::Hasher,
    /// The accounts in which somebody else's run was seen.
    shared_accounts: BTreeSet<Option<AccountName>>,
    window: Window,
    /// Whether nothing is asked behind this window.
    is_last: bool,
    /// Those that the answer for this window had.
    rows: u64,
    /// The earliest end of a row that could not be read.
    missing_since: Option<Timestamp>,
    /// Whether the books took no more.
    is_gone: bool,
}

#[async_trait]
impl RunTaker for Intake<'_> {
    fn learn_fields(&mut self, fields: &[String]) {
        self.fields = fields.to_vec();
    }

    async fn take(&mut self, run: Run) {
        self.keep(run);
        if self.chunk.is_full(CHUNK) {
            self.hand_on().await;
        }
    }

    fn reject(&mut self, row: RejectedRow) {
        self.rows += 1;
        self.chunk.rejected.push(raw::shown(&row));
        let ended_at = raw::ended_at(&row, &self.fields).unwrap_or(self.window.from);
        self.missing_since = Some(self.missing_since.map_or(ended_at, |since| since.min(ended_at)));
    }
}

impl Intake<'_> {
    fn keep(&mut self, run: Run) {
        self.rows += 1;
        if !self.is_of_this_window(&run) {
            return;
        }
        if run.user != *self.reader && !self.shared_accounts.contains(&run.account) {
            self.shared_accounts.insert(run.account.clone());
        }
        if run.ended_at.is_none() {
            self.chunk.add_running(&run, None);
            return;
        }
        let stamp = run.stamp.or_else(|| self.adopted.stamp(run.key.scheduler_job, run.key.submitted_at));
        let raw = raw::kept(&run.raw, &self.fields);
        self.digest.update(raw.as_bytes()).update(b"\n");
        self.chunk.bytes += raw.len() as u64 + 1;
        self.chunk.commands.push(self.pricer.settlement(Run { stamp, raw, ..run }));
    }

    /// A run is in the answer for every window that it touches, and counts in the one where it ended: what has not ended,
    /// or ended after the last question was begun, in the last one.
    fn is_of_this_window(&self, run: &Run) -> bool {
        match run.ended_at {
            Some(ended_at) => ended_at >= self.window.from && (self.is_last || ended_at < self.window.to),
            None => self.is_last,
        }
    }

    async fn hand_on(&mut self) {
        self.is_gone |= self.sender.send(std::mem::take(&mut self.chunk)).await.is_err();
    }
}
