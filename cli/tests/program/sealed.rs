//! A job that is long over and sealed, as its person sees it: nothing has changed but the number of files.

use crate::desk::Desk;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Every file below.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Lets a job and what lies in its directory be ten days old.
fn age(desk: &Desk, directory: &Path) {
    let ended = directory.join("ended.json");
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&ended).expect("over")).expect("JSON");
    let observed = record["observed_at"].as_i64().expect("seconds");
    record["observed_at"] = json!(observed - 10 * 86_400);
    fs::write(&ended, record.to_string()).expect("ours");
    let long_ago = SystemTime::now() - Duration::from_hours(240);
    for file in files(directory) {
        fs::File::options().append(true).open(file).and_then(|file| file.set_modified(long_ago)).expect("ours");
    }
    let _not_made_yet = fs::remove_file(desk.home().join("state/ended.index"));
}

#[test]
fn a_sealed_job_is_shown_read_and_listed_as_before() {
    let desk = Desk::with_grant("10");
    let file = desk.job("old", "echo \"3 3 loss=7\" >>\"$PAKT_PROGRESS\"; echo trained");
    let id = desk.json(&["submit", &file])["id"].as_str().expect("an id").to_owned();
    desk.json(&["watch", &id]);
    let directory = desk.home().join("state/jobs").join(&id);
    assert_eq!(desk.json(&["settle"])["sealed"], json!([]), "it was over just now");
    age(&desk, &directory);
    let words: [&[&str]; 3] = [&["show", "old"], &["logs", "old"], &["show", "old", "--provenance"]];
    let seen = || words.map(|words| desk.json(words)).to_vec();
    let before = seen();
    let listed = desk.json(&["jobs"])["jobs"].clone();
    let many = files(&directory).len();
    let settled = desk.pakt(&["settle"]).expect(0);
    assert!(settled.stdout.contains("  1 finished job was sealed, each into one archive\n"), "{}", settled.stdout);
    let mut left: Vec<_> = files(&directory).iter().map(|path| path.file_name().map(ToOwned::to_owned)).collect();
    left.sort();
    assert_eq!(left, ["log", "sealed.tar"].map(|name| Some(name.into())));
    assert!(many > 10 && fs::read_dir(&directory).expect("there").count() == 2, "{many} files, and their folders");
    assert_eq!(seen(), before);
    assert_eq!(desk.json(&["jobs"])["jobs"], listed);
    assert_eq!(desk.json(&["settle"])["sealed"], json!([]));
    assert_eq!(desk.json(&["cancel", &id])["cancelled"]["was_over"], true);
    // The same file again is a new job, because the old one is over.
    assert_eq!(desk.json(&["submit", &file])["outcome"], "new");
}
