//! The lab's PostgreSQL. Tests of `up` and `down` make a lab of their own in a folder of their own; the others need
//! `lab up postgres`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use lab::{Database, FaultProxy, LabError, Moment, postgres, postgres_exclusive};

/// A lab of the test's own, taken down with the value.
struct OwnLab {
    folder: tempfile::TempDir,
}

impl OwnLab {
    fn new() -> Self {
        // Not below the folder of root's temporary files, which the server's user may be kept from.
        let folder = tempfile::Builder::new().prefix("pakt-lab-test-").tempdir_in("/var/tmp").expect("a folder");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("its mode");
        Self { folder }
    }

    fn directory(&self) -> std::path::PathBuf {
        self.folder.path().join("lab")
    }

    fn lab(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("it starts")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command.args(words).env("PAKT_LAB", self.directory());
        command
    }

    /// What it printed; it must end with 0.
    fn says(&self, words: &[&str]) -> String {
        text_of(&self.lab(words))
    }
}

impl Drop for OwnLab {
    fn drop(&mut self) {
        drop(self.lab(&["down"]));
    }
}

fn text_of(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text").trim().to_owned()
}

/// Processes whose working directory lies in the folder: the server and its children, whose titles tell no folder.
fn processes_in(folder: &Path) -> usize {
    let entries = std::fs::read_dir("/proc").expect("processes").flatten();
    entries.filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|at| at.starts_with(folder))).count()
}

/// The user of the process, as stat tells.
fn owner_of(process: &str) -> u32 {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(format!("/proc/{process}")).expect("it runs"))
}

#[test]
fn real_postgres_comes_up_once_however_many_ask() {
    let lab = OwnLab::new();
    let asking: Vec<_> = (0..4)
        .map(|_| lab.command(&["up", "postgres"]).stdout(std::process::Stdio::piped()).spawn().expect("it starts"))
        .collect();
    let mut said: Vec<String> =
        asking.into_iter().map(|child| text_of(&child.wait_with_output().expect("it ends"))).collect();
    said.sort();
    assert_eq!(said, ["postgres: up", "postgres: up already", "postgres: up already", "postgres: up already"]);

    let status = lab.says(&["status"]);
    let lines: Vec<&str> = status.lines().collect();
    let [line] = lines[..] else { panic!("more than PostgreSQL: {status}") };
    assert!(line.starts_with("lab      postgres "), "{line}");
    let process = line.rsplit(' ').next().expect("a word");
    assert_ne!(owner_of(process), 0, "the server runs as root");
}

/// Ends the server as nobody should.
fn kill_server(lab: &OwnLab) {
    let status = lab.says(&["status"]);
    let process = status.rsplit(' ').next().expect("a word");
    assert!(Command::new("kill").args(["-9", process]).status().expect("it starts").success());
    lab::wait_until("the end of the server", std::time::Duration::from_mins(1), || {
        (processes_in(&lab.directory()) == 0).then_some(())
    })
    .expect("its children end by themselves");
}

#[test]
fn real_postgres_is_gone_after_down() {
    let lab = OwnLab::new();
    lab.says(&["up", "postgres"]);
    let has_memory = memory_of(&lab);
    assert!(has_memory(), "no shared memory");
    assert!(processes_in(&lab.directory()) > 1, "server and children run");
    lab.says(&["down"]);
    assert_eq!(processes_in(&lab.directory()), 0);
    assert!(!lab.directory().exists());
    assert_eq!(std::fs::read_dir(lab.folder.path()).expect("the folder").count(), 0, "files are left");
    assert!(!has_memory(), "shared memory is left");
}

#[test]
fn real_postgres_that_was_killed_leaves_nothing_either() {
    let lab = OwnLab::new();
    lab.says(&["up", "postgres"]);
    let has_memory = memory_of(&lab);
    kill_server(&lab);
    assert!(has_memory(), "nothing was left that `down` could remove");
    lab.says(&["down"]);
    assert_eq!(processes_in(&lab.directory()), 0);
    assert_eq!(std::fs::read_dir(lab.folder.path()).expect("the folder").count(), 0, "files are left");
    assert!(!has_memory(), "shared memory is left");
}

/// Whether the server's shared memory is there, now that it runs and later.
fn memory_of(lab: &OwnLab) -> impl Fn() -> bool {
    let numbers = std::fs::read_to_string(lab.directory().join("postgres/data/postmaster.pid")).expect("it runs");
    // PostgreSQL, `src/include/utils/pidfile.h`: line 7 is the shared memory's key and id.
    let line = numbers.lines().nth(6).expect("seven lines");
    let segment: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    move || {
        let text = std::fs::read_to_string("/proc/sysvipc/shm").expect("the list");
        text.lines().any(|line| line.split_whitespace().take(2).eq(segment.iter().map(String::as_str)))
    }
}

#[test]
fn real_postgres_that_was_killed_is_repaired() {
    let lab = OwnLab::new();
    lab.says(&["up", "postgres"]);
    let url = lab.says(&["env", "postgres"]);
    kill_server(&lab);
    assert_eq!(lab.lab(&["status"]).status.code(), Some(1));
    assert_eq!(lab.lab(&["env", "postgres"]).status.code(), Some(1));
    assert_eq!(lab.says(&["up", "postgres"]), "postgres: up; servers that had ended were started again");
    assert_eq!(lab.says(&["env", "postgres"]), url, "the port or the password changed");
}

#[test]
fn real_postgres_needs_no_root_in_a_folder_of_ones_own() {
    const NOBODY: u32 = 65534;
    let lab = OwnLab::new();
    std::os::unix::fs::chown(lab.folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    // What cargo builds may be out of other users' reach.
    let program = lab.folder.path().join("program");
    std::fs::copy(env!("CARGO_BIN_EXE_lab"), &program).unwrap();
    let as_nobody = |words: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(&program).args(words);
        command.env("PAKT_LAB", lab.directory()).current_dir("/").output().expect("it starts")
    };
    assert_eq!(text_of(&as_nobody(&["up", "postgres"])), "postgres: up");
    let status = text_of(&as_nobody(&["status"]));
    assert_eq!(owner_of(status.rsplit(' ').next().expect("a word")), NOBODY);
    assert!(text_of(&as_nobody(&["env", "postgres"])).contains("PAKT_LAB_POSTGRES='postgresql://pakt:"));
    assert_eq!(as_nobody(&["up", "jupiter"]).status.code(), Some(1), "Slurm came up without root");
    text_of(&as_nobody(&["down"]));
    assert!(!lab.directory().exists());

    lab.says(&["up", "postgres"]);
    assert_eq!(as_nobody(&["down"]).status.code(), Some(1), "somebody took down the lab of another");
    lab.says(&["status"]);
}

#[test]
fn real_postgres_is_not_there_before_it_is_asked_for() {
    let lab = OwnLab::new();
    let output = lab.lab(&["env", "postgres"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("text");
    let expected = format!(
        "error: PostgreSQL does not run in the lab at {}\nnext:  as root: `lab up postgres`\n",
        lab.directory().display()
    );
    assert_eq!(said, expected);
}

#[test]
fn real_databases_are_fresh_and_dropped() {
    let postgres = postgres().unwrap();
    let first = postgres.database().unwrap();
    let second = postgres.database().unwrap();
    first.sql("CREATE TABLE here (number bigint); INSERT INTO here VALUES (1), (2)").unwrap();
    assert_eq!(first.sql("SELECT number, 'row' FROM here ORDER BY number").unwrap(), "1|row\n2|row");
    let error = second.sql("SELECT * FROM here").unwrap_err();
    assert!(error.to_string().contains("relation \"here\" does not exist"), "{error}");

    let count = format!("SELECT count(*) FROM pg_database WHERE datname = '{}'", first.name());
    assert_eq!(second.sql(&count).unwrap(), "1");
    drop(first);
    assert_eq!(second.sql(&count).unwrap(), "0");
}

#[test]
fn real_databases_are_dropped_under_connected_clients() {
    let postgres = postgres().unwrap();
    let (watched, watching) = (postgres.database().unwrap(), postgres.database().unwrap());
    let mut client = watched.client_at(postgres.port()).unwrap();
    let waiting = client.args(["-c", "SELECT pg_sleep(600)"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let sessions = format!("SELECT 1 FROM pg_stat_activity WHERE datname = '{}' AND state = 'active'", watched.name());
    lab::wait_until("the session", std::time::Duration::from_mins(1), || {
        (watching.sql(&sessions).unwrap() == "1").then_some(())
    })
    .unwrap();
    drop(watched);
    let mut waiting = waiting;
    assert!(!waiting.wait().unwrap().success(), "the client was not cut");
}

#[test]
fn real_urls_are_for_every_user_and_no_superuser() {
    let postgres = postgres().unwrap();
    let database = postgres.database().unwrap();
    for url in [database.url(), database.tcp_url()] {
        // Debian's wrapper is what a person has; it hands a URL on as it is.
        let mut psql = Command::new("setpriv");
        psql.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--", "psql", &url]);
        psql.args(["--tuples-only", "--no-align", "-c"]).current_dir("/");
        let role =
            "SELECT current_user, rolsuper, rolcreatedb, current_database() FROM pg_roles WHERE rolname = current_user";
        let said = text_of(&psql.arg(role).output().expect("it starts"));
        assert_eq!(said, format!("pakt|f|t|{}", database.name()));
    }
    let wrong = database.tcp_url().replacen("pakt:", "pakt:0", 1);
    let refused = Command::new("psql").arg(&wrong).args(["-c", "SELECT 1"]).output().expect("it starts");
    assert!(!refused.status.success(), "it lets in who does not know the password");
}

#[test]
fn real_postgres_is_new_enough_and_orders_texts_as_a_language_does() {
    let database = postgres().unwrap().database().unwrap();
    let version: u32 = database.sql("SHOW server_version_num").unwrap().parse().unwrap();
    assert!(version >= 150_000, "{version}");
    let order = "SELECT string_agg(word, '' ORDER BY word) FROM (VALUES ('B'), ('a')) words (word)";
    assert_eq!(database.sql(order).unwrap(), "aB", "the order is that of bytes");
    assert_eq!(database.sql("SHOW fsync").unwrap(), "on");
    assert_eq!(database.sql("SHOW server_encoding").unwrap(), "UTF8");
}

#[test]
fn real_postgres_stops_restarts_and_recovers() {
    let postgres = postgres_exclusive().unwrap();
    let database = postgres.database().unwrap();
    database.sql("CREATE TABLE here (number bigint); INSERT INTO here VALUES (1)").unwrap();
    postgres.restart().unwrap();
    assert_eq!(database.sql("SELECT number FROM here").unwrap(), "1");
    postgres.kill().unwrap();
    database.sql("SELECT 1").unwrap_err();
    postgres.start().unwrap();
    assert_eq!(database.sql("SELECT number FROM here").unwrap(), "1", "a crash lost what was committed");
    postgres.stop().unwrap();
    database.sql("SELECT 1").unwrap_err();
    drop((database, postgres));
    lab::postgres().expect("it runs again").database().unwrap();
}

#[test]
fn real_postgres_is_not_stopped_under_other_tests() {
    let postgres = postgres().unwrap();
    assert!(matches!(postgres.stop(), Err(LabError::Shared { .. })));
    assert!(matches!(postgres.kill(), Err(LabError::Shared { .. })));
    postgres.database().unwrap();
}

/// A transaction that inserts one row through the proxy. Whether the client heard that it was committed.
fn insert_through(database: &Database, proxy: &FaultProxy) -> bool {
    let mut client = database.client_at(proxy.port()).expect("psql is there");
    for statement in ["BEGIN", "INSERT INTO here VALUES (1)", "COMMIT"] {
        client.args(["-c", statement]);
    }
    client.output().expect("it starts").status.success()
}

#[test]
fn real_commits_are_lost_before_or_after_they_happen() {
    let postgres = postgres().unwrap();
    let database = postgres.database().unwrap();
    database.sql("CREATE TABLE here (number bigint)").unwrap();
    let rows = || database.sql("SELECT count(*) FROM here").unwrap();
    let proxy = FaultProxy::before(postgres.port()).unwrap();

    assert!(insert_through(&database, &proxy), "nothing was to be cut yet");
    assert_eq!(rows(), "1");
    proxy.cut_at(Moment::BeforeRequest, "COMMIT");
    assert!(!insert_through(&database, &proxy));
    assert_eq!(rows(), "1", "the commit reached the server");
    proxy.cut_at(Moment::BeforeAnswer, "COMMIT");
    assert!(!insert_through(&database, &proxy));
    assert_eq!(rows(), "2", "the commit did not happen");
    assert!(insert_through(&database, &proxy), "a second connection was cut");
}
