//! Sessions of a connection that several processes of the user share, and of which the site lets few through.

use super::place::{Behind, becomes_true, shell, talkative};
use lab::{LoginNode, Sshd};
use reach::{Command, Conversation, OpenSsh, Opening, Reach, ReachErrorKind, Retry};
use std::{sync::Arc, time::Duration};

const PATIENCE: Duration = Duration::from_secs(30);

fn with_sessions(most: u32) -> Behind {
    Behind::new(&[LoginNode { most_sessions: Some(most), ..talkative() }], Opening::ByUs)
}

/// A place of a process of its own, which has asked who we are.
async fn process(behind: &Behind) -> Arc<OpenSsh> {
    let place = OpenSsh::new(behind.settings.clone());
    place.login().await.expect("asked");
    Arc::new(place)
}

async fn spoken_with(place: &OpenSsh) -> Box<dyn Conversation> {
    let mut spoken = place.converse(&Command::new("cat")).await.expect("it begins");
    spoken.send(b"here").await.expect("sent");
    assert_eq!(spoken.receive(4, PATIENCE).await.expect("answered"), b"here");
    spoken
}

fn refused(node: &Sshd) -> usize {
    node.refused_sessions().expect("a log")
}

#[tokio::test]
async fn processes_that_want_more_sessions_than_the_site_lets_through_all_come_to_an_answer() {
    let behind = with_sessions(2);
    let places = [process(&behind).await, process(&behind).await, process(&behind).await];
    let calls: Vec<_> = (0..12)
        .map(|number| {
            let place = Arc::clone(&places[number % 3]);
            tokio::spawn(async move { place.run(&shell(&format!("sleep 0.2; echo {number}"))).await })
        })
        .collect();
    for (number, call) in calls.into_iter().enumerate() {
        let output = call.await.expect("no panic").expect("it runs");
        assert_eq!(output.stdout_text(), format!("{number}\n"));
    }
    assert!(refused(&behind.nodes[0]) > 0, "the site refused none, so that nothing was tried");
    assert_eq!(behind.nodes[0].logins().expect("a log"), 1, "the connection was not to blame");
}

#[tokio::test]
async fn a_refused_session_is_waited_for_until_another_process_gives_one_back() {
    let behind = with_sessions(1);
    let (first, second) = (process(&behind).await, process(&behind).await);
    let spoken = spoken_with(&first).await;
    let run = tokio::spawn({
        let second = Arc::clone(&second);
        async move { second.run(&shell("echo here")).await }
    });
    assert!(becomes_true(|| refused(&behind.nodes[0]) > 0).await, "it is refused");
    drop(spoken);
    assert_eq!(run.await.expect("no panic").expect("it runs").stdout_text(), "here\n");

    let spoken = spoken_with(&second).await;
    let before = refused(&behind.nodes[0]);
    let other = tokio::spawn({
        let first = Arc::clone(&first);
        async move { spoken_with(&first).await }
    });
    assert!(becomes_true(|| refused(&behind.nodes[0]) > before).await, "it is refused");
    drop(spoken);
    other.await.expect("it is spoken with");
}

#[tokio::test]
async fn a_site_that_lets_no_session_through_is_told_as_that_and_the_connection_is_kept() {
    let behind = with_sessions(1);
    let (first, second) = (process(&behind).await, process(&behind).await);
    let spoken = spoken_with(&first).await;
    let error = second.run(&shell("true")).await.expect_err("there is none left");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::Unreachable, Retry::Later));
    assert!(error.to_string().contains("MaxSessions") && error.to_string().contains("8 times"), "{error}");
    assert_eq!(refused(&behind.nodes[0]), 8, "a bounded number of times, and not from the start again");
    drop(spoken);
    assert_eq!(second.run(&shell("echo here")).await.expect("it runs").stdout_text(), "here\n");
    assert_eq!(behind.nodes[0].logins().expect("a log"), 1);
}

#[tokio::test]
async fn programs_that_are_spoken_with_leave_a_session_for_commands() {
    let behind = with_sessions(4);
    let place = process(&behind).await;
    let mut spoken = Vec::new();
    for _ in 0..3 {
        spoken.push(spoken_with(&place).await);
    }
    let error = place.converse(&Command::new("cat")).await.err().expect("a fourth would take the last session");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::Other, Retry::Later));
    for _ in 0..3 {
        assert_eq!(place.run(&shell("echo here")).await.expect("it runs").stdout_text(), "here\n");
    }
    assert_eq!(refused(&behind.nodes[0]), 0);
}
