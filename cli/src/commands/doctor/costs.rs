//! What each source of a site costs, and how the answers stand that all processes of a person share.

use super::Report;
use crate::{
    commands::asked::{of_cost, words},
    failure::Failure,
    output::instant,
    wiring::{Pace, SharedState, Wait},
};
use jobs::{House, sample::sample};
use model::Timestamp;
use serde_json::{Value, json};

/// Asks each source once more that is asked again and again, and says what all of it took.
pub(super) async fn look(house: &House, report: &mut Report) {
    if house.scheduler.shared_state().await.is_none() {
        // Nobody is asked where jobs run on this machine.
        return;
    }
    for error in sample(house).await {
        report.doubt("source", error.into());
    }
    // What was asked just now may have ended a wait, or begun one.
    let Some(shared) = house.scheduler.shared_state().await else { return };
    let costs = house.scheduler.costs();
    report.told.extend(costs.iter().map(|cost| ("cost", words(cost))));
    let now = house.clock.now();
    report.told.extend(lines(&shared, now).into_iter().map(|line| ("shared", line)));
    for Wait { source, until, failures, said } in &shared.waits {
        let what = format!("{source} is not looked at again until {}", instant(*until));
        let why = format!("questions without answer so far: {failures}; {said}");
        let next = "nothing; what you submit or cancel is done all the same";
        report.doubt("wait", Failure::unreachable(what, why, next));
    }
    for note in &shared.notes {
        report.doubt("shared", Failure::usage("an answer was set aside", note, "nothing; it was asked for again"));
    }
    report.fields.push(("costs", costs.iter().map(of_cost).collect()));
    report.fields.push(("shared", of_shared(&shared)));
}

fn lines(shared: &SharedState, now: Timestamp) -> Vec<String> {
    let Pace { interval_seconds, least_seconds, longest_wait_seconds } = shared.pace;
    let told = |name: &str, answer: Option<(Timestamp, usize)>| match answer {
        Some((at, jobs)) => format!("{name}: {jobs} jobs, as of {} s ago", now.seconds_since(at).max(0)),
        None => format!("{name}: no answer lies there"),
    };
    let alone = match shared.asks_states_alone {
        Some(true) => "; between two of them for states alone",
        _ => "",
    };
    vec![
        format!(
            "asked at most every {interval_seconds} s{alone}, with `--fresh` every {least_seconds} s, and after no answer not for up \
             to {longest_wait_seconds} s"
        ),
        told("queue", shared.queue),
        told("ended jobs", shared.accounting),
    ]
}

fn of_shared(shared: &SharedState) -> Value {
    let answer =
        |answer: Option<(Timestamp, usize)>| answer.map(|(at, jobs)| json!({ "observed_at": at, "jobs": jobs }));
    let Pace { interval_seconds, least_seconds, longest_wait_seconds } = shared.pace;
    json!({
        "interval_seconds": interval_seconds, "least_seconds": least_seconds,
        "longest_wait_seconds": longest_wait_seconds, "asks_states_alone": shared.asks_states_alone,
        "queue": answer(shared.queue), "ended": answer(shared.accounting),
        "waits": shared.waits.iter().map(|wait| json!({
            "source": wait.source, "until_at": wait.until, "failures": wait.failures, "said": wait.said,
        })).collect::<Vec<_>>(),
    })
}
