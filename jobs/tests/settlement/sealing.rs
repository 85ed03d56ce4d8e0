//! Sealed job directories: they read as before, whoever was killed on the way, and nothing of another's is touched.

use crate::cluster::{run, stamped};
use crate::desk::{DAY, Desk, Job, NOW, at};
use crate::stage::{
    files::{age, everything},
    mortal::Mortal,
};
use jobs::{
    directory::{Ended, JobDirectory, Origin, Sealing, State},
    seal::{SealReport, seal},
    show::show,
};
use model::{BaseState, JobState};
use reach::DirectoryMode;
use scheduler_adapters::Freshness;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicUsize},
    time::{Duration, SystemTime},
};

/// Everything that a batch script and its program leave, beside what `submit` wrote.
fn leave_markers(directory: &Path) {
    let attempt = directory.join("links/1/attempts/9-0");
    fs::create_dir_all(directory.join("links/1/claim")).expect("fresh");
    fs::create_dir_all(attempt.join("cache")).expect("fresh");
    fs::write(directory.join("links/1/claim/owner"), "scheduler_job=9\nrestart=0\n").expect("ours");
    fs::write(attempt.join("started"), "epoch_seconds=1792999100\nhost=n1\n").expect("ours");
    fs::write(attempt.join("heartbeat"), "").expect("ours");
    fs::write(attempt.join("progress"), "1 3\n3 3 loss=7\n").expect("ours");
    fs::write(attempt.join("program"), "echo trained\n").expect("ours");
    fs::write(attempt.join("ended"), "exit_code=0\nepoch_seconds=1792999200\n").expect("ours");
    fs::write(directory.join("checkpoints"), "step 3\n").expect("ours");
    fs::write(directory.join("log"), "trained\n").expect("ours");
    fs::write(directory.join("script.sh"), "#!/bin/bash\n").expect("ours");
    fs::write(attempt.join("cache/kernel.bin"), "theirs\n").expect("ours");
}

/// A job of ada's that ran and is settled, with all its files, last written when its end was noted.
async fn settled_job(desk: &Desk) -> Job {
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    job.sending("login01", 77, NOW - DAY).await;
    job.submitted(9, NOW - DAY, None).await;
    leave_markers(job.directory.path());
    desk.says().runs = vec![stamped(run(9, "ada", NOW - 900, Some(NOW - 800)), job.stamp())];
    desk.settle("ada").await;
    age(job.directory.path(), NOW);
    // Whoever lists jobs next, as every settlement does, learns that it is over.
    jobs::directory::list(&desk.house("ada").state).await.expect("listed");
    job
}

async fn sealed(desk: &Desk) -> SealReport {
    seal(&desk.house("ada")).await.expect("sealed")
}

/// What can be read of a job.
async fn read(directory: &JobDirectory) -> String {
    format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}",
        directory.intent().await.expect("read"),
        directory.submitted().await.expect("read"),
        directory.ended().await.expect("read"),
        directory.cancel().await.expect("read"),
        directory.sending(1).await.expect("read"),
        directory.attempts().await.expect("read"),
        directory.claimed_by().await.expect("read"),
        directory.progress().await.expect("read"),
    )
}

#[tokio::test]
async fn a_job_that_is_long_over_becomes_one_archive_and_reads_as_before() {
    let desk = Desk::new().await;
    let job = settled_job(&desk).await;
    let before = read(&job.directory).await;
    assert!(before.contains("loss=7") && before.contains("COMPLETED") || before.contains("Completed"), "{before}");
    desk.set_clock(NOW + 7 * DAY - 1);
    assert_eq!(sealed(&desk).await.sealed, vec![], "not a week yet");
    desk.set_clock(NOW + 7 * DAY);
    assert_eq!(sealed(&desk).await.sealed, vec![job.id]);
    let folder = job.directory.path();
    let left: Vec<_> =
        everything(folder).iter().map(|path| path.strip_prefix(folder).expect("below").to_owned()).collect();
    let theirs = ["links", "links/1", "links/1/attempts", "links/1/attempts/9-0", "links/1/attempts/9-0/cache"];
    let mut wanted: Vec<PathBuf> = theirs.iter().map(PathBuf::from).collect();
    wanted.extend(["links/1/attempts/9-0/cache/kernel.bin", "log", "sealed.tar"].map(PathBuf::from));
    wanted.sort();
    assert_eq!(left, wanted, "the log and what is not Pakt's stay");
    let house = desk.house("ada");
    assert_eq!(read(&house.state.job(job.id)).await, before);
    let shown = show(&house, "job-1", Freshness::Shared).await.expect("shown");
    assert_eq!((shown.attempts.len(), shown.progress.map(|progress| progress.step)), (1, Some(3)));
    assert_eq!(sealed(&desk).await.sealed, vec![], "once is enough");
    // Without the index it is looked at again, and nothing is written.
    fs::remove_file(house.state.root().join("ended.index")).expect("it can be thrown away");
    desk.settle("ada").await;
    assert_eq!(sealed(&desk).await.sealed, vec![], "still");
}

#[tokio::test]
async fn what_is_not_settled_or_was_written_lately_is_left_alone() {
    let desk = Desk::new().await;
    let job = settled_job(&desk).await;
    desk.set_clock(NOW + 30 * DAY);
    let untouched = everything(job.directory.path());
    // A heartbeat of yesterday: whatever the books say, something runs there.
    let heartbeat = job.directory.path().join("links/1/attempts/9-0/heartbeat");
    let yesterday = SystemTime::UNIX_EPOCH + Duration::from_secs((NOW + 29 * DAY).try_into().expect("after 1970"));
    fs::File::options().append(true).open(heartbeat).and_then(|file| file.set_modified(yesterday)).expect("ours");
    assert_eq!(sealed(&desk).await.sealed, vec![]);
    age(job.directory.path(), NOW);
    // A job whose hold is open is not settled, whatever its directory says.
    let open = desk.job("ada", 2, NOW - DAY, Origin::Shell).await;
    let note = Ended {
        state: JobState::of(BaseState::Completed),
        exit_code: None,
        elapsed: None,
        time_limit: None,
        progress: None,
        at: None,
        note: None,
        observed_at: at(NOW),
    };
    open.directory.put_ended(&note).await.expect("written");
    age(open.directory.path(), NOW);
    assert_eq!(everything(job.directory.path()), untouched);
    jobs::directory::list(&desk.house("ada").state).await.expect("listed");
    assert_eq!(sealed(&desk).await.sealed, vec![job.id]);
    assert!(open.directory.path().join("intent.json").exists());
}

#[tokio::test]
async fn an_index_that_is_wrong_seals_no_job_that_is_not_over() {
    let desk = Desk::new().await;
    let job = settled_job(&desk).await;
    desk.set_clock(NOW + 8 * DAY);
    // A line of the index is not the job's own record.
    fs::remove_file(job.directory.path().join("ended.json")).expect("it was over");
    let before = everything(job.directory.path());
    assert_eq!(sealed(&desk).await.sealed, vec![]);
    assert_eq!(everything(job.directory.path()), before);
}

#[tokio::test]
async fn late_facts_reach_a_sealed_job_and_its_first_records_stay() {
    let desk = Desk::new().await;
    let job = settled_job(&desk).await;
    desk.set_clock(NOW + 8 * DAY);
    assert_eq!(sealed(&desk).await.sealed, vec![job.id]);
    // Accounting corrects the run, and another attempt of it turns up.
    let longer = stamped(run(9, "ada", NOW - 900, Some(NOW - 700)), job.stamp());
    let again = stamped(run(9, "ada", NOW - 600, Some(NOW - 500)), job.stamp());
    desk.says().runs = vec![longer, again];
    let report =
        desk.try_settle("ada", jobs::settle::SettleOptions { since: Some(at(NOW - DAY)), ..Default::default() });
    let report = report.await.expect("settled");
    assert_eq!((report.counts.corrected, report.counts.new, report.not_priced), (1, 1, vec![]));
    // Another end is not taken for the first one, and what was not there yet lies beside the archive.
    let directory = desk.house("ada").state.job(job.id);
    let first = directory.ended().await.expect("read").expect("over");
    let other = Ended { note: Some("late".to_owned()), ..first.clone() };
    assert_eq!(directory.put_ended(&other).await.expect("answered"), first);
    assert!(!directory.path().join("ended.json").exists());
    let cancel = jobs::directory::Cancel { principal: desk.house("ada").principal, at: at(NOW) };
    directory.put_cancel(&cancel).await.expect("written beside");
    assert_eq!(desk.house("ada").state.job(job.id).cancel().await.expect("read"), Some(cancel));
}

#[tokio::test]
async fn what_is_large_or_too_much_stays_beside_the_archive() {
    let desk = Desk::new().await;
    let job = settled_job(&desk).await;
    let folder = job.directory.path();
    for attempt in 10..26 {
        let attempt = folder.join(format!("links/1/attempts/9-{attempt}"));
        fs::create_dir(&attempt).expect("fresh");
        fs::write(attempt.join("started"), format!("epoch_seconds={}\n", NOW - 500)).expect("ours");
        fs::write(attempt.join("progress"), vec![b'7'; 1024 * 1024]).expect("ours");
    }
    fs::write(folder.join("checkpoints"), vec![b'7'; 1024 * 1024 + 1]).expect("ours");
    fs::write(folder.join(".ended.json.login01.77.0.tmp"), "half").expect("ours");
    age(folder, NOW);
    let before = read(&job.directory).await;
    desk.set_clock(NOW + 8 * DAY);
    assert_eq!(sealed(&desk).await.sealed, vec![job.id]);
    let length = folder.join("sealed.tar").metadata().expect("there").len();
    assert!((14 << 20..16 << 20).contains(&length), "{length}");
    let progress = everything(folder).iter().filter(|path| path.ends_with("progress")).count();
    assert!((2..5).contains(&progress) && folder.join("checkpoints").exists(), "{progress}");
    assert!(!folder.join(".ended.json.login01.77.0.tmp").exists(), "what a killed writer left is gone");
    let house = desk.house("ada");
    assert_eq!(read(&house.state.job(job.id)).await, before);
    assert_eq!(house.state.job(job.id).seal(at(NOW + DAY)).await.expect("answered"), Sealing::Known);
}

#[tokio::test]
async fn an_archive_keeps_modes_and_nobody_elses_job_is_sealed() {
    let desk = Desk::new().await;
    let job = settled_job(&desk).await;
    desk.set_clock(NOW + 8 * DAY);
    let folder = job.directory.path();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o2750)).expect("ours");
    fs::set_permissions(folder.join("script.sh"), fs::Permissions::from_mode(0o640)).expect("ours");
    // Bob stands in the same state folder, as in a group's.
    let mut house = desk.house("bob");
    house.state = desk.house("ada").state;
    assert_eq!(seal(&house).await.expect("answered").sealed, vec![]);
    assert_eq!(sealed(&desk).await.sealed, vec![job.id]);
    let archive = folder.join("sealed.tar");
    assert_eq!(archive.metadata().expect("there").permissions().mode() & 0o7777, 0o640);
    assert_eq!(folder.metadata().expect("there").permissions().mode() & 0o7777, 0o2750);
    let listed = std::process::Command::new("tar").arg("-tvf").arg(&archive).output().expect("tar runs").stdout;
    let listed = String::from_utf8(listed).expect("text");
    assert!(listed.lines().any(|line| line.starts_with("-rw-r-----") && line.ends_with(" script.sh")), "{listed}");
    assert!(listed.lines().any(|line| line.starts_with("-rw-------") && line.ends_with(" intent.json")), "{listed}");
}

#[tokio::test]
async fn a_damaged_archive_is_told_and_nothing_is_removed_for_it() {
    let desk = Desk::new().await;
    let job = settled_job(&desk).await;
    desk.set_clock(NOW + 8 * DAY);
    fs::write(job.directory.path().join("sealed.tar"), "no archive").expect("ours");
    let before = everything(job.directory.path());
    let report = sealed(&desk).await;
    assert_eq!((report.sealed, report.notes.len()), (vec![], 1));
    assert_eq!(everything(job.directory.path()), before);
    assert!(job.directory.intent().await.expect("it lies there").is_some());
    assert!(job.directory.cancel().await.is_err(), "what is not there may stand in the archive");
}

#[tokio::test]
async fn killed_before_any_change_a_job_reads_the_same_and_is_sealed_by_the_next_call() {
    let desk = Desk::new().await;
    let job = settled_job(&desk).await;
    let before = read(&job.directory).await;
    let (root, quiet) = (desk.house("ada").state.root().to_owned(), at(NOW + DAY));
    let whole = |changes| {
        State::new(root.clone(), DirectoryMode::Private, Arc::new(Mortal { left: changes, unreadable: None }))
    };
    let mut kills = 0;
    // Each process lives for one change only, as if every one were killed.
    loop {
        assert!(kills < 100, "it comes to an end");
        let left = everything(job.directory.path()).len();
        let killed = whole(AtomicUsize::new(1)).job(job.id).seal(quiet).await;
        assert_eq!(read(&desk.house("ada").state.job(job.id)).await, before, "after {kills} kills");
        kills += 1;
        if killed.is_ok() && everything(job.directory.path()).len() == left {
            break;
        }
    }
    assert!(kills > 10, "{kills}");
    let healthy = desk.house("ada").state.job(job.id);
    assert!(matches!(healthy.seal(quiet).await, Ok(Sealing::Done | Sealing::Known)));
    assert_eq!(read(&healthy).await, before);
    assert!(!healthy.path().join("links/1/claim").exists() && !healthy.path().join("sending").exists());
}
