//! How often a site is asked.

use model::UserName;
use std::path::PathBuf;

/// How often a person's processes together ask one source of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// For so long an answer is good enough for everybody.
    pub interval_seconds: u32,
    /// For so long it is good enough even for who wants a fresh one.
    pub least_seconds: u32,
    /// After questions without an answer nobody asks for at most so long.
    pub longest_wait_seconds: u32,
}

/// PSI/J asks every 30 s and Nextflow every 60 s; nobody was found to object to either.
impl Default for Pace {
    fn default() -> Self {
        Self { interval_seconds: 30, least_seconds: 5, longest_wait_seconds: 300 }
    }
}

impl Pace {
    /// So old an answer may be.
    pub(crate) fn oldest_seconds(self, freshness: Freshness) -> u32 {
        match freshness {
            Freshness::Shared => self.interval_seconds,
            Freshness::Fresh => self.least_seconds.min(self.interval_seconds),
        }
    }
}

/// Which answer is good enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// The one that all processes of a person share.
    #[default]
    Shared,
    /// A new one, but for the least pause between two questions.
    Fresh,
}

/// Where answers are shared, and how often they are asked for.
#[derive(Clone, Debug)]
pub struct Sharing {
    /// A folder for one person and one site, beside their jobs; made when it is first needed, but not what is above it.
    pub folder: PathBuf,
    /// The person, as the site knows them.
    pub user: UserName,
    /// How often.
    pub pace: Pace,
    /// Random bits, so that many processes do not come back at once.
    pub random: fn() -> u128,
}
