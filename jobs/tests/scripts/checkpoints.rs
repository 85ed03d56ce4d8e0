//! The list of checkpoints as Pakt reads it, and as the batch script of a chain does.

use crate::support::{job, script_in, site};
use jobs::directory::{Checkpoints, State};
use model::{Chain, JobId, JobSpec, Launch, LinkNumber, RunLine, Timestamp, Until, WallTime};
use reach::{DirectoryMode, Local};
use std::{fs, process::Command, sync::Arc};

/// The list as bytes, with `@` for the folder in which the checkpoints lie.
fn lists() -> Vec<Vec<u8>> {
    let gone = |count: usize| "7 /nowhere\n".repeat(count);
    let long = format!("1 /{}\n", "x".repeat(4096));
    let far = format!("1 @/one\n{}", "nonsense\n".repeat(30_000));
    let near = format!("{}2 @/two\n", "nonsense\n".repeat(30_000));
    let texts = [
        "",
        "\n",
        "1 @/one\n",
        "1 @/one",
        "1 @/one\n2 @/tw",
        "1 @/one\n2 @/gone\n",
        "2 @/two\n1 @/one\n",
        "007 @/one\n",
        "1  @/one\n",
        " 1 @/one\n",
        "1\t@/one\n",
        "-1 @/one\n+2 @/two\n",
        "1 one\n2 ./two\n",
        "1 @/with space\n",
        "1 @/\u{e4}\n",
        "1 @/one\r\n",
        "1 @/one\\\n",
        "999999999999999999 @/one\n",
        "1 @/two\n1000000000000000000 @/one\n",
        "99999999999999999999999 @/one\n",
        "$(touch x) @/one\na[$(touch x)] @/two\n",
        &format!("1 @/one\n{}", gone(49)),
        &format!("1 @/one\n{}", gone(50)),
        &long,
        &far,
        &near,
    ];
    let mut lists: Vec<Vec<u8>> = texts.map(|text| text.as_bytes().to_vec()).into();
    lists.push(b"1 @/one\n2 @/\xff\n".to_vec());
    lists.push(b"1 @/one\n2 @/tw\0o\n".to_vec());
    lists.push("1 @/one\n2 @/two\u{85}\n".as_bytes().to_vec());
    lists
}

#[tokio::test]
async fn the_script_goes_on_from_the_checkpoint_that_pakt_shows() {
    let chain = Chain {
        until: Until::Marker,
        max_links: LinkNumber::new(2).expect("not 0"),
        max_gpu_hours: None,
        ahead: 2,
        stalled_links: 3,
        lead: Some(WallTime::from_seconds(1)),
        signal: None,
    };
    let site = site("local");
    let told = "printf '%s %s' \"$PAKT_RESUME_STEP\" \"$PAKT_RESUME\" >\"$PAKT_JOB_DIRECTORY/told\"";
    let spec = JobSpec {
        chain: Some(chain),
        run: RunLine::Shell(told.to_owned()),
        workdir: "/".to_owned(),
        environment: model::Environment::default(),
        ..job(site, Launch::Command)
    };
    let mut found = 0;
    for list in lists() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = folder.path().join("kept");
        for name in ["one", "two", "with space", "\u{e4}", "one\\"] {
            fs::create_dir_all(kept.join(name)).expect("a checkpoint");
        }
        let state = State::new(folder.path().to_path_buf(), DirectoryMode::Private, Arc::new(Local));
        let id = JobId::from_parts(Timestamp::from_epoch_seconds(1_793_000_000), 0x1234_5678_9abc_def0_1234);
        let directory = state.job(id);
        directory.create().await.expect("a job directory");
        let text: Vec<u8> =
            list.split(|byte| *byte == b'@').collect::<Vec<_>>().join(kept.to_str().expect("text").as_bytes());
        fs::write(directory.path().join("checkpoints"), &text).expect("ours");
        let script = folder.path().join("script");
        fs::write(&script, script_in(directory.path().to_str().expect("text"), site, &spec)).expect("a script");
        let mut command = Command::new("bash");
        command.arg(&script).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", folder.path());
        let output = command.env("PAKT_LOCAL_JOB_ID", "1").output().expect("bash");
        let Checkpoints { last, gone } = directory.checkpoints().await.expect("read");
        if last.is_none() && gone > 0 {
            // It names some: this is no first start.
            assert_eq!(output.status.code(), Some(66), "{}", String::from_utf8_lossy(&output.stderr));
            continue;
        }
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        found += usize::from(last.is_some());
        let shown = last.map_or_else(|| " ".to_owned(), |last| format!("{} {}", last.step, last.path.display()));
        let told = fs::read_to_string(directory.path().join("told")).expect("the program ran");
        assert_eq!(told, shown, "{}", String::from_utf8_lossy(&list[..list.len().min(200)]));
    }
    assert_eq!(found, 15, "of the lists some have one");
}
