//! What is sent.

use super::{answer::HttpAnswer, place::HttpPlace, tls};
use crate::{Reach, ReachError, ReachErrorKind, Retry};
use http_body_util::Full;
use hyper::{
    Request,
    body::Bytes,
    client::conn::http1,
    header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use std::{fmt, time::Duration};
use tokio::time::timeout;
use zeroize::Zeroizing;

/// How long a server may take to agree on encryption.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// The most bytes of the head of an answer, and the most lines in it.
const HEAD_BYTES: usize = 64 * 1024;
const HEAD_LINES: usize = 64;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpMethod {
    /// A read.
    Get,
    /// A write.
    Post,
    /// A removal.
    Delete,
}

impl HttpMethod {
    const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// A word that nobody may read: it is shown as dots, and its memory is overwritten when it is let go.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps a word.
    pub fn new(word: String) -> Self {
        Self(Zeroizing::new(word))
    }

    /// The word, for whom it is meant.
    pub fn word(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(...)")
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct HttpCall {
    /// What is asked for.
    pub method: HttpMethod,
    /// The path behind the place's own, with its question.
    pub path: String,
    /// Headers, by their names in small letters.
    pub headers: Vec<(&'static str, String)>,
    /// The same, of what nobody may read.
    pub secrets: Vec<(&'static str, Secret)>,
    /// What is sent along, in JSON.
    pub body: Option<Vec<u8>>,
    /// How long the answer's head, and then each piece of it, is waited for.
    pub patience: Duration,
    /// The most bytes of the answer.
    pub limit: usize,
}

impl HttpCall {
    /// A read of a path.
    pub fn get(path: impl Into<String>, patience: Duration, limit: usize) -> Self {
        let (headers, secrets) = (Vec::new(), Vec::new());
        Self { method: HttpMethod::Get, path: path.into(), headers, secrets, body: None, patience, limit }
    }

    /// What is being done, for errors: without the question behind the path, which may be long.
    fn doing(&self, place: &HttpPlace) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("asking {place} ({} {path})", self.method.word())
    }

    fn request(self, place: &HttpPlace) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let mut request = Request::builder()
            .method(self.method.word())
            .uri(format!("{}{}", place.prefix, self.path))
            .header(HOST, &place.host)
            .header(USER_AGENT, concat!("pakt/", env!("CARGO_PKG_VERSION")))
            .header(ACCEPT, "application/json");
        if self.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        for (name, secret) in &self.secrets {
            let mut value = HeaderValue::try_from(secret.word())?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        request.body(Full::new(Bytes::from(self.body.unwrap_or_default())))
    }

    /// Sends it once, and gives the answer as far as its head; its body is read on demand. After `Err` with
    /// `Retry::LookFirst` it may have arrived; with another one it has not.
    pub async fn send(self, reach: &dyn Reach, place: &HttpPlace) -> Result<HttpAnswer, ReachError> {
        let (doing, patience, limit) = (self.doing(place), self.patience, self.limit);
        let unsent =
            |cause: String| ReachError::new(ReachErrorKind::Unreachable, Retry::Later, &doing).with("cause", cause);
        let request = self.request(place);
        // Its own words might hold the value.
        let request = request.map_err(|_| unsent("a header or the path holds what HTTP does not allow".to_owned()))?;
        let connection = reach.connect(&place.address).await?;
        let encrypted = timeout(HANDSHAKE_LIMIT, tls::over(connection, place.certified.as_deref())).await;
        let connection = encrypted
            .unwrap_or_else(|_| Err("no agreement on encryption in time".to_owned()))
            .map_err(|cause| unsent(format!("TLS: {cause}")))?;
        let shaken = http1::Builder::new()
            .max_buf_size(HEAD_BYTES)
            .max_headers(HEAD_LINES)
            .handshake(TokioIo::new(connection))
            .await;
        let (mut sender, driver) = shaken.map_err(|error| unsent(words_of(&error)))?;
        let driver = tokio::spawn(driver);
        let lost =
            |cause: String| ReachError::new(ReachErrorKind::Unreachable, Retry::LookFirst, &doing).with("cause", cause);
        match timeout(patience, sender.send_request(request)).await {
            Ok(Ok(response)) => Ok(HttpAnswer::new(response, driver, doing, patience, limit)),
            Ok(Err(error)) => Err(lost(words_of(&error))),
            Err(_) => Err(lost(format!("no answer within {} s", patience.as_secs()))),
        }
    }
}

/// An error and what caused it, in one line.
pub(super) fn words_of(error: &hyper::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        words += &format!(": {next}");
        cause = next.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_nowhere() {
        let secret = Secret::new("eyJhbGciOi".to_owned());
        let call = HttpCall {
            secrets: vec![("x-slurm-user-token", secret)],
            ..HttpCall::get("/slurm/v0.0.38/jobs?a=b", Duration::ZERO, 0)
        };
        let place = HttpPlace::parse("http://127.0.0.1:1").expect("a place");
        assert_eq!(call.doing(&place), "asking http://127.0.0.1:1 (GET /slurm/v0.0.38/jobs)");
        assert!(!format!("{call:?}").contains("eyJ"));
        let request = call.request(&place).expect("a request");
        assert!(!format!("{request:?}").contains("eyJ"), "{request:?}");
    }
}
