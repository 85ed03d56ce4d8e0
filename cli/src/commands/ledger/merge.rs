//! `pakt ledger merge`.

use super::file::refuse_place;
use crate::commands::Context;
use crate::{
    failure::Failure,
    output::{Answer, changes, instant},
    wiring::{KeyTrust, evidence::Fingerprint},
};
use jobs::{
    Gravity,
    bundle::{MergeReport, MergeWish, MergedBundle, Taken, merge},
    import::Listed,
    settle::Counts,
};
use model::{agreeing, counted};
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `ledger merge`.
#[derive(Debug, clap::Args)]
pub(crate) struct Merge {
    /// Bundles that `pakt settle --bundle` wrote, or folders that have some
    #[arg(required = true, value_name = "PLACE")]
    pub places: Vec<PathBuf>,
    /// Believe bundles signed with this key, though earlier ones of the same person were signed with another
    #[arg(long, value_name = "FINGERPRINT")]
    pub accept_key: Vec<Fingerprint>,
    /// Believe what this key says of other people's runs, too: its owner coordinates the accounts
    #[arg(long, value_name = "FINGERPRINT")]
    pub coordinator: Vec<Fingerprint>,
    /// Take what is signed with this key as the site's own word, which gives way to nothing else
    #[arg(long, value_name = "FINGERPRINT")]
    pub site_key: Vec<Fingerprint>,
}

/// Merges. What could not be taken in is told in any case, and ends the program with 5, with 4 where it is another key, or with
/// 3 where it may not be read: somebody has to look.
pub(super) async fn run(arguments: Merge, context: &Context) -> Result<Answer, Failure> {
    for place in &arguments.places {
        let next = "name bundles that `pakt settle --bundle` wrote; `pakt ledger migrate` moves a ledger to a server";
        refuse_place("the bundles were not merged", place, next)?;
    }
    let house = context.house().await?;
    let Merge { places, accept_key: accepted, coordinator, site_key } = arguments;
    let believed = |keys: Vec<Fingerprint>, trust| keys.into_iter().map(move |key| (key, trust));
    let trusted = believed(coordinator, KeyTrust::Everybody).chain(believed(site_key, KeyTrust::Site)).collect();
    let report = merge(&house, MergeWish { places, accepted, trusted }).await?;
    let answer = Answer::new(text(&report), json!({ "version": 1, "merged": report })).with_notes(notes(&report));
    if report.is_complete() {
        return Ok(answer);
    }
    context.screen.shown_in_full(&answer);
    Err(incomplete(&report))
}

fn incomplete(report: &MergeReport) -> Failure {
    let what = "not everything was merged";
    let refusals: Vec<_> = report.refusals().collect();
    let Some((first, others)) = refusals.split_first() else {
        let taken = report.bundles.iter().map(|bundle| &bundle.taken).chain([&report.repriced]);
        let (rejected, not_priced) =
            taken.fold((0, 0), |(rows, runs), taken| (rows + taken.rejected.count, runs + taken.not_priced.count));
        let (runs, were) = (counted(rejected, "run"), agreeing(rejected, "was", "were"));
        let have = agreeing(not_priced, "has", "have");
        let why = format!("{runs} {were} rejected, and {not_priced} {have} no price: no balance counts their hours");
        let next = "look at the warnings; `pakt ledger unattributed` lists the runs without a price";
        return Failure { gravity: Gravity::Unknown, ..Failure::usage(what, why, next) };
    };
    let count = others.len();
    let why =
        if count == 0 { first.why.clone() } else { format!("{}; and {}", first.why, counted(count, "more bundle")) };
    let gravity = if refusals.iter().all(|refusal| refusal.needs_a_person) {
        Gravity::Refused
    } else if refusals.iter().all(|refusal| refusal.is_unread) {
        Gravity::Unreachable
    } else {
        Gravity::Unknown
    };
    Failure { gravity, ..Failure::usage(what, why, first.next.clone()) }
}

fn text(report: &MergeReport) -> String {
    let mut text = String::new();
    for bundle in &report.bundles {
        text.push_str(&line(bundle));
        text.push_str(&changes(&bundle.taken.counts));
    }
    let Counts { new, priced, corrected, covered, .. } = &report.repriced.counts;
    let count = new + priced + corrected + covered;
    if count > 0 {
        text.push_str(&format!(
            "{} that had no price {} one now\n",
            counted(count, "run"),
            agreeing(count, "has", "have")
        ));
        text.push_str(&changes(&report.repriced.counts));
    }
    text
}

fn line(bundle: &MergedBundle) -> String {
    let file = bundle.file.display();
    let (Some(site), Some(user)) = (&bundle.site, &bundle.user) else {
        let is_unread = bundle.refused.as_ref().is_some_and(|refusal| refusal.is_unread);
        return format!("{file}: {}\n", if is_unread { "not read" } else { "not a bundle" });
    };
    let Taken { counts, not_priced, rejected } = &bundle.taken;
    let Counts { new, same, corrected, unattributed, .. } = counts;
    let until = bundle.settled_until.map_or_else(String::new, |until| format!("; read until {}", instant(until)));
    format!(
        "{user}@{site}: {}, {} known; runs: {new} newly charged, {same} known, {corrected} corrected, \
         {unattributed} unattributed, {} without a price, {} rejected{until}\n",
        counted(bundle.new_batches, "new batch"),
        bundle.known_batches,
        not_priced.count,
        rejected.count
    )
}

fn notes(report: &MergeReport) -> Vec<String> {
    let mut notes = Vec::new();
    for bundle in &report.bundles {
        let file = bundle.file.display();
        if let (true, Some(user), Some(site), Some(key)) =
            (bundle.is_first, &bundle.user, &bundle.site, bundle.fingerprint)
        {
            notes.push(format!(
                "note: {file} is the first bundle of {user}@{site}: its key {key} is believed from now on; ask {user} \
                 whether it is theirs"
            ));
        }
        notes.extend(bundle.refused.iter().map(|refusal| format!("warning: {file}: {}", refusal.why)));
        notes.extend(bundle.notes.iter().map(|note| format!("note: {file}: {note}")));
        if bundle.uncounted > 0 {
            let count = bundle.uncounted;
            let (jobs, have) = (counted(count, "running or waiting job"), agreeing(count, "has", "have"));
            notes.push(format!("note: {file}: {jobs} {have} no price here"));
        }
        notes.extend(warnings(&bundle.taken));
    }
    notes.extend(warnings(&report.repriced));
    notes
}

fn warnings(taken: &Taken) -> Vec<String> {
    let listed = |what: &str, listed: &Listed| {
        let mut warnings: Vec<String> =
            listed.first.iter().map(|reason| format!("warning: {what}: {reason}")).collect();
        let more = listed.count - listed.first.len() as u64;
        if more > 0 {
            warnings.push(format!("warning: and {more} more"));
        }
        warnings
    };
    [listed("not taken in", &taken.rejected), listed("not counted", &taken.not_priced)].concat()
}
