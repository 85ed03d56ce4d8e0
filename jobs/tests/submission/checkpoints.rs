//! The checkpoints that a job's program names: the last one that is there is shown.

use crate::{
    desk::Desk,
    wish::{once, only_job},
};
use jobs::{
    directory::{Checkpoint, Checkpoints},
    show::show,
};
use scheduler_adapters::Freshness;
use std::{fs, path::Path};

async fn shown(desk: &Desk) -> Checkpoints {
    show(&desk.house("ada"), "once", Freshness::Shared).await.expect("known").checkpoints
}

fn at(step: u64, path: &Path) -> Checkpoint {
    Checkpoint { step, path: path.to_owned() }
}

#[tokio::test]
async fn the_last_checkpoint_that_is_there_is_shown() {
    let desk = Desk::new().await;
    once(&desk).await.expect("submitted");
    assert_eq!(shown(&desk).await, Checkpoints::default(), "none was named");
    let (directory, _) = only_job(&desk).await;
    let list = directory.path().join("checkpoints");
    let folder = tempfile::tempdir().expect("a folder");
    let [first, second, third] = ["1.pt", "2", "3.pt"].map(|name| folder.path().join(name));
    fs::write(&first, "weights").expect("ours");
    // Of a sharded one its folder is named.
    fs::create_dir(&second).expect("ours");
    let lines = format!("100 {}\n200 {}\n300 {}\n", first.display(), second.display(), third.display());
    fs::write(&list, &lines).expect("ours");
    assert_eq!(shown(&desk).await, Checkpoints { last: Some(at(200, &second)), gone: 1 });
    fs::write(&third, "weights").expect("ours");
    assert_eq!(shown(&desk).await, Checkpoints { last: Some(at(300, &third)), gone: 0 });
    // A line that is being written is none yet, and whoever goes back names an earlier one again.
    fs::write(&list, format!("{lines}400 {}", first.display())).expect("ours");
    assert_eq!(shown(&desk).await.last, Some(at(300, &third)));
    fs::write(&list, format!("{lines}100 {}\n", first.display())).expect("ours");
    assert_eq!(shown(&desk).await.last, Some(at(100, &first)));
    for path in [&first, &third] {
        fs::remove_file(path).expect("ours");
    }
    fs::remove_dir(&second).expect("ours");
    assert_eq!(shown(&desk).await, Checkpoints { last: None, gone: 4 });
}
