//! What runs changed in the books, for whoever posted them.

use super::hold;
use jobs::settle::{CorrectedAmount, Counts, SettledAmount};
use model::{Amount, counted};

/// By what runs changed the books, what of that was first prices and corrections, and what else is to be said of them.
pub(crate) fn changes(counts: &Counts) -> String {
    let mut text = String::new();
    for SettledAmount { project, unit, amount } in &counts.settled {
        if *amount < Amount::ZERO {
            let back = Amount::ZERO.minus(*amount).unwrap_or(*amount);
            text.push_str(&format!("  {project} was given back {}\n", hold(unit, back)));
        } else {
            text.push_str(&format!("  {project} was charged {}\n", hold(unit, *amount)));
        }
    }
    if counts.priced > 0 {
        let first = counts.first_prices.iter().map(|first| format!("+{}", hold(&first.unit, first.amount)));
        let (runs, first) = (runs(counts.priced), first.collect::<Vec<_>>().join(", "));
        text.push_str(&format!("  {runs} priced for the first time: {first}\n"));
    }
    if counts.corrected > 0 {
        text.push_str(&corrections(counts.corrected, &counts.corrections));
    }
    text.push_str(&of_openings(counts.covered));
    if counts.unknown_end_states > 0 {
        let runs = runs(counts.unknown_end_states);
        text.push_str(&format!(
            "  {runs} ended in a state that no known release of Slurm prints; that changes no charge\n"
        ));
    }
    text
}

/// How many runs were corrected, from what to what.
fn corrections(count: u64, found: &[CorrectedAmount]) -> String {
    let change = |changed: &CorrectedAmount| {
        format!("from {} to {}", changed.before.hours(), hold(&changed.unit, changed.after))
    };
    let found = found.iter().map(change).collect::<Vec<_>>().join(", ");
    let found = if found.is_empty() { "no charge changed".to_owned() } else { found };
    format!("  {} corrected: {found}\n", runs(count))
}

/// So many runs, in words.
fn runs(count: u64) -> String {
    counted(count, "run")
}

/// What is said of runs that openings have; nothing where there are none.
fn of_openings(count: u64) -> String {
    match count {
        0 => String::new(),
        1 => "  1 run is in the opening of its budget and is not charged; `pakt ledger covered` lists it\n".to_owned(),
        _ => format!(
            "  {count} runs are in the openings of their budgets and are not charged; `pakt ledger covered` lists them\n"
        ),
    }
}
