//! The `chain` part: how a job goes on past the wall-time limit.

use super::{fields::Fields, reference};
use model::{Chain, GpuRequest, LinkNumber, Resources, Until, WallTime};

/// The most links of a chain: what one archive seals.
pub(crate) const MOST_LINKS: u32 = 500;
/// The most links that are held and queued at once.
const MOST_AHEAD: u32 = 10;
/// The most GPU-hours that may be asked for.
const MOST_GPU_HOURS: u64 = 1_000_000_000;

/// The longest count of steps that a checkpoint may have, in digits; the batch script reads the same.
const MOST_STEPS: u64 = 999_999_999_999_999_999;

#[derive(Clone, Copy)]
enum Word {
    Steps,
    Time,
    Marker,
}

/// Reads `chain`; none where the job has none. `resources` are the job's, where they could be read.
pub(super) fn read(job: &Fields<'_>, resources: Option<&Resources>) -> Option<Chain> {
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
        max_links: LinkNumber::new(fields.up_to("max_links", MOST_LINKS).unwrap_or(Chain::USUAL_LINKS))
            .unwrap_or(LinkNumber::FIRST),
        max_gpu_hours: gpu_hours(&fields),
        ahead: fields.up_to("ahead", MOST_AHEAD).unwrap_or(Chain::USUAL_AHEAD),
        stalled_links: fields.up_to("stalled_links", MOST_LINKS).unwrap_or(Chain::USUAL_STALLED),
        lead: fields.parsed("lead", "write `HH:MM:SS`, or a number with `s` or `m`; quote it"),
        signal: fields.parsed("signal", "such as `USR1`; without it the program is told by a file and an instant"),
    };
    if let Some(resources) = resources {
        check(&fields, &chain, resources.time);
        check_gpus(&fields, &chain, resources);
    }
    Some(chain)
}

fn gpu_hours(fields: &Fields<'_>) -> Option<u64> {
    let text = fields.text("max_gpu_hours")?;
    let hours = text.parse::<u64>().ok().filter(|hours| (1..=MOST_GPU_HOURS).contains(hours));
    if hours.is_none() {
        let what = format!("`{text}` is not a whole number of GPU-hours");
        fields.mistake("max_gpu_hours", what, "for example `max_gpu_hours: 5000`");
    }
    hours
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
    let most = limit.seconds().saturating_mul(chain.max_links.get().into());
    if let Until::Time(time) = chain.until
        && time.seconds() > most
    {
        let (links, most) = (chain.max_links, WallTime::from_seconds(most));
        let what = format!("it is to work for {time}, and {links} links of {limit} can work for {most} at most");
        fields.doubt("time", what, "raise `max_links`, or lengthen `resources.time`");
    }
}

fn check_gpus(fields: &Fields<'_>, chain: &Chain, resources: &Resources) {
    let has_none = matches!(resources.gpus, GpuRequest::None | GpuRequest::PerNode(0) | GpuRequest::Total(0));
    if chain.max_gpu_hours.is_some() && has_none {
        let what = "a job without GPUs takes no GPU-hours";
        fields.mistake("max_gpu_hours", what, "bound it by `max_links`");
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
