//! What others write into their jobs: their runs draw from nobody's hold, close none, and keep none open.

use crate::cluster::{run, stamped, waiting};
use crate::desk::{DAY, Desk, NOW};
use crate::importing::{completed, text};
use jobs::{
    House,
    directory::{Origin, Unheld},
    settle::{SettleOptions, settle},
};
use ledger::{Book, Hold, HoldId};
use model::JobId;

async fn hold_of(desk: &Desk, job: JobId) -> Hold {
    desk.book().hold(HoldId(job)).await.expect("read").expect("a hold")
}

#[tokio::test]
async fn a_run_with_a_colleagues_stamp_closes_no_hold_and_is_told() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    job.submitted(9, NOW - DAY, None).await;
    let of_bob = |id, user| stamped(run(id, user, NOW - 900, Some(NOW - 800)), job.stamp());
    let mut own = waiting(9, "ada", NOW - DAY);
    own.stamp = Some(job.stamp());
    desk.says().queue = vec![own];
    desk.says().runs = vec![of_bob(17, "bob"), of_bob(18, "eve"), of_bob(19, "bob"), of_bob(20, "bob")];
    let report = desk.settle_all("carol").await;
    assert_eq!((report.closed, desk.is_held(job.id).await), (vec![], true));
    assert_eq!(
        report.notes,
        [
            "4 runs have the stamp of another person's job, whose hold does not pay for that; the bindings say who does: \
          job 17 of `bob` with one of `ada`, job 18 of `eve` with one of `ada`, job 19 of `bob` with one of `ada`, ..."
        ]
    );
    let hold = hold_of(&desk, job.id).await;
    assert_eq!((hold.charged.milli(), desk.used().await), (0, 400), "the account's binding pays");
    assert_eq!(desk.settle_all("carol").await.notes, Vec::<String>::new(), "it is told once");
    // Her own run closes it; a run that comes after that is told by the closed hold.
    desk.says().queue.clear();
    desk.says().runs.push(stamped(run(9, "ada", NOW - 700, Some(NOW - 600)), job.stamp()));
    assert_eq!(desk.settle_all("carol").await.closed, [job.id]);
    desk.says().runs.push(of_bob(21, "bob"));
    let notes = desk.settle_all("carol").await.notes;
    assert!(notes[0].starts_with("1 run has the stamp of another person's job"), "{notes:?}");
    assert!(notes[0].ends_with("job 21 of `bob` with one of `ada`"), "{notes:?}");
}

#[tokio::test]
async fn a_job_in_the_queue_with_a_colleagues_stamp_keeps_no_hold_open() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    job.submitted(9, NOW - DAY, None).await;
    let mut of_bob = waiting(17, "bob", NOW - 60);
    of_bob.stamp = Some(job.stamp());
    desk.says().queue = vec![of_bob];
    desk.says().runs = vec![stamped(run(9, "ada", NOW - 700, Some(NOW - 600)), job.stamp())];
    assert_eq!(desk.settle_all("carol").await.closed, [job.id]);
}

#[tokio::test]
async fn a_file_with_a_colleagues_stamp_closes_no_hold() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    let marked = |row: String| format!("{}{}\n", row.trim_end(), job.stamp());
    let own = marked(completed(9, 600, 500));
    let not_started =
        marked(format!("17|17|testland|bob|hai|gpu|CANCELLED|0:0|{}|Unknown|{NOW}|0|60|0||\n", NOW - 900));
    let of_bob = [own.replace("|ada|", "|bob|"), not_started];
    let report = desk.import(&text(&of_bob)).await;
    assert_eq!((report.rejected.count, report.closed, desk.is_held(job.id).await), (0, vec![], true));
    let note = report.notes.join("; ");
    assert!(note.starts_with("1 run has the stamp of another person's job"), "{note}");
    assert!(note.ends_with("job 9 of `bob` with one of `ada`"), "{note}");
    assert_eq!(desk.import(&text(&of_bob)).await.notes, Vec::<String>::new(), "it is told once");
    assert_eq!(desk.import(&text(&[own.replace("9|9|", "10|10|")])).await.closed, [job.id]);
}

#[tokio::test]
async fn a_late_hold_is_entered_by_its_owner_alone() {
    let desk = Desk::new().await;
    let job = desk.job_without_hold("ada", 1, NOW - DAY, Origin::Shell).await;
    let unheld = Unheld { reason: "no ledger".to_owned(), is_provisional: true };
    job.directory.put_unheld(&unheld).await.expect("written");
    job.submitted(9, NOW - DAY, None).await;
    let mut waits = waiting(9, "ada", NOW - DAY);
    waits.stamp = Some(job.stamp());
    desk.says().queue = vec![waits];
    // A colleague who reads the group's directories settles first.
    let house = House { state: desk.house("ada").state, ..desk.house("bob") };
    settle(&house, SettleOptions::default()).await.expect("settled");
    assert_eq!(desk.book().hold(HoldId(job.id)).await, Ok(None));
    desk.settle("ada").await;
    let hold = hold_of(&desk, job.id).await;
    assert_eq!(hold.opened_by.user.as_str(), "ada");
}
