//! One row of a text.

use super::{header::Header, recent_lists::RecentLists};
use crate::{
    RejectedRow,
    slurm::{accounting_row, columns::Column, rows::UNIT_SEPARATOR, tasks, values},
};
use model::{ClusterName, Run, SchedulerJobId, SiteName, Stamp, Timestamp, UserName, Zone};
use std::ops::Range;

/// How far a cluster's clock may be ahead of that of whoever asked it.
const CLOCK_AHEAD_SECONDS: i64 = 300;

/// What is known of a text beside its words.
#[derive(Clone, Debug)]
pub struct TextFacts {
    /// Of which site.
    pub site: SiteName,
    /// Of which cluster, whatever its rows say; as they say where absent.
    pub cluster: Option<ClusterName>,
    /// Who brings it.
    pub reader: UserName,
    /// When accounting was asked.
    pub observed_at: Timestamp,
    /// The zone of times that have none.
    pub zone: Option<Zone>,
}

/// What a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextRow {
    /// A run, ended or not.
    Run(Box<Run>),
    /// A job that has had no nodes.
    NotStarted(NotStarted),
    /// A step of a run, which counts nothing of its own.
    Step,
    /// What could not be read.
    Rejected(RejectedRow),
}

/// A job that has had no nodes yet, or never will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotStarted {
    /// The scheduler's id.
    pub job: SchedulerJobId,
    /// Our mark, where it is one of ours.
    pub stamp: Option<Stamp>,
    /// Whose.
    pub user: UserName,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// Whether it is over.
    pub is_over: bool,
}

/// A row whose values are known.
pub(super) struct Values<'a> {
    pub(super) header: &'a Header,
    pub(super) text: &'a str,
    /// Where delimiters stand; those behind the last column's beginning belong to its value.
    pub(super) delimiters: &'a [usize],
    /// Whether bytes that are no UTF-8 were replaced.
    pub(super) is_lossy: bool,
}

impl<'a> Values<'a> {
    fn at(&self, place: usize) -> &'a str {
        &self.text[self.range(place)]
    }

    /// Where a value stands.
    fn range(&self, place: usize) -> Range<usize> {
        let from = if place == 0 { 0 } else { self.delimiters[place - 1] + 1 };
        let is_last = place + 1 == self.header.titles.len();
        from..if is_last { self.text.len() } else { self.delimiters[place] }
    }

    fn of(&self, column: Column, facts: &'a TextFacts) -> &'a str {
        match (column, &facts.cluster) {
            (Column::Cluster, Some(cluster)) => return cluster.as_str(),
            (Column::AllocatedNodes, _) => return self.nodes(),
            _ => {}
        }
        match (self.header.places.get(column), column) {
            (Some(place), _) => self.at(place),
            (None, Column::JobId) => self.of(Column::JobIdRaw, facts),
            (None, Column::ExitCode) => "0:0",
            (None, Column::RequestedNodes) => "0",
            (None, _) => "",
        }
    }

    /// The nodes; where no column tells, some where resources were given.
    fn nodes(&self) -> &'a str {
        match (self.header.nodes, self.header.places.get(Column::Allocated)) {
            (Some(place), _) => self.at(place),
            (None, Some(place)) if !values::is_absent(self.at(place)) => "1",
            _ => "0",
        }
    }

    /// The first of its times that has no zone, where it has one.
    pub(super) fn zoneless(&self) -> Option<&'a str> {
        let times = [Column::Submit, Column::Start, Column::End];
        let mut times = times.into_iter().filter_map(|column| self.header.places.get(column)).map(|at| self.at(at));
        times.find(|time| Timestamp::is_local(time))
    }

    /// As it is kept: without the words of the submission, which may hold a secret.
    pub(super) fn raw(&self) -> String {
        let secret = self.header.places.get(Column::SubmitLine).map_or(0..0, |place| self.range(place));
        let mut raw = Vec::with_capacity(self.text.len());
        raw.extend_from_slice(&self.text.as_bytes()[..secret.start]);
        raw.extend_from_slice(&self.text.as_bytes()[secret.end..]);
        for at in self.delimiters.iter().take(self.header.titles.len() - 1) {
            let place = if *at < secret.end { *at } else { at - secret.len() };
            raw[place] = UNIT_SEPARATOR.as_bytes()[0];
        }
        String::from_utf8(raw).expect("one ASCII character took the place of another")
    }
}

/// Reads a row.
pub(super) fn read<'a>(values: &Values<'a>, facts: &'a TextFacts, lists: &mut RecentLists) -> TextRow {
    let field = |column: Column| values.of(column, facts);
    if field(Column::JobIdRaw).contains('.') {
        return TextRow::Step;
    }
    match read_job(values, facts, lists) {
        Ok(row) => row,
        Err(reason) => {
            let (comment, submit_line, name) =
                (field(Column::Comment), field(Column::SubmitLine), field(Column::JobName));
            let stamp = tasks::stamp_of_unread(comment, submit_line, name, field(Column::JobId));
            TextRow::Rejected(RejectedRow { raw: values.raw(), reason, stamp, is_cut: false })
        }
    }
}

fn read_job<'a>(values: &Values<'a>, facts: &'a TextFacts, lists: &mut RecentLists) -> Result<TextRow, String> {
    let field = |column: Column| values.of(column, facts);
    if values.is_lossy {
        let names = [Column::Cluster, Column::User, Column::Account, Column::Partition, Column::Qos];
        if let Some(column) = names.into_iter().find(|column| field(*column).contains(char::REPLACEMENT_CHARACTER)) {
            return Err(format!("{} is not written in UTF-8", column.title()));
        }
    }
    let instant = |text: &str, what: &str| instant(text, what, facts.zone.as_ref());
    let tres = |text: &str, what: &str| lists.read(text, what);
    let row = accounting_row::read(field, instant, tres, || values.raw())?;
    let ahead = facts.observed_at.plus_seconds(CLOCK_AHEAD_SECONDS);
    if let Some(time) = row.latest_time().filter(|time| *time > ahead) {
        return Err(format!("it is of {time}, and accounting was asked at {}", facts.observed_at));
    }
    let not_started = NotStarted {
        job: row.id(),
        stamp: row.stamp(),
        user: row.user().clone(),
        submitted_at: row.submitted_at(),
        is_over: row.is_over(),
    };
    let run = row.run(&facts.site, &facts.reader, facts.observed_at);
    Ok(run.map_or(TextRow::NotStarted(not_started), |run| TextRow::Run(Box::new(run))))
}

/// A time in epoch seconds or as people write it.
fn instant(text: &str, what: &str, zone: Option<&Zone>) -> Result<Option<Timestamp>, String> {
    if values::is_absent(text) || text.bytes().all(|byte| byte.is_ascii_digit()) {
        return values::instant(text, what);
    }
    let read = match zone {
        Some(zone) if Timestamp::is_local(text) => zone.instant(text),
        _ => text.parse(),
    };
    read.map(Some).map_err(|error: model::TimeError| match error {
        model::TimeError::Ambiguous(..) => format!(
            "{what}: {error}; write its offset from UTC behind it, such as `+01:00`, or ask again with `SLURM_TIME_FORMAT=%s sacct ...`"
        ),
        model::TimeError::NotATime(_) => format!("{what}: {error}"),
    })
}
