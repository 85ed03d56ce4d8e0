//! What is sent to a host behind OpenSSH: over standard input, where nobody else sees it, and whole or not at all.

use super::place::{Behind, at_home, becomes_true, shell, talkative};
use base64ct::{Base64, Encoding};
use reach::{Command, OpenSsh, Opening, Reach, ReachErrorKind, Retry};
use std::{path::Path, sync::Arc, time::Duration};

const PATIENCE: Duration = Duration::from_secs(30);

/// What a profile sets and nobody else may see.
const SECRET: &str = "hf_only-for-me-4711";

/// What of the secret a line shows: itself, or its letters in base64, wherever they begin in it.
fn shown() -> Vec<Vec<u8>> {
    let in_base64 = |before: usize| {
        let text = Base64::encode_string(format!("{}{SECRET}", "-".repeat(before)).as_bytes());
        // Without the letters that its neighbours have a share in.
        text.as_bytes()[before * 8 / 6 + 1..text.len() - 4].to_vec()
    };
    let mut shown = vec![SECRET.as_bytes().to_vec()];
    shown.extend((0..3).map(in_base64));
    shown
}

/// The command lines of this host that show the secret, as they are or with their words unpacked: what is packed twice is
/// found, too.
fn command_lines_with_the_secret() -> Vec<String> {
    let needles = shown();
    let processes = std::fs::read_dir("/proc").expect("it is mounted").flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let shows = |line: &[u8]| needles.iter().any(|needle| line.windows(needle.len()).any(|window| window == needle));
    let unpacked = |line: &[u8]| {
        let words = line.split(|byte| !byte.is_ascii_alphanumeric() && !b"+/=".contains(byte));
        words.filter_map(|word| Base64::decode_vec(std::str::from_utf8(word).ok()?).ok()).any(|word| shows(&word))
    };
    lines.filter(|line| shows(line) || unpacked(line)).map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
}

fn home_with(profile: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::write(home.path().join(".bash_profile"), profile).expect("written");
    home
}

/// Says that it has begun, waits, and tells the secret to a file of its own.
fn waiting(folder: &Path, name: &str) -> Command {
    let [begun, open, told] = ["begun", "open", "told"].map(|word| folder.join(format!("{name}.{word}")));
    let script = "touch \"$1\"; until [ -e \"$2\" ]; do sleep 0.05; done; env | grep ^HF_TOKEN= >\"$3.new\"; mv \"$3.new\" \"$3\"";
    shell(script).argument("sh").arguments([begun, open, told].map(|path| path.display().to_string()))
}

#[tokio::test]
async fn what_a_login_shell_sets_is_on_no_command_line_and_reaches_every_command() {
    assert!(shown().iter().all(|shown| shown.len() > 10), "{:?}", shown());
    let home = home_with(&format!("export HF_TOKEN={SECRET}\n"));
    let behind = Behind::new(&[at_home(home.path())], Opening::ByUs);
    let place = Arc::new(OpenSsh::new(behind.settings.clone()));
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let commands = ["run", "attached", "spoken"].map(|name| waiting(folder.path(), name));
    let [run, attached, spoken] = commands;
    let run = tokio::spawn({
        let place = Arc::clone(&place);
        async move { place.run(&run).await }
    });
    let attached = tokio::spawn({
        let place = Arc::clone(&place);
        async move { place.attach(&attached).await }
    });
    let mut spoken = place.converse(&spoken).await.expect("it begins");
    for name in ["run", "attached", "spoken"] {
        assert!(becomes_true(|| at(&format!("{name}.begun")).exists()).await, "{name} begins");
    }
    assert_eq!(command_lines_with_the_secret(), Vec::<String>::new());
    for name in ["run", "attached", "spoken"] {
        std::fs::write(at(&format!("{name}.open")), "").expect("ours");
        let told = at(&format!("{name}.told"));
        assert!(becomes_true(|| told.exists()).await, "{name} tells");
        assert_eq!(std::fs::read_to_string(told).expect("written"), format!("HF_TOKEN={SECRET}\n"), "{name}");
    }
    assert!(run.await.expect("no panic").expect("it runs").succeeded());
    assert_eq!(attached.await.expect("no panic"), Ok(Some(0)));
    assert!(spoken.receive(1, PATIENCE).await.is_err(), "it has ended");
}

#[tokio::test]
async fn an_environment_of_300_kib_reaches_every_command() {
    let exports = "for n in 1 2 3; do export LARGE_$n=\"$(head -c 102400 /dev/zero | tr '\\0' $n)\"; done\n";
    let home = home_with(exports);
    let behind = Behind::new(&[at_home(home.path())], Opening::ByUs);
    let place = OpenSsh::new(behind.settings.clone());
    let count = "cat; for n in 1 2 3; do eval \"printf %s \\\"\\$LARGE_$n\\\"\" | tr -cd $n | wc -c; done";
    let output = place.run(&shell(count).standard_input("read me\n")).await.expect("it runs");
    assert_eq!(output.stdout_text(), "read me\n102400\n102400\n102400\n");
    let mut spoken = place.converse(&shell("printf %s \"$LARGE_3\"")).await.expect("it begins");
    let answer = spoken.receive(102_400, PATIENCE).await.expect("it answers");
    assert!(answer.iter().all(|byte| *byte == b'3'));
}

#[tokio::test]
async fn where_a_shell_reads_what_is_sent_nothing_is_run_and_the_reason_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (rc, done) = (folder.path().join("rc"), folder.path().join("done"));
    // It takes the first letters alone: what is left would be a script of its own.
    std::fs::write(&rc, "head -c 7 >/dev/null\n").expect("written");
    let mut node = talkative();
    node.greeting = None;
    node.environment.push(("BASH_ENV".to_owned(), rc.display().to_string()));
    let behind = Behind::new(&[node], Opening::ByUs);
    let place = OpenSsh::new(behind.settings.clone());
    let touch = Command::new("touch").argument(done.display().to_string());
    for error in [place.run(&touch).await.expect_err("not whole"), place.converse(&touch).await.err().expect("neither")]
    {
        assert_eq!((error.kind, error.retry), (ReachErrorKind::Other, Retry::Later));
        assert!(error.to_string().contains("`.bashrc`"), "{error}");
    }
    assert!(!done.exists());
    assert_eq!(behind.nodes[0].logins().expect("a log"), 1, "the connection was not to blame");
}
