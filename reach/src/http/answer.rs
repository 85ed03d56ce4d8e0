//! What comes back.

use super::call::words_of;
use crate::{ReachError, ReachErrorKind, Retry};
use http_body_util::BodyExt;
use hyper::{
    Response,
    body::{Bytes, Incoming},
};
use std::time::Duration;
use tokio::{task::JoinHandle, time::timeout};

/// An answer whose head is there. Its connection is closed when it is let go.
#[derive(Debug)]
pub struct HttpAnswer {
    /// The status, as in 200.
    pub status: u16,
    /// For how many seconds it wants not to be asked again (`Retry-After`, RFC 9110); none where it names no number of them.
    pub retry_after_seconds: Option<u32>,
    body: Incoming,
    driver: JoinHandle<hyper::Result<()>>,
    doing: String,
    patience: Duration,
    /// How many bytes may still come.
    left: usize,
}

impl Drop for HttpAnswer {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl HttpAnswer {
    pub(super) fn new(
        response: Response<Incoming>,
        driver: JoinHandle<hyper::Result<()>>,
        doing: String,
        patience: Duration,
        left: usize,
    ) -> Self {
        let retry_after = response.headers().get(hyper::header::RETRY_AFTER);
        let retry_after_seconds = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let status = response.status().as_u16();
        Self { status, retry_after_seconds, body: response.into_body(), driver, doing, patience, left }
    }

    /// The next piece; none at the end. After `Err` what came before is a part and no answer.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, ReachError> {
        loop {
            let lost = |kind: ReachErrorKind, cause: String| {
                Err(ReachError::new(kind, Retry::LookFirst, &self.doing).with("cause", cause))
            };
            let frame = match timeout(self.patience, self.body.frame()).await {
                Err(_) => {
                    let cause = format!("the answer stood still for {} s", self.patience.as_secs());
                    return lost(ReachErrorKind::Unreachable, cause);
                }
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return lost(ReachErrorKind::Unreachable, words_of(&error)),
                Ok(Some(Ok(frame))) => frame,
            };
            // What is no data stands behind the answer and says nothing of it.
            let Ok(piece) = frame.into_data() else { continue };
            let Some(left) = self.left.checked_sub(piece.len()) else {
                return lost(ReachErrorKind::TooLong, "the answer is longer than allowed".to_owned());
            };
            self.left = left;
            return Ok(Some(piece));
        }
    }

    /// All of it.
    pub async fn whole(&mut self) -> Result<Vec<u8>, ReachError> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.piece().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}
