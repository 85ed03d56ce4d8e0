//! The `chain` part: how a job goes on past the wall-time limit.

use super::{fields::Fields, reference};
use model::{Chain, LinkNumber, Until, WallTime};

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
        max_links: LinkNumber::FIRST,
        stalled_links: Chain::USUAL_STALLED,
        lead: fields.parsed("lead", "write `HH:MM:SS`, or a number with `s` or `m`; quote it"),
        signal: fields.parsed("signal", "such as `USR1`; without it the program is told by a file and an instant"),
    };
    if let Some(limit) = limit {
        check(&fields, &chain, limit);
    }
    Some(chain)
}

/// What a limit says to the chain.
fn check(fields: &Fields<'_>, chain: &Chain, limit: WallTime) {
    let lead = chain.lead(limit);
    if !chain.leaves_time(limit) {
        let what = format!("told {lead} before a limit of {limit}, a link has no time to work");
        let next = if chain.lead.is_some() { "shorten `lead`" } else { "write a shorter `lead: \"5s\"`" };
        fields.mistake("lead", what, format!("{next}, or lengthen `resources.time`"));
    }
    if lead.seconds() == 0 {
        fields.mistake("lead", "told at its limit, a link has no time to save", "write how long it takes to save");
    }
    if let Until::Time(time) = chain.until
        && time > limit
    {
        let what = format!(
            "it is to work for {time}, and ends at its limit of {limit}: nothing is submitted behind it in this version"
        );
        fields.doubt("time", what, "give the next job its last checkpoint, which `pakt show` names");
    }
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
