//! A chain: a job that goes on past the wall-time limit, link by link.

use crate::{LinkNumber, WallTime};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How a job goes on past the wall-time limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// When its work is done.
    pub until: Until,
    /// How many links it may have.
    pub max_links: LinkNumber,
    /// How many GPU-hours its links may take together; none for as many as its links take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_gpu_hours: Option<u64>,
    /// How many links are held and queued at once.
    #[serde(default = "one")]
    pub ahead: u32,
    /// So many links without a newer checkpoint end it.
    pub stalled_links: u32,
    /// How long before the limit the program is told to save; none for the usual lead ([`Chain::lead`]).
    pub lead: Option<WallTime>,
    /// The signal that tells it beside the file and the instant.
    pub signal: Option<StopSignal>,
}

/// When the work of a chain is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// When a checkpoint of this step is there; without a number when the program ends by itself.
    Steps(Option<u64>),
    /// When its links have worked for so long together.
    Time(WallTime),
    /// When the program says so (`PAKT_DONE`).
    Marker,
}

/// A signal that a program can be told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StopSignal {
    /// SIGUSR1.
    Usr1,
    /// SIGUSR2.
    Usr2,
    /// SIGTERM.
    Term,
    /// SIGINT.
    Int,
    /// SIGHUP.
    Hup,
}

/// Why a text is none of these signals.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of the signals USR1, USR2, TERM, INT and HUP")]
pub struct SignalError(String);

/// What a chain had queued at once before that could be asked for.
const fn one() -> u32 {
    1
}

impl Chain {
    /// So many links without a newer checkpoint end a chain where nothing else is asked for.
    pub const USUAL_STALLED: u32 = 3;
    /// So many links are queued at once where nothing else is asked for.
    pub const USUAL_AHEAD: u32 = 2;
    /// So many links a chain may have where nothing else is asked for.
    pub const USUAL_LINKS: u32 = 10;

    const SHORTEST_LEAD: u64 = 30;
    const LONGEST_USUAL_LEAD: u64 = 600;

    /// How long before a limit the program is told to save: as asked for, else a tenth of the limit, from half a minute to ten.
    pub fn lead(&self, limit: WallTime) -> WallTime {
        let tenth = (limit.seconds() / 10).clamp(Self::SHORTEST_LEAD, Self::LONGEST_USUAL_LEAD);
        self.lead.unwrap_or(WallTime::from_seconds(tenth))
    }

    /// How many links are queued at once: where a job cannot wait for another one's end, one after the other.
    pub fn queued_at_once(&self, can_depend: bool) -> u32 {
        if can_depend { self.ahead.min(self.max_links.get()) } else { 1 }
    }

    /// Whether a link of this limit has time to work before it is told to save.
    pub fn leaves_time(&self, limit: WallTime) -> bool {
        self.lead(limit) < limit
    }
}

impl StopSignal {
    /// Its name without `SIG`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usr1 => "USR1",
            Self::Usr2 => "USR2",
            Self::Term => "TERM",
            Self::Int => "INT",
            Self::Hup => "HUP",
        }
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for StopSignal {
    type Err = SignalError;

    /// Reads the name as kill(1) and sbatch(1) take it, with or without `SIG`.
    fn from_str(text: &str) -> Result<Self, SignalError> {
        let name = text.strip_prefix("SIG").unwrap_or(text);
        let all = [Self::Usr1, Self::Usr2, Self::Term, Self::Int, Self::Hup];
        all.into_iter().find(|signal| signal.name() == name).ok_or_else(|| SignalError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_lead(lead: Option<u64>) -> Chain {
        Chain {
            until: Until::Marker,
            max_links: LinkNumber::FIRST,
            max_gpu_hours: None,
            ahead: 2,
            stalled_links: Chain::USUAL_STALLED,
            lead: lead.map(WallTime::from_seconds),
            signal: None,
        }
    }

    #[test]
    fn the_usual_lead_is_a_tenth_within_half_a_minute_and_ten() {
        for (limit, lead) in [(60, 30), (300, 30), (600, 60), (3600, 360), (6000, 600), (86_400, 600)] {
            assert_eq!(with_lead(None).lead(WallTime::from_seconds(limit)).seconds(), lead, "of {limit} s");
        }
        assert_eq!(with_lead(Some(7)).lead(WallTime::from_seconds(600)).seconds(), 7);
        assert!(with_lead(None).leaves_time(WallTime::from_seconds(31)));
        assert!(!with_lead(None).leaves_time(WallTime::from_seconds(30)), "nothing is left to work in");
    }

    #[test]
    fn no_more_links_are_queued_than_there_are_and_one_where_none_can_wait_for_another() {
        let chain = Chain { max_links: LinkNumber::new(3).expect("not 0"), ahead: 2, ..with_lead(None) };
        assert_eq!((chain.queued_at_once(true), chain.queued_at_once(false)), (2, 1));
        assert_eq!(Chain { ahead: 9, ..chain }.queued_at_once(true), 3);
    }

    #[test]
    fn a_signal_is_read_as_its_tools_write_it() {
        for text in ["USR1", "SIGUSR1"] {
            assert_eq!(text.parse(), Ok(StopSignal::Usr1));
        }
        for text in ["", "SIG", "usr1", "KILL", "10", "SIGSIGTERM"] {
            assert!(text.parse::<StopSignal>().is_err(), "{text}");
        }
    }
}
