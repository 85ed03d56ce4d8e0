//! The `chain` part: how a job goes on past the wall-time limit.

use super::{fields::Fields, reference};
use model::{Amount, Chain, LinkNumber, Until, WallTime};

/// The longest count of steps that a checkpoint may have, in digits; the batch script reads the same.
const MOST_STEPS: u64 = 999_999_999_999_999_999;

#[derive(Clone, Copy)]
enum Word {
    Steps,
    Time,
    Marker,
}

/// Reads `chain`; none where the job has none. `limit` is the wall-time limit, where it could be read.
pub(super) fn read(job: &Fields<'_>, limit: Option<WallTime>) -> Option<Chain> {
    if !job.has("chain") {
        return None;
    }
    let fields = job.below("chain");
    fields.only(&reference::names_below("chain"));
    let words = [("steps", Word::Steps), ("time", Word::Time), ("marker", Word::Marker)];
    let until = fields.required("until", fields.word("until", &words), "steps");
    let until = until.and_then(|word| until_what(&fields, word));
    let chain = Chain {
        until: until.unwrap_or(Until::Marker),
        max_links: max_links(&fields),
        max_gpu_hours: max_gpu_hours(&fields),
        ahead: count(&fields, "ahead", Chain::MOST_AHEAD).unwrap_or(Chain::USUAL_AHEAD),
        stalled_links: count(&fields, "stalled_links", Chain::MOST_LINKS).unwrap_or(Chain::USUAL_STALLED),
        lead: fields.parsed("lead", "write `HH:MM:SS`, or a number with `s` or `m`; quote it"),
        signal: fields.parsed("signal", "such as `USR1`; without it the program is told by a file and an instant"),
    };
    if let Some(limit) = limit.filter(|limit| !chain.leaves_time(*limit)) {
        let lead = chain.lead(limit);
        let what = format!("told {lead} before a limit of {limit}, a link has no time to work");
        fields.mistake("lead", what, "shorten `lead`, or lengthen `resources.time`");
    }
    Some(chain)
}

fn until_what(fields: &Fields<'_>, word: Word) -> Option<Until> {
    for (name, is_wanted) in [("steps", matches!(word, Word::Steps)), ("time", matches!(word, Word::Time))] {
        if fields.has(name) && !is_wanted {
            let what = format!("`{name}` counts only with `until: {name}`");
            fields.mistake(name, what, format!("leave it out, or write `until: {name}`"));
        }
    }
    match word {
        Word::Steps if fields.has("steps") => {
            let text = fields.text("steps")?;
            let steps = text.parse::<u64>().ok().filter(|steps| (1..=MOST_STEPS).contains(steps));
            if steps.is_none() {
                fields.mistake("steps", format!("`{text}` is not a number of steps"), "for example `steps: 20000`");
            }
            steps.map(|steps| Until::Steps(Some(steps)))
        }
        Word::Steps => Some(Until::Steps(None)),
        Word::Time => {
            let time = fields.parsed::<WallTime>("time", "write `HH:MM:SS`, or a number with `h` or `d`; quote it");
            let time = fields.required("time", time, "\"72:00:00\"")?;
            if time.seconds() == 0 {
                fields.mistake(
                    "time",
                    "links that work no time do nothing",
                    "write for how long they are to work together",
                );
            }
            Some(Until::Time(time))
        }
        Word::Marker => Some(Until::Marker),
    }
}

fn max_links(fields: &Fields<'_>) -> LinkNumber {
    let links = count(fields, "max_links", Chain::MOST_LINKS).unwrap_or(Chain::USUAL_LINKS);
    if links > 1 {
        let what = "links behind the first one are not sent by this version of Pakt";
        fields.mistake("max_links", what, "write `max_links: 1`: the job saves ahead of its limit, and says where");
    }
    LinkNumber::new(links).unwrap_or(LinkNumber::FIRST)
}

/// A whole number from 1 to `most`.
fn count(fields: &Fields<'_>, name: &str, most: u32) -> Option<u32> {
    let count = fields.count(name, 1)?;
    if count > most {
        fields.mistake(
            name,
            format!("`{count}` is more than the {most} that Pakt allows"),
            format!("`{name}: {most}`"),
        );
        return None;
    }
    Some(count)
}

fn max_gpu_hours(fields: &Fields<'_>) -> Option<Amount> {
    let text = fields.text("max_gpu_hours")?;
    match Amount::from_hours(&text) {
        Ok(amount) if amount.milli() > 0 => Some(amount),
        _ => {
            let what = format!("`{text}` is not a number of GPU-hours");
            fields.mistake("max_gpu_hours", what, "for example `max_gpu_hours: 5000`");
            None
        }
    }
}
