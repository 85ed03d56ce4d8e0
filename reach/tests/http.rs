//! Requests over HTTP to a server that says what each test wants.

use reach::{
    Local, ReachErrorKind, Retry,
    http::{HttpAnswer, HttpCall, HttpMethod, HttpPlace, Secret},
};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UnixListener},
    task::JoinHandle,
};

const PATIENCE: Duration = Duration::from_mins(1);

/// Takes one request whole, says what it is to say, and closes. What it was sent.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, says: &str) -> String {
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&heard).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().expect("a number")) {
                break;
            }
        }
        let read = stream.read(&mut piece).await.expect("ours");
        assert!(read > 0, "the request ended early: {text}");
        heard.extend_from_slice(&piece[..read]);
    }
    stream.write_all(says.as_bytes()).await.expect("ours");
    stream.flush().await.expect("ours");
    String::from_utf8(heard).expect("text")
}

/// A server for one request.
async fn server(says: &'static str) -> (HttpPlace, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let serving = tokio::spawn(async move { answer(listener.accept().await.expect("a client").0, says).await });
    (HttpPlace::parse(&format!("http://127.0.0.1:{port}/api")).expect("a place"), serving)
}

fn get(limit: usize) -> HttpCall {
    HttpCall::get("/jobs?x=1", PATIENCE, limit)
}

async fn text_of(mut answer: HttpAnswer) -> String {
    String::from_utf8(answer.whole().await.expect("whole")).expect("text")
}

#[tokio::test]
async fn a_request_is_sent_once_and_its_answer_read() {
    let (place, serving) = server("HTTP/1.1 500 INTERNAL ERROR\r\nContent-Length: 5\r\n\r\nhello").await;
    let call = HttpCall {
        method: HttpMethod::Post,
        headers: vec![("x-user", "ada".to_owned())],
        secrets: vec![("x-token", Secret::new("abc".to_owned()))],
        body: Some(b"{}".to_vec()),
        ..get(5)
    };
    let answer = call.send(&Local, &place).await.expect("an answer");
    assert_eq!(answer.status, 500);
    assert_eq!(text_of(answer).await, "hello");
    let heard = serving.await.expect("served");
    assert!(heard.starts_with("POST /api/jobs?x=1 HTTP/1.1\r\nhost: 127.0.0.1:"), "{heard}");
    for line in ["x-user: ada\r\n", "x-token: abc\r\n", "content-type: application/json\r\n", "\r\n\r\n{}"] {
        assert!(heard.contains(line), "{heard}");
    }
}

#[tokio::test]
async fn a_socket_in_the_file_system_is_as_good() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    let serving = tokio::spawn(async move {
        let says = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
        answer(listener.accept().await.expect("a client").0, says).await
    });
    let place = HttpPlace::parse(&format!("unix:{}", path.display())).expect("a place");
    assert_eq!(text_of(get(3).send(&Local, &place).await.expect("an answer")).await, "abc");
    assert!(serving.await.expect("served").starts_with("GET /jobs?x=1 HTTP/1.1\r\nhost: localhost\r\n"));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let says = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n",
        elsewhere.local_addr().expect("bound")
    );
    let (place, serving) = server(says.leak()).await;
    let answer = get(10).send(&Local, &place).await.expect("an answer");
    assert_eq!((answer.status, text_of(answer).await.as_str()), (307, ""));
    serving.await.expect("served");
    let came = elsewhere.into_std().expect("ours").accept();
    assert_eq!(came.expect_err("nobody came").kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn how_long_a_server_wants_to_be_left_alone() {
    for (line, seconds) in [
        ("", None),
        ("Retry-After: 120\r\n", Some(120)),
        ("retry-after:  0 \r\n", Some(0)),
        ("Retry-After: Thu, 26 Nov 2026 12:00:00 GMT\r\n", None),
        ("Retry-After: -1\r\n", None),
        ("Retry-After: 99999999999\r\n", None),
    ] {
        let says = format!("HTTP/1.1 429 Too Many Requests\r\n{line}Content-Length: 0\r\n\r\n");
        let (place, _serving) = server(says.leak()).await;
        let answer = get(10).send(&Local, &place).await.expect("an answer");
        assert_eq!((answer.status, answer.retry_after_seconds), (429, seconds), "{line}");
    }
}

#[tokio::test]
async fn what_is_too_long_is_no_answer() {
    let (place, _serving) = server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
    let mut answer = get(4).send(&Local, &place).await.expect("an answer");
    assert_eq!(answer.whole().await.expect_err("too long").kind, ReachErrorKind::TooLong);
    let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1_000_000));
    let (place, _serving) = server(head.leak()).await;
    assert_eq!(get(4).send(&Local, &place).await.expect_err("a head without end").retry, Retry::LookFirst);
    let head = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(100));
    let (place, _serving) = server(head.leak()).await;
    assert_eq!(get(4).send(&Local, &place).await.expect_err("too many lines").retry, Retry::LookFirst);
}

#[tokio::test]
async fn whether_it_may_have_arrived_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let place = HttpPlace::parse(&format!("http://{}", listener.local_addr().expect("bound"))).expect("a place");
    let encrypted = place.to_string().replace("http:", "https:");
    drop(listener);
    let error = get(4).send(&Local, &place).await.expect_err("nobody is there");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::Unreachable, Retry::Later));

    // Each of these ends in the middle of something.
    for says in ["", "HTTP/1.1 200 OK\r\nContent-Le", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"]
    {
        let (place, _serving) = server(says).await;
        let error = get(4).send(&Local, &place).await.expect_err(says);
        assert_eq!((error.kind, error.retry), (ReachErrorKind::Unreachable, Retry::LookFirst), "{says}: {error}");
    }
    let (place, _serving) = server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").await;
    let mut answer = get(9).send(&Local, &place).await.expect("a head");
    assert_eq!(answer.whole().await.expect_err("cut").retry, Retry::LookFirst);

    // A server that knows no TLS, or whom nobody vouches for: nothing was sent.
    let place = HttpPlace::parse(&encrypted).expect("a place");
    let listener = TcpListener::bind(encrypted.trim_start_matches("https://")).await.expect("the port is free again");
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut heard = [0; 1024];
        let read = stream.read(&mut heard).await.expect("ours");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("ours");
        heard[..read].to_vec()
    });
    let error = get(4).send(&Local, &place).await.expect_err("no TLS");
    assert_eq!(error.retry, Retry::Later, "{error}");
    assert!(error.to_string().contains("TLS: "), "{error}");
    assert!(!String::from_utf8_lossy(&serving.await.expect("served")).contains("jobs"));
}

#[tokio::test]
async fn who_stands_still_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let place = HttpPlace::parse(&format!("http://{}", listener.local_addr().expect("bound"))).expect("a place");
    let call = HttpCall { patience: Duration::from_millis(20), ..get(4) };
    let error = call.send(&Local, &place).await.expect_err("it says nothing");
    assert_eq!(error.retry, Retry::LookFirst, "{error}");
    drop(listener);
}
