//! A host behind OpenSSH: what only a connection has.

use super::place::{Behind, Place, at_home, becomes_true, shell, talkative};
use lab::{LoginNode, User};
use reach::{Closes, Command, ConnectionState, OpenSsh, Opening, Reach, ReachErrorKind, Retry, SshSettings};
use std::{path::Path, process::Stdio, sync::Arc, time::Duration};

crate::all_promises!(Place::behind_ssh());

const SECOND_FACTOR: &str = "only-once-4711";

/// A node that asks for a second factor, and a user of the lab who has one.
fn guarded() -> (String, LoginNode) {
    lab::attach("jupiter").expect("the lab is up, and its users are there");
    (User::Ada.name().to_owned(), LoginNode { second_factor: Some(SECOND_FACTOR.to_owned()), ..talkative() })
}

/// Types what a person would: the command, and the second factor when ssh asks for it.
fn as_a_person(command: &str, folder: &Path) {
    let answer = folder.join("answer");
    std::fs::write(&answer, format!("#!/bin/sh\necho {SECOND_FACTOR}\n")).expect("written");
    std::fs::set_permissions(&answer, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("ours");
    let said = folder.join("said");
    let status = std::process::Command::new("sh")
        .args(["-c", &format!("{command} >{} 2>&1", said.display())])
        .env("SSH_ASKPASS", &answer)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .stdin(Stdio::null())
        .status()
        .expect("sh starts");
    assert!(status.success(), "`{command}`: {}", std::fs::read_to_string(said).unwrap_or_default());
}

async fn answer(place: &OpenSsh) -> String {
    place.run(&shell("echo here")).await.expect("it runs").stdout_text()
}

fn open(state: ConnectionState) -> reach::Master {
    match state {
        ConnectionState::Open(connection) => connection,
        ConnectionState::Closed { said, .. } => panic!("closed: {said:?}"),
    }
}

fn fact<'error>(error: &'error reach::ReachError, name: &str) -> &'error str {
    let found = error.facts.iter().find(|(known, _)| known == name);
    found.map_or_else(|| panic!("no `{name}` in {error}"), |(_, value)| value)
}

/// Ends a process and waits until it is gone.
async fn kill(process: u32) {
    let id = rustix::process::Pid::from_raw(i32::try_from(process).expect("a process")).expect("not zero");
    rustix::process::kill_process(id, rustix::process::Signal::KILL).expect("ours");
    let folder = format!("/proc/{process}");
    assert!(becomes_true(|| !Path::new(&folder).exists() || is_over(&folder)).await);
}

fn is_over(folder: &str) -> bool {
    std::fs::read_to_string(format!("{folder}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

#[tokio::test]
async fn a_person_opens_the_connection_and_nothing_connects_before() {
    let (user, node) = guarded();
    let mut behind = Behind::of(&user, &[node], Opening::ByPerson);
    // ssh does not make the folder of its socket.
    behind.settings.folder = behind.sockets().join("deeper");
    let place = OpenSsh::new(behind.settings.clone());
    let error = place.run(&shell("true")).await.expect_err("closed");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::Unreachable, Retry::Later));
    let ConnectionState::Closed { command, .. } = place.connection().await.expect("asked") else { panic!("open") };
    assert_eq!(fact(&error, "open one with"), command);
    assert_eq!(behind.nodes[0].attempts().expect("a log"), 0, "it connected by itself");

    as_a_person(&command, &behind.sockets());
    assert_eq!(answer(&place).await, "here\n");
    let connection = open(place.connection().await.expect("asked"));
    assert_eq!(connection.host, "login1");
    assert!(connection.age.is_some());
    let home = place.run(&Command::new("id").argument("-un")).await.expect("it runs");
    assert_eq!(home.stdout_text().trim(), user);

    // Its owner closes the lid: the socket is there, and nobody behind it.
    kill(connection.process).await;
    let error = place.run(&shell("true")).await.expect_err("gone");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::Unreachable, Retry::Later));
    assert_eq!(fact(&error, "open it again with"), command);
    let read = place.read(Path::new("/etc/passwd"), 1 << 20).await.expect_err("closed");
    assert_eq!(fact(&read, "open one with"), command);
    let login = &behind.nodes[0];
    assert_eq!((login.attempts().expect("a log"), login.logins().expect("a log")), (1, 1));
}

#[tokio::test]
async fn a_master_of_the_persons_own_configuration_is_used_and_says_until_when() {
    let behind = Behind::new(&[talkative()], Opening::ByPerson);
    let own = behind.sockets().join("persons-own");
    let lines =
        format!("  ControlPath {}\n  ControlPersist 4h\n  RemoteCommand false\n  SendEnv SECRET\n", own.display());
    let behind = behind.with_lines(&lines);
    let place = OpenSsh::new(behind.settings.clone());
    let ConnectionState::Closed { command, .. } = place.connection().await.expect("asked") else { panic!("open") };
    assert!(!command.contains("ControlPath"), "{command}");
    as_a_person(&command, &behind.sockets());
    let connection = open(place.connection().await.expect("asked"));
    assert_eq!(connection.closes, Closes::AfterDisuse(Duration::from_hours(4)));
    assert_eq!(answer(&place).await, "here\n");
}

#[tokio::test]
async fn many_at_once_share_one_connection() {
    let behind = Behind::new(&[talkative()], Opening::ByUs);
    let calls: Vec<_> = (0..12)
        .map(|_| {
            let place = OpenSsh::new(behind.settings.clone());
            tokio::spawn(async move { answer(&place).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.expect("no panic"), "here\n");
    }
    assert_eq!(behind.nodes[0].logins().expect("a log"), 1);
}

#[tokio::test]
async fn a_lost_connection_of_ours_is_opened_again_where_nothing_had_begun() {
    let behind = Behind::new(&[talkative()], Opening::ByUs);
    let place = OpenSsh::new(behind.settings.clone());
    assert_eq!(answer(&place).await, "here\n");
    kill(open(place.connection().await.expect("asked")).process).await;
    assert_eq!(answer(&place).await, "here\n");
    assert_eq!(behind.nodes[0].logins().expect("a log"), 2);
}

#[tokio::test]
async fn what_was_cut_off_has_to_be_looked_for() {
    let mut behind = Behind::new(&[talkative()], Opening::ByUs);
    let place = Arc::new(OpenSsh::new(behind.settings.clone()));
    let folder = tempfile::tempdir().expect("a folder");
    let begun = folder.path().join("begun");
    let command = shell(&format!("touch {}; exec sleep 600", begun.display()));
    let call = tokio::spawn({
        let place = Arc::clone(&place);
        async move { place.run(&command).await }
    });
    assert!(becomes_true(|| begun.exists()).await);
    behind.nodes[0].stop();
    let error = call.await.expect("no panic").expect_err("cut off");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::Unreachable, Retry::LookFirst));
}

#[tokio::test]
async fn where_one_login_node_is_down_another_is_taken() {
    let mut behind = Behind::new(&[talkative(), talkative()], Opening::ByUs);
    behind.nodes[0].stop();
    let place = OpenSsh::new(behind.settings.clone());
    assert_eq!(answer(&place).await, "here\n");
    assert_eq!(open(place.connection().await.expect("asked")).host, "login2");
    // Another process attaches to what is open, though the first node is back.
    behind.nodes[0].start_again().expect("starts");
    let second = OpenSsh::new(behind.settings.clone());
    assert_eq!(answer(&second).await, "here\n");
    assert_eq!(behind.nodes[0].logins().expect("a log"), 0);
    behind.nodes[1].stop();
    behind.nodes[0].stop();
    let error = OpenSsh::new(behind.settings.clone()).run(&shell("true")).await.expect_err("all are down");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::Unreachable, Retry::Later));
    assert!(fact(&error, "login1").contains("refused") && fact(&error, "login2").contains("refused"), "{error}");
}

#[tokio::test]
async fn a_site_that_wants_few_connections_gets_few() {
    let mut behind = Behind::new(&[talkative()], Opening::ByUs);
    behind.settings.pause = Duration::from_hours(1);
    behind.nodes[0].stop();
    let failed = OpenSsh::new(behind.settings.clone()).run(&shell("true")).await.expect_err("down");
    assert!(fact(&failed, "login1").contains("refused"), "{failed}");
    behind.nodes[0].start_again().expect("starts");
    let waits = OpenSsh::new(behind.settings.clone()).run(&shell("true")).await.expect_err("too soon");
    assert_eq!((waits.kind, waits.retry), (ReachErrorKind::Unreachable, Retry::Later));
    assert!(fact(&waits, "cause").contains("try again in"), "{waits}");
    assert_eq!(behind.nodes[0].attempts().expect("a log"), 0);
}

#[tokio::test]
async fn a_host_of_another_key_is_no_host_of_ours() {
    let behind = Behind::new(&[talkative()], Opening::ByUs).with_lines("  HostKeyAlias somebody-else\n");
    let error = OpenSsh::new(behind.settings.clone()).run(&shell("true")).await.expect_err("unknown");
    assert!(fact(&error, "login1").contains("Host key verification failed"), "{error}");
}

#[tokio::test]
async fn another_host_is_passed_through() {
    let mut behind = Behind::new(&[talkative(), talkative()], Opening::ByUs);
    behind.settings.hosts = vec!["login1".to_owned()];
    behind.settings.jump = Some("login2".to_owned());
    assert_eq!(answer(&OpenSsh::new(behind.settings.clone())).await, "here\n");
    let logins = behind.nodes.iter().map(|node| node.logins().expect("a log")).collect::<Vec<_>>();
    assert_eq!(logins, [1, 1]);
}

#[tokio::test]
async fn a_terminal_is_given_to_the_far_side() {
    let behind = Behind::new(&[talkative()], Opening::ByUs);
    let place = OpenSsh::new(behind.settings.clone());
    let folder = tempfile::tempdir().expect("a folder");
    let witness = folder.path().join("witness");
    let command = shell(&format!("echo $WORD > {}; exit 7", witness.display())).variable("WORD", "it's");
    assert_eq!(place.attach(&command).await, Ok(Some(7)));
    assert_eq!(std::fs::read_to_string(&witness).expect("written"), "it's\n");
}

#[tokio::test]
async fn a_command_that_is_too_long_is_refused_and_not_cut() {
    let behind = Behind::new(&[talkative()], Opening::ByUs);
    let place = OpenSsh::new(behind.settings.clone());
    let error = place.run(&Command::new("echo").argument("x".repeat(140_000))).await.expect_err("too long");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::TooLong, Retry::Never));
    let long = "x".repeat(130_000);
    let output = place.run(&Command::new("echo").argument(&long)).await.expect("just so");
    assert_eq!(output.stdout_text().trim(), long);
}

#[tokio::test]
async fn a_command_has_what_a_login_shell_sets() {
    let home = tempfile::tempdir().expect("a folder");
    let at = home.path().display();
    let program = home.path().join("only-here");
    std::fs::write(&program, "#!/bin/sh\necho \"$FROM_LOGIN\"\n").expect("written");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("ours");
    let profile = format!(
        "echo Quota: 80 %\nexport FROM_LOGIN=\"it's here\" PATH=\"{at}:$PATH\"\nunset GONE\nml() {{ echo module \"$1\"; }}\nexport -f ml\n"
    );
    std::fs::write(home.path().join(".bash_profile"), profile).expect("written");
    let mut node = at_home(home.path());
    node.environment.push(("GONE".to_owned(), "x".to_owned()));
    let behind = Behind::new(&[node], Opening::ByUs);
    let place = OpenSsh::new(behind.settings.clone());
    let text = async |command: Command| place.run(&command).await.expect("it runs").stdout_text();
    assert_eq!(text(Command::new("only-here")).await, "it's here\n");
    assert_eq!(text(shell("echo ${GONE-unset}")).await, "unset\n");
    assert_eq!(text(Command::new("bash").arguments(["-c", "ml load"])).await.lines().last(), Some("module load"));
    assert_eq!(text(shell("echo ${FROM_LOGIN-taken}").without(["FROM_*"])).await, "taken\n");
    let login = place.login().await.expect("asked");
    assert_eq!(login.variables["FROM_LOGIN"], "it's here");
    assert_eq!(behind.nodes[0].logins().expect("a log"), 1);

    let other = SshSettings { user: Some("somebody-else".to_owned()), ..behind.settings.clone() };
    let error = OpenSsh::new(other).run(&shell("true")).await.expect_err("another user");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::NotPermitted, Retry::Never));
}

#[tokio::test]
async fn an_attempt_at_one_site_keeps_nobody_from_another() {
    let mut behind = Behind::new(&[talkative(), talkative()], Opening::ByUs);
    behind.settings.pause = Duration::from_hours(1);
    let site = |host: &str| OpenSsh::new(SshSettings { hosts: vec![host.to_owned()], ..behind.settings.clone() });
    for host in ["login1", "login2"] {
        assert_eq!(answer(&site(host)).await, "here\n", "{host}");
    }
    kill(open(site("login1").connection().await.expect("asked")).process).await;
    let error = site("login1").run(&shell("true")).await.expect_err("it was tried a moment ago");
    assert!(fact(&error, "cause").contains("the site wants them rarely"), "{error}");
    assert_eq!(answer(&site("login2")).await, "here\n");
}

#[tokio::test]
async fn a_way_of_the_persons_own_goes_before_ours() {
    let mut behind = Behind::new(&[talkative()], Opening::ByUs);
    behind.settings.jump = Some("nowhere.invalid".to_owned());
    let error = OpenSsh::new(behind.settings.clone()).run(&shell("true")).await.expect_err("no such host");
    assert_eq!((error.kind, behind.nodes[0].attempts().expect("a log")), (ReachErrorKind::Unreachable, 0));
    let own = "  ProxyCommand bash -c 'exec 3<>/dev/tcp/%h/%p; cat <&3 & exec cat >&3'\n";
    let behind = behind.with_lines(own);
    assert_eq!(answer(&OpenSsh::new(behind.settings.clone())).await, "here\n");
}
