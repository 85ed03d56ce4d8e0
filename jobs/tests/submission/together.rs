//! Many jobs begun together: killed between any two files of any step, each is one job in the end; and the disk is synced
//! less often than for as many jobs one by one.

use crate::{desk::Desk, many::files, stage::mortal::Mortal, wish::sent};
use jobs::{
    House, JobsError,
    directory::State,
    submit::{Arrays, ManyAnswer, ManySubmission, MemberOutcome, Over, submit_many},
};
use ledger::EntryKind;
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicUsize},
};

async fn call(house: &House, count: usize) -> Result<ManyAnswer, JobsError> {
    submit_many(
        house,
        ManySubmission { files: files(count), over: Over::Ask, anyway: None, arrays: Arrays::Wanted { at_once: None } },
    )
    .await
}

fn all_are_submitted(answer: &ManyAnswer) -> bool {
    answer.members.iter().all(|member| matches!(member.outcome, MemberOutcome::Submitted(_)))
}

/// The house of a process that dies before it changes more than so many things.
fn mortal(desk: &Desk, changes: usize) -> House {
    let house = desk.house("ada");
    let files = Arc::new(Mortal { left: AtomicUsize::new(changes), unreadable: None });
    let state = State::new(house.state.root().to_owned(), house.state.mode(), files.clone());
    House { files, state, ..house }
}

#[tokio::test]
async fn killed_before_any_file_the_same_call_makes_each_job_once() {
    let mut changes = 0;
    loop {
        let desk = Desk::new().await;
        let is_whole = call(&mortal(&desk, changes), 3).await.is_ok_and(|answer| all_are_submitted(&answer));
        let answer = call(&desk.house("ada"), 3).await.expect("it goes on");
        assert!(all_are_submitted(&answer), "after {changes} changes");
        let stamps: BTreeSet<String> = desk.says().handed.sent.iter().map(|sent| sent.stamp.to_string()).collect();
        let holds = desk.entries().await.iter().filter(|entry| entry.kind == EntryKind::Hold).count();
        assert_eq!((sent(&desk), stamps.len(), holds), (3, 3, 3), "after {changes} changes");
        if is_whole {
            break;
        }
        changes += 1;
    }
    assert!(changes > 25, "{changes} changes are few");
}

/// A machine that loses its power while jobs are begun may keep what was written later and lose what was written before: in
/// what order names last is not promised until they are synced, and nothing is held before that.
#[tokio::test]
async fn directories_whose_requests_were_lost_are_jobs_that_were_never_sent() {
    for changes in 0.. {
        let desk = Desk::new().await;
        drop(call(&mortal(&desk, changes), 2).await);
        if desk.entries().await.iter().any(|entry| entry.kind == EntryKind::Hold) {
            assert!(changes > 10, "{changes} changes are few");
            break;
        }
        let _ = std::fs::remove_dir_all(desk.house("ada").state.root().join("requests"));
        let answer = call(&desk.house("ada"), 2).await.expect("it goes on");
        let holds = desk.entries().await.iter().filter(|entry| entry.kind == EntryKind::Hold).count();
        assert_eq!((all_are_submitted(&answer), sent(&desk), holds), (true, 2, 2), "after {changes} changes");
    }
}

#[tokio::test]
async fn jobs_that_are_begun_together_share_syncs_of_directories() {
    const JOBS: u64 = 16;
    let desk = Desk::new().await;
    let before = reach::counters();
    let answer = call(&desk.house("ada"), 16).await.expect("submitted");
    assert!(all_are_submitted(&answer));
    // Seven files of each job and eight times a directory of its own; what they share, and the set, are a few more. Each by
    // itself was 18, and the same few.
    let syncs = reach::counters().since(before).syncs;
    assert!(syncs < 16 * JOBS, "{syncs} syncs for {JOBS} jobs");
}
