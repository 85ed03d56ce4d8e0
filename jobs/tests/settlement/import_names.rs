//! Names in a file of runs that are spelled otherwise than here: the nearest is told, and nothing is charged twice.

use crate::desk::{Desk, NOW};
use crate::importing::{completed, text, wish};
use jobs::import::import;
use ledger::{Book, RunPrice};
use std::io::Cursor;

/// The same runs under another spelling of their cluster would be other runs.
#[tokio::test]
async fn a_cluster_that_is_spelled_otherwise_is_not_charged_beside_itself() {
    let desk = Desk::new().await;
    desk.import(&text(&[completed(1, 600, 500)])).await;
    for spelled in ["test-land", "TestLand", "test_land"] {
        let report = desk.import(&text(&[completed(1, 600, 500).replace("|testland|", &format!("|{spelled}|"))])).await;
        let why = &report.rejected.first[0];
        assert!(why.contains(&format!("cluster `{spelled}` is called `testland` in the books")), "{why}");
        assert!(why.contains("`--cluster testland`"), "{why}");
    }
    assert_eq!(desk.used().await, 100);
    // A name that is merely like it may be another cluster.
    let report = desk.import(&text(&[completed(2, 600, 500).replace("|testland|", "|testland2|")])).await;
    assert_eq!((report.counts.new, report.notes.len()), (1, 1), "{report:?}");
    assert!(report.notes[0].contains("cluster `testland2` was new, and `testland` is known"), "{report:?}");
    let report = desk.import(&text(&[completed(2, 600, 500).replace("|testland|", "|testland2|")])).await;
    assert_eq!((report.counts.same, report.notes.len()), (1, 0), "{report:?}");
}

/// A profile has names of its own for partitions; rows have Slurm's.
#[tokio::test]
async fn a_partition_that_is_spelled_otherwise_is_told_with_the_nearest() {
    let desk = Desk::new().await;
    let mut house = desk.house("ada");
    house.here = "grete".parse().expect("a site");
    let of_grete = |id: u64, partition: &str| {
        let rows = text(&[completed(id, 600, 500).replace("|gpu|", &format!("|{partition}|"))]);
        Box::new(Cursor::new(rows.replace("|testland|", "|grete|").into_bytes()))
    };
    for (id, partition, near) in
        [(1, "grete-shared", "grete:shared"), (2, "grete:shard", "grete:shared"), (3, "gret", "grete")]
    {
        import(&house, wish(NOW), of_grete(id, partition)).await.expect("imported");
        let runs = desk.book().unattributed().await.expect("read");
        let run = runs.iter().find(|run| run.run.key.scheduler_job.raw() == id).expect("it is there");
        let RunPrice::Unknown(why) = &run.price else { panic!("{run:?}") };
        assert!(why.contains(&format!("`{partition}`; the nearest that it knows is `{near}`")), "{why}");
    }
}
