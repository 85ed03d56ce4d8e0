//! What the script of a chain's link is told of the chain.

use crate::{BatchScript, failure_words::FailureWords};
use model::{Chain, LinkNumber, Stamp, Until};
use serde::Serialize;

/// The values of `scripts/chain.sh.j2`; all of them numbers and words of ours.
#[derive(Debug, Serialize)]
pub(crate) struct ChainWords {
    until: &'static str,
    /// The step at which its work is done, where one is given.
    steps: Option<u64>,
    /// For how long its links are to work together, in seconds; 0 where that is not what counts.
    seconds: u64,
    /// Whether a program that ends by itself and saved nothing newer is done, although what counts is not reached.
    ends_without_newer: bool,
    stalled_links: u32,
    /// Whether no link comes behind this one.
    is_last: bool,
    /// How long before it the program is told, in seconds.
    lead: u64,
    signal: Option<&'static str>,
    /// The links that may wait behind this one.
    behind: Vec<Behind>,
    #[serde(flatten)]
    failure: FailureWords,
}

/// A link behind this one.
#[derive(Debug, Serialize)]
struct Behind {
    link: u32,
    /// What the scheduler calls it, where no filter changed that.
    job_name: String,
}

impl ChainWords {
    /// Of one link.
    pub(crate) fn of(script: &BatchScript<'_>, chain: &Chain) -> Self {
        let limit = script.placement.time_limit;
        let (until, steps, seconds) = match chain.until {
            Until::Steps(steps) => ("steps", steps, 0),
            Until::Time(time) => ("time", None, time.seconds()),
            Until::Marker => ("marker", None, 0),
        };
        Self {
            until,
            steps,
            seconds,
            ends_without_newer: steps.is_some() || until == "time",
            stalled_links: chain.stalled_links,
            is_last: script.stamp.link >= chain.max_links,
            lead: chain.lead(limit).seconds(),
            signal: chain.signal.map(model::StopSignal::name),
            behind: Self::behind(script, chain),
            failure: FailureWords::of(script),
        }
    }

    fn behind(script: &BatchScript<'_>, chain: &Chain) -> Vec<Behind> {
        let own = script.stamp.link.get();
        let last = own.saturating_add(chain.ahead).min(chain.max_links.get());
        let links = (own.saturating_add(1)..=last).filter_map(LinkNumber::new);
        let name = |link| Stamp { link, ..script.stamp }.job_name(&script.spec.name);
        links.map(|link| Behind { link: link.get(), job_name: name(link) }).collect()
    }
}
