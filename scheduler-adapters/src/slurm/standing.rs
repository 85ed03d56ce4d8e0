//! Where jobs stand, put together from rows: the last row of each id, and of what was submitted as several jobs the part
//! that has furthest to go.

use crate::{JobSighting, RejectedRow};
use model::{SchedulerJobId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The rows about jobs that were asked for.
pub(super) struct Standing {
    wanted: BTreeSet<SchedulerJobId>,
    earliest: Timestamp,
    /// The last row of each raw id; of tasks of an array that wait together, of each task.
    latest: BTreeMap<SchedulerJobId, JobSighting>,
    rejected: Vec<RejectedRow>,
}

impl Standing {
    /// For these jobs, as far as they were submitted at an instant or later.
    pub(super) fn of(wanted: BTreeSet<SchedulerJobId>, earliest: Timestamp) -> Self {
        Self { wanted, earliest, latest: BTreeMap::new(), rejected: Vec::new() }
    }

    /// Takes a row, if it is about one of them.
    pub(super) fn take(&mut self, row: JobSighting) {
        let is_wanted = names(&row).iter().any(|id| self.wanted.contains(id));
        let key = if row.id == row.leader { row.handle() } else { row.id };
        let is_later = self.latest.get(&key).is_none_or(|before| before.submitted_at <= row.submitted_at);
        if is_wanted && is_later && row.submitted_at >= self.earliest {
            self.latest.insert(key, row);
        }
    }

    /// Takes rows that cannot be read, as far as they may be about one of them.
    pub(super) fn take_rejected(&mut self, rows: Vec<RejectedRow>) {
        self.rejected.extend(rows.into_iter().filter(|row| row.may_be_one_of(|id| has(&self.wanted, id))));
    }

    /// Where each of them stands that a row was about.
    pub(super) fn standing(&self) -> BTreeMap<SchedulerJobId, JobSighting> {
        let mut standing: BTreeMap<SchedulerJobId, &JobSighting> = BTreeMap::new();
        for row in self.latest.values() {
            for id in names(row).intersection(&self.wanted) {
                let shown = standing.entry(*id).or_insert(row);
                if to_go(row, *id) < to_go(shown, *id) {
                    *shown = row;
                }
            }
        }
        standing.into_iter().map(|(id, row)| (id, row.clone())).collect()
    }

    /// Those that no row was about.
    pub(super) fn missing(&self) -> BTreeSet<SchedulerJobId> {
        let standing = self.standing();
        self.wanted.iter().copied().filter(|id| !standing.contains_key(id)).collect()
    }

    /// A row that cannot be read and may be about one of these.
    pub(super) fn rejected_of(&self, ids: &BTreeSet<SchedulerJobId>) -> Option<&RejectedRow> {
        self.rejected.iter().find(|row| row.may_be_one_of(|id| has(ids, id)))
    }
}

/// The ids by which a row may have been asked for.
fn names(row: &JobSighting) -> BTreeSet<SchedulerJobId> {
    BTreeSet::from([row.id, row.leader, row.handle()])
}

/// Whether a job is among those with these ids, or may be a task of one: a row that cannot be read tells no more than a number,
/// and that of a task may be any.
fn has(ids: &BTreeSet<SchedulerJobId>, id: SchedulerJobId) -> bool {
    ids.iter().any(|known| *known == id || known.task().is_some())
}

/// Sorts what runs before what waits before what ended, and among equals the part that bears the id first.
fn to_go(row: &JobSighting, id: SchedulerJobId) -> (u8, bool) {
    let order = match () {
        () if row.state.is_running() => 0,
        () if row.state.is_pending() => 1,
        () if !row.state.is_final() => 2,
        () => 3,
    };
    (order, row.id != id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JobForm;
    use model::{BaseState, JobState, Tres, WallTime};

    fn id(raw: u64) -> SchedulerJobId {
        SchedulerJobId::new(raw)
    }

    fn row(raw: u64, leader: u64, state: BaseState, submitted_at: i64) -> JobSighting {
        JobSighting {
            id: id(raw),
            leader: id(leader),
            form: if raw == leader { JobForm::Single } else { JobForm::Array },
            shown_id: raw.to_string(),
            tasks: 1,
            cluster: None,
            user: "alice".parse().expect("a user"),
            account: None,
            partition: None,
            qos: None,
            name: String::new(),
            stamp: None,
            state: JobState::of(state),
            reason: String::new(),
            submitted_at: Timestamp::from_epoch_seconds(submitted_at),
            started_at: None,
            ends_at: None,
            time_limit: None,
            elapsed: WallTime::default(),
            requested: Tres::default(),
            nodes: 1,
            observed_at: Timestamp::from_epoch_seconds(9_000),
        }
    }

    fn standing(rows: Vec<JobSighting>) -> Standing {
        let wanted = [id(1), id(4), id(9)].into();
        let mut standing = Standing::of(wanted, Timestamp::from_epoch_seconds(1_000));
        for row in rows {
            standing.take(row);
        }
        standing
    }

    #[test]
    fn what_was_submitted_as_several_jobs_stands_where_its_last_part_stands() {
        use BaseState::{Completed, Failed, Pending, Running, Suspended};
        for (states, wanted) in [
            ([Completed, Completed, Running], Running),
            ([Completed, Pending, Completed], Pending),
            ([Pending, Running, Completed], Running),
            ([Completed, Suspended, Pending], Suspended),
            ([Failed, Completed, Completed], Failed),
        ] {
            let rows = states.into_iter().zip(1..).map(|(state, raw)| row(raw, 1, state, 2_000)).collect();
            let standing = standing(rows).standing();
            assert_eq!(standing.keys().copied().collect::<Vec<_>>(), [id(1)], "tasks were not asked for");
            assert_eq!(standing[&id(1)].state.base, wanted, "{states:?}");
        }
    }

    #[test]
    fn a_part_that_is_asked_for_itself_stands_for_itself() {
        let standing = standing(vec![row(1, 1, BaseState::Running, 2_000), row(4, 1, BaseState::Completed, 2_000)]);
        assert_eq!(standing.standing()[&id(4)].state.base, BaseState::Completed);
        assert_eq!(standing.missing(), [id(9)].into());
    }

    #[test]
    fn the_last_start_counts_and_an_earlier_owner_of_the_id_does_not() {
        let rows = vec![
            row(1, 1, BaseState::Running, 3_000),
            row(1, 1, BaseState::Completed, 2_000),
            row(4, 4, BaseState::Completed, 999),
        ];
        let standing = standing(rows);
        assert_eq!(standing.standing()[&id(1)].state.base, BaseState::Running);
        assert_eq!(standing.missing(), [id(4), id(9)].into());
    }

    #[test]
    fn rows_that_cannot_be_read_matter_to_those_they_may_be_about() {
        let mut standing = standing(Vec::new());
        let rejected =
            |raw: &str, is_cut| RejectedRow { raw: raw.to_owned(), reason: String::new(), stamp: None, is_cut };
        standing.take_rejected(vec![rejected("4\u{1f}x", false), rejected("5\u{1f}x", false)]);
        assert_eq!(standing.rejected_of(&[id(4)].into()).map(|row| row.raw.as_str()), Some("4\u{1f}x"));
        assert!(standing.rejected_of(&[id(1), id(9)].into()).is_none());
        standing.take_rejected(vec![rejected("5\u{1f}x", true)]);
        assert!(standing.rejected_of(&[id(1)].into()).is_some(), "a row that was cut may be anyone's");
    }
}
