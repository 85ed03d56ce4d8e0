//! Why a chain is over: one record, written once by whoever saw it first, the batch script or Pakt.

use super::JobDirectory;
use crate::{error::JobsError, reached::reached};
use model::{FailureClass, LinkNumber, OnFailure, Timestamp};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The record's name.
const NAME: &str = "over";

/// Why a chain or a sweep is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverReason {
    /// Its work is done.
    Done,
    /// So many links made no newer checkpoint.
    Stalled,
    /// One kind of failure came more often than the job allows.
    Failures,
    /// It has had all of its links.
    Links,
    /// The next link could pass the GPU-hours that it may take.
    Hours,
    /// Nobody went on with it.
    Abandoned,
    /// All of its links ended, or were taken out of the queue, before they began their work.
    Withdrawn,
    /// Its hold was closed while none of its links was in the queue.
    Closed,
    /// All links of a sweep have ended, and not all of its cells are done.
    Cells,
}

/// The end of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Over {
    /// Why.
    pub why: OverReason,
    /// Behind which link.
    pub link: Option<LinkNumber>,
    /// At the step of which checkpoint; none where there is none.
    pub step: Option<u64>,
    /// Which kind of failure came too often, where that is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureClass>,
    /// When that was seen.
    pub at: Option<Timestamp>,
}

impl fmt::Display for Over {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failure.filter(|_| self.why == OverReason::Failures) {
            Some(kind) => write!(formatter, "failures of the kind `{kind}` came more often than `on_failure` allows"),
            None => self.why.fmt(formatter),
        }
    }
}

impl OverReason {
    const ALL: [Self; 9] = [
        Self::Done,
        Self::Stalled,
        Self::Failures,
        Self::Links,
        Self::Hours,
        Self::Abandoned,
        Self::Withdrawn,
        Self::Closed,
        Self::Cells,
    ];

    /// The word in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stalled => "stalled",
            Self::Failures => "failures",
            Self::Links => "links",
            Self::Hours => "hours",
            Self::Abandoned => "abandoned",
            Self::Withdrawn => "withdrawn",
            Self::Closed => "closed",
            Self::Cells => "cells",
        }
    }
}

impl FromStr for OverReason {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|reason| reason.word() == text).ok_or(())
    }
}

impl fmt::Display for OverReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Done => "its work is done",
            Self::Stalled => "too many links made no newer checkpoint",
            Self::Failures => "one kind of failure came more often than `on_failure` allows",
            Self::Links => "it has had all of its links",
            Self::Hours => "another link could pass its `max_gpu_hours`",
            Self::Abandoned => "nobody went on with it",
            Self::Withdrawn => "all of its links ended, or were taken out of the queue, before they began their work",
            Self::Closed => "its hold was closed while none of its links was in the queue",
            Self::Cells => "all of its links have ended, and not all of its cells are done",
        })
    }
}

impl JobDirectory {
    /// Writes down why the chain is over, behind which link and at which step, unless somebody did; what stands there then.
    pub async fn put_over(&self, why: OverReason, link: LinkNumber, at: Timestamp) -> Result<Option<Over>, JobsError> {
        let step = self.checkpoints().await?.last.map(|last| last.step.to_string()).unwrap_or_default();
        let seconds = at.epoch_seconds();
        let text = format!("why={}\nlink={link}\nstep={step}\nepoch_seconds={seconds}\nby=pakt\n", why.word());
        let written = self.files().write_once(&self.path().join(NAME), text.as_bytes()).await;
        reached(written, "it was not written down that the chain is over")?;
        self.over().await
    }

    /// Why the chain is over; none where that was not written down.
    pub async fn over(&self) -> Result<Option<Over>, JobsError> {
        let record = self.marker(NAME).await?;
        let number = |name: &str| record.get(name).and_then(|text| text.parse::<u64>().ok());
        let Some(why) = record.get("why").and_then(|text| text.parse().ok()) else { return Ok(None) };
        Ok(Some(Over {
            why,
            link: number("link").and_then(|link| LinkNumber::new(u32::try_from(link).ok()?)),
            step: number("step"),
            failure: record
                .get("failure")
                .and_then(|word| OnFailure::KINDS.into_iter().find(|kind| kind.word() == word.as_str())),
            at: record.get("epoch_seconds").and_then(|text| text.parse().ok()).map(Timestamp::from_epoch_seconds),
        }))
    }
}
