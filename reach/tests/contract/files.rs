//! Files and directories.

use reach::{Created, DirectoryMode, EntryKind, Making, Published, Reach, ReachError, ReachErrorKind};
use std::{
    ffi::OsStr,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::Path,
    sync::Arc,
};

fn umask() -> u32 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = text.lines().find_map(|line| line.strip_prefix("Umask:")).expect("Linux 4.7");
    u32::from_str_radix(line.trim(), 8).expect("octal")
}

pub(crate) async fn of_many_writers_one_publishes_and_all_see_its_bytes(at: Arc<dyn Reach>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("claim.json");
    let writers: Vec<_> = (0..24)
        .map(|number| {
            let path = path.clone();
            let at = Arc::clone(&at);
            tokio::spawn(async move { at.write_once(&path, format!("writer {number}").as_bytes()).await })
        })
        .collect();
    let mut new = 0;
    let mut seen = Vec::new();
    for writer in writers {
        match writer.await.expect("no panic").expect("published") {
            Published::New => new += 1,
            Published::Existing(bytes) => seen.push(bytes),
        }
    }
    let stands = std::fs::read(&path).expect("it stands there");
    assert_eq!(new, 1);
    assert!(seen.iter().all(|bytes| *bytes == stands));
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(left.len(), 1, "temporary files are left: {left:?}");
}

pub(crate) async fn an_earlier_file_beyond_all_measure_is_an_error_and_is_not_read(at: Arc<dyn Reach>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("claim.json");
    let file = std::fs::File::create(&path).expect("ours");
    file.set_len(reach::PUBLISHED_LIMIT as u64).expect("a hole");
    let published = at.write_once(&path, b"ours").await.expect("just so");
    assert!(matches!(published, Published::Existing(bytes) if bytes.len() == reach::PUBLISHED_LIMIT));
    file.set_len(reach::PUBLISHED_LIMIT as u64 + 1).expect("a hole");
    let error = at.write_once(&path, b"ours").await.expect_err("too long");
    assert_eq!(error.kind, ReachErrorKind::TooLong);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing of ours is left");
}

pub(crate) async fn several_things_are_made_in_their_order_and_the_first_that_is_there_is_read(at: Arc<dyn Reach>) {
    let folder = tempfile::tempdir().expect("a folder");
    let (below, path) = (folder.path().join("a/b"), folder.path().join("a/b/c"));
    let makings = |bytes: &[u8]| {
        vec![
            Making::Directories(below.clone(), DirectoryMode::Private),
            Making::File(path.clone(), bytes.to_owned()),
            Making::File(below.join("other"), bytes.to_owned()),
        ]
    };
    assert_eq!(at.make(Vec::new()).await, Ok(Vec::new()));
    assert_eq!(at.make(makings(b"one")).await, Ok(vec![Published::New, Published::New]));
    std::fs::remove_file(below.join("other")).expect("ours");
    assert_eq!(at.make(makings(b"two")).await, Ok(vec![Published::Existing(b"one".to_vec()), Published::New]));
    assert_eq!(std::fs::metadata(&below).expect("made").permissions().mode() & 0o7777, 0o700);
    let lost =
        vec![Making::File(folder.path().join("absent/x"), b"x".to_vec()), Making::File(below.join("y"), Vec::new())];
    assert_eq!(at.make(lost).await.map_err(|error| error.kind), Err(ReachErrorKind::NotFound));
    let wanted = |names: &[&str]| names.iter().map(|name| (below.join(name), 10)).collect::<Vec<_>>();
    assert_eq!(at.read_first(&wanted(&["absent", "other", "c"])).await, Ok(Some((1, b"two".to_vec()))));
    assert_eq!(at.read_first(&wanted(&["absent"])).await, Ok(None));
    assert_eq!(at.read_first(&[]).await, Ok(None));
    assert!(at.read_first(&[(path, 2)]).await.is_err(), "it is longer than that");
}

pub(crate) async fn files_are_replaced_appended_listed_and_removed(at: Arc<dyn Reach>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    assert_eq!(at.read(&path, 10).await, Ok(None));
    assert_eq!(at.list(&folder.path().join("absent")).await, Ok(None));
    at.replace(&path, b"one").await.expect("written");
    at.replace(&path, b"two").await.expect("written");
    at.append(&path, b"+three").await.expect("appended");
    assert_eq!(at.read(&path, 9).await, Ok(Some(b"two+three".to_vec())));
    assert_eq!(at.read(&path, 8).await.expect_err("longer").kind, ReachErrorKind::TooLong);
    let part = at.read_part(&path, -5, 3).await.expect("read").expect("there");
    assert_eq!((part.bytes.as_slice(), part.total_bytes), (&b"thr"[..], 9));
    let part = at.read_part(&path, 100, 3).await.expect("read").expect("there");
    assert!(part.bytes.is_empty());
    let entries = at.list(folder.path()).await.expect("listed").expect("there");
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].name.as_str(), entries[0].kind, entries[0].bytes), ("state", EntryKind::File, 9));
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    at.remove(&path).await.expect("removed");
    at.remove(&path).await.expect("removed already");
    assert_eq!(at.modified_at(&path).await, Ok(None));
}

pub(crate) async fn directories_have_the_mode_that_was_asked_for(at: Arc<dyn Reach>) {
    let folder = tempfile::tempdir().expect("a folder");
    let mode_of = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o7777;
    let deep = folder.path().join("a/b");
    at.create_directories(&deep, DirectoryMode::Group).await.expect("made");
    assert_eq!((mode_of(&deep), mode_of(&folder.path().join("a"))), (0o2770, 0o2770));
    at.create_directories(&deep, DirectoryMode::Private).await.expect("there already");
    assert_eq!(mode_of(&deep), 0o2770);
    let link = deep.join("link-1");
    let made = at.create_directory_exclusive(&link, DirectoryMode::Private).await;
    assert_eq!((made, mode_of(&link) & 0o777), (Ok(Created::New), 0o700));
    assert_eq!(at.create_directory_exclusive(&link, DirectoryMode::Private).await, Ok(Created::Existing));
    at.replace(&deep.join("shared"), b"").await.expect("written");
    assert_eq!(mode_of(&deep.join("shared")) & 0o060, 0o060 & !umask());
    let error = at.create_directories(&deep.join("shared/below"), DirectoryMode::Private).await.expect_err("a file");
    assert_eq!(error.kind, ReachErrorKind::Exists);
}

/// Names as people and programs make them, each a trap for a shell.
const ODD_NAMES: &[&[u8]] =
    &[b"two words", b"it's", b"-rf", b"a\nb", b"$(touch never)", b"\"`\\!*?[", b"\xff\xfe", "ü€".as_bytes()];

pub(crate) async fn odd_names_survive(at: Arc<dyn Reach>) {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ODD_NAMES {
        let name = OsStr::from_bytes(name);
        let inner = folder.path().join(name);
        at.create_directories(&inner, DirectoryMode::Private).await.expect("made");
        let path = inner.join(name);
        assert_eq!(at.write_once(&path, name.as_bytes()).await, Ok(Published::New), "{}", name.display());
        at.append(&path, b"+").await.expect("appended");
        let expected = [name.as_bytes(), b"+"].concat();
        assert_eq!(std::fs::read(&path).expect("there"), expected);
        assert_eq!(at.read(&path, 100).await, Ok(Some(expected)));
        assert!(at.modified_at(&path).await.expect("looked at").is_some());
        let entries = at.list(&inner).await.expect("listed").expect("there");
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].name, name.to_string_lossy());
        at.remove(&path).await.expect("removed");
        at.remove(&inner).await.expect("removed");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

pub(crate) async fn what_is_in_the_way_is_told_apart_from_what_is_missing(at: Arc<dyn Reach>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("ours");
    let below = file.join("below");
    let kind = |error: ReachError| error.kind;
    assert_eq!(at.read(&below, 9).await.map_err(kind), Err(ReachErrorKind::Exists));
    assert_eq!(at.list(&file).await.map_err(kind), Err(ReachErrorKind::Exists));
    assert_eq!(at.read(folder.path(), 9).await.map_err(kind), Err(ReachErrorKind::Exists));
    assert_eq!(at.replace(&below, b"").await.map_err(kind), Err(ReachErrorKind::Exists));
    assert_eq!(at.replace(&folder.path().join("no/file"), b"").await.map_err(kind), Err(ReachErrorKind::NotFound));
    assert_eq!(at.write_once(folder.path(), b"").await.map_err(kind), Err(ReachErrorKind::Exists));
    assert_eq!(at.read_part(&folder.path().join("no"), 0, 9).await, Ok(None));
    at.remove(&folder.path().join("no/file")).await.expect("removed already");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left beside it");
}
