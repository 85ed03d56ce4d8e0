//! Turns, as they are given from what is known, and what a look may cost.

use super::*;
use crate::local::{
    facts::{End, ProcessIdentity},
    process,
    store::SUPERVISOR,
};
use model::BaseState;

fn record(id: u64, cpus: u32, gpus: u32) -> Record {
    Record {
        id: SchedulerJobId::new(id),
        user: "alice".to_owned(),
        name: String::new(),
        stamp: String::new(),
        submitted_at: Timestamp::default(),
        arguments: Vec::new(),
        directory: "/".into(),
        output: "/dev/null".into(),
        cpus,
        gpus,
        time_limit_seconds: 60,
        host_cpus: 8,
        host_gpus: 4,
    }
}

fn job(id: u64, cpus: u32, gpus: u32, held: Option<&[u32]>) -> JobView {
    let start = held.map(|held| Start { started_at: Timestamp::default(), gpus: held.to_vec() });
    JobView { record: record(id, cpus, gpus), start, end: None }
}

#[test]
fn turns() {
    for (what, others, wanted) in [
        ("alone", vec![], Turn::Now(vec![0, 1])),
        ("beside a small one", vec![job(1, 2, 1, Some(&[0]))], Turn::Now(vec![1, 2])),
        ("gaps are used", vec![job(1, 1, 2, Some(&[0, 2]))], Turn::Now(vec![1, 3])),
        ("no GPU left", vec![job(1, 1, 3, Some(&[0, 1, 2]))], Turn::Resources),
        ("no CPU left", vec![job(1, 7, 0, Some(&[]))], Turn::Resources),
        ("behind one that waits", vec![job(2, 1, 0, None)], Turn::Priority),
        ("before one that waits", vec![job(9, 1, 0, None)], Turn::Now(vec![0, 1])),
    ] {
        let active: Vec<JobView> = others.into_iter().chain([job(5, 2, 2, None)]).collect();
        assert_eq!(Slots::taken_by(&active).turn(&record(5, 2, 2)), wanted, "{what}");
    }
}

/// A folder with jobs of this process's own supervision, none of them started.
fn waiting(count: u64) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::new(folder.path().to_owned());
    store.prepare().expect("made");
    let own = i32::try_from(std::process::id()).expect("a process id");
    let supervisor: ProcessIdentity = process::identity(own).expect("it lives");
    for raw in 1..=count {
        let id = store.claim_id().expect("an id");
        assert_eq!(id, SchedulerJobId::new(raw));
        write_fact(&store.job(id).join(RECORD), &record(raw, 8, 0)).expect("written");
        write_fact(&store.job(id).join(SUPERVISOR), &supervisor).expect("written");
    }
    (folder, store)
}

/// Makes everything about a job unreadable.
fn spoil(store: &Store, id: u64) {
    for fact in [RECORD, SUPERVISOR] {
        std::fs::write(store.job(SchedulerJobId::new(id)).join(fact), "no fact").expect("ours");
    }
}

#[test]
fn a_look_reads_only_what_stands_in_the_way() {
    let (_folder, store) = waiting(30);
    let now = Timestamp::from_epoch_seconds(1_000);
    let mut last = Lookout::of(SchedulerJobId::new(30));
    (1..29).for_each(|id| spoil(&store, id));
    assert_eq!(last.look(&store, &record(30, 8, 0), now), Ok(None), "29 waits");
    assert_eq!(last.look(&store, &record(30, 8, 0), now), Ok(None), "29 still waits");
    store.end(SchedulerJobId::new(29), &End::at(now, BaseState::Cancelled)).expect("written");
    last.look(&store, &record(30, 8, 0), now).expect_err("now 28 is looked at, and cannot be read");
}

#[test]
fn the_first_in_line_does_not_read_those_behind_it() {
    let (_folder, store) = waiting(30);
    let now = Timestamp::from_epoch_seconds(1_000);
    (2..=30).for_each(|id| spoil(&store, id));
    let mut first = Lookout::of(SchedulerJobId::new(1));
    let start = first.look(&store, &record(1, 8, 0), now).expect("readable").expect("its turn");
    assert_eq!(start.started_at, now);
    assert_eq!(first.look(&store, &record(1, 8, 0), now), Ok(Some(start)), "once started, always");
}

#[test]
fn jobs_start_in_order_as_slots_become_free() {
    let (_folder, store) = waiting(3);
    let now = Timestamp::from_epoch_seconds(1_000);
    let mut lookouts = [1, 2, 3].map(|id| Lookout::of(SchedulerJobId::new(id)));
    for turn in 0..3_u64 {
        for waiting in (turn + 1..3).rev() {
            let place = usize::try_from(waiting).expect("small");
            let looked = lookouts[place].look(&store, &record(waiting + 1, 8, 0), now);
            assert_eq!(looked, Ok(None), "{} before {}", waiting + 1, turn + 1);
        }
        let place = usize::try_from(turn).expect("small");
        lookouts[place].look(&store, &record(turn + 1, 8, 0), now).expect("readable").expect("its turn");
        store.end(SchedulerJobId::new(turn + 1), &End::at(now, BaseState::Completed)).expect("written");
    }
}
