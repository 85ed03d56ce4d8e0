//! What was asked of a site, and how old the answer is.

use crate::{
    output::Answer,
    wiring::{Cost, Counters, Freshness, counters},
};
use jobs::House;
use model::Timestamp;
use serde_json::json;

/// As a person asks for it.
pub(super) const fn freshness(is_fresh: bool) -> Freshness {
    if is_fresh { Freshness::Fresh } else { Freshness::Shared }
}

/// How old an answer is that an earlier question was given, in words; none where this one was, or nobody was asked.
pub(super) fn age(house: &House, observed_at: Option<Timestamp>, was_shared: bool) -> Option<String> {
    let seconds = house.clock.now().seconds_since(observed_at.filter(|_| was_shared)?);
    Some(format!("as of {} s ago", seconds.max(0)))
}

/// The answer with what it cost, where a person wants to know.
pub(super) fn with_costs(mut answer: Answer, house: &House, wants: bool) -> Answer {
    if !wants {
        return answer;
    }
    let Counters { syncs, processes } = counters();
    let questions = house.scheduler.costs();
    answer.json["costs"] = json!({
        "synced_writes": syncs, "processes": processes, "questions": questions.iter().map(of_cost).collect::<Vec<_>>(),
    });
    let first = format!("costs: {syncs} synced writes, {processes} processes");
    let told = questions.iter().map(|cost| format!("costs: {}", words(cost)));
    answer.with_notes(std::iter::once(first).chain(told))
}

/// What one source cost, in a line.
pub(super) fn words(cost: &Cost) -> String {
    let Cost { source, questions, unanswered, lines, bytes, taken } = cost;
    let counted = |count: u64, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let bytes = bytes.map_or_else(String::new, |bytes| format!(", {bytes} bytes"));
    let lost = if *unanswered == 0 { String::new() } else { format!(" ({unanswered} without answer)") };
    let (asked, lines) = (counted(*questions, "question"), counted(*lines, "line"));
    format!("{source}: {asked}{lost}, {} ms, {lines}{bytes}", taken.as_millis())
}

/// The same for programs.
pub(super) fn of_cost(cost: &Cost) -> serde_json::Value {
    let Cost { source, questions, unanswered, lines, bytes, taken } = cost;
    json!({
        "source": source, "questions": questions, "unanswered": unanswered, "lines": lines, "bytes": bytes,
        "milliseconds": u64::try_from(taken.as_millis()).unwrap_or(u64::MAX),
    })
}
