//! What is due in a chain, by what is known of its links; pure.

use crate::directory::OverReason;
use model::{Amount, Chain, LinkNumber};

/// A link that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) link: LinkNumber,
    /// Whether the scheduler said that it is over. Silence is no end.
    pub(super) is_over: bool,
    /// Whether it was taken out of the queue before it began: not where it was forgotten there.
    pub(super) was_withdrawn: bool,
}

/// GPU time that is counted against `max_gpu_hours`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GpuTime {
    /// What the links took that are over.
    pub(super) taken: Amount,
    /// The most that one link takes.
    pub(super) of_link: Amount,
    /// What all may take.
    pub(super) most: Amount,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: as many links are queued as are to be, or no other may come.
    Nothing,
    /// To write down that it is over.
    Over(OverReason),
    /// To send this link.
    Send(LinkNumber),
}

/// Decides. `at_once` is how many links are queued at once.
pub(super) fn next(chain: &Chain, sent: &[Sent], at_once: u32, time: Option<GpuTime>) -> Next {
    let live = sent.iter().filter(|link| !link.is_over).count();
    let Some(last) = sent.iter().max_by_key(|link| link.link) else { return Next::Nothing };
    let ends = |why| if live == 0 { Next::Over(why) } else { Next::Nothing };
    // What the first one was to wait for can never be, or a person took it back: another one would be without it.
    if sent.iter().all(|link| link.is_over && link.was_withdrawn) {
        return Next::Over(OverReason::Withdrawn);
    }
    let Some(link) = LinkNumber::new(last.link.get().saturating_add(1)).filter(|link| *link <= chain.max_links) else {
        return ends(OverReason::Links);
    };
    if u32::try_from(live).is_ok_and(|live| live < at_once) {
        if time.is_some_and(|time| !has_room(time, live)) {
            return ends(OverReason::Hours);
        }
        return Next::Send(link);
    }
    Next::Nothing
}

/// Whether one more may take all of its time beside so many that do.
fn has_room(time: GpuTime, live: usize) -> bool {
    let links = std::iter::repeat_n(time.of_link, live + 1);
    Amount::sum(links.chain([time.taken])).is_ok_and(|all| all <= time.most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Until;

    fn chain(max_links: u32) -> Chain {
        Chain {
            until: Until::Marker,
            max_links: LinkNumber::new(max_links).expect("not 0"),
            max_gpu_hours: None,
            ahead: 2,
            stalled_links: 3,
            lead: None,
            signal: None,
        }
    }

    /// Links from 1 on, each by whether it is over.
    fn sent(over: &[bool]) -> Vec<Sent> {
        let link = |(place, is_over): (usize, &bool)| {
            let number = u32::try_from(place + 1).expect("few");
            Sent { link: LinkNumber::new(number).expect("not 0"), is_over: *is_over, was_withdrawn: false }
        };
        over.iter().enumerate().map(link).collect()
    }

    fn send(link: u32) -> Next {
        Next::Send(LinkNumber::new(link).expect("not 0"))
    }

    #[test]
    fn a_chain_of_which_all_links_were_taken_out_of_the_queue_before_they_began_is_over() {
        let withdrawn = |over: &[bool]| sent(over).into_iter().map(|link| Sent { was_withdrawn: true, ..link });
        let all: Vec<Sent> = withdrawn(&[true, true]).collect();
        assert_eq!(next(&chain(9), &all, 2, None), Next::Over(OverReason::Withdrawn));
        let one_waits: Vec<Sent> = withdrawn(&[true, false]).collect();
        assert_eq!(next(&chain(9), &one_waits, 2, None), send(3));
        let one_worked = [sent(&[true])[0], all[1]];
        assert_eq!(next(&chain(9), &one_worked, 2, None), send(3));
    }

    #[test]
    fn the_next_link_is_sent_behind_the_last_while_fewer_are_queued_than_are_to_be() {
        for (over, at_once, wanted) in [
            (&[false][..], 2, send(2)),
            (&[false, false], 2, Next::Nothing),
            (&[true, false], 2, send(3)),
            (&[true, true], 2, send(3)),
            // Somebody took the waiting one away.
            (&[false, true], 2, send(3)),
            (&[false], 1, Next::Nothing),
            (&[true], 1, send(2)),
            (&[true, true, false], 2, Next::Nothing),
            (&[true, true, true], 2, Next::Over(OverReason::Links)),
            (&[], 2, Next::Nothing),
        ] {
            assert_eq!(next(&chain(3), &sent(over), at_once, None), wanted, "{over:?}");
        }
    }

    #[test]
    fn a_link_that_could_pass_the_hours_is_not_sent_and_the_chain_ends_with_the_last_that_was() {
        let time = |taken: i64, most: i64| {
            let [taken, of_link, most] = [taken, 10, most].map(Amount::from_milli);
            Some(GpuTime { taken, of_link, most })
        };
        for (over, time, wanted) in [
            (&[false][..], time(0, 20), send(2)),
            (&[false], time(0, 19), Next::Nothing),
            (&[true], time(10, 20), send(2)),
            (&[true], time(11, 20), Next::Over(OverReason::Hours)),
            (&[true], time(4, 20), send(2)),
            (&[true, false], time(10, 29), Next::Nothing),
        ] {
            assert_eq!(next(&chain(9), &sent(over), 2, time), wanted, "{over:?} {time:?}");
        }
    }
}
