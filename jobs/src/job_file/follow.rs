//! `evaluate.follows`: a chain whose checkpoints are evaluated as they come.

use super::fields::Fields;
use model::Follows;

/// The fields of `evaluate` that say which models there are, or how many starts a link has: of a chain that is told by what it saves.
const NOT_BESIDE: [(&str, &str); 4] = [
    ("models", "the checkpoints of the chain are evaluated, and nothing else"),
    ("checkpoints", "the checkpoints of the chain are evaluated, and nothing else"),
    ("pack", "each link takes the checkpoints that are new"),
    ("at_once", "its links wait for each other"),
];
/// The most steps between two checkpoints, in digits; the batch script reads the same.
const MOST_DIGITS: usize = 18;

/// Reads which chain is followed; none where none is. `tasks` are those of each start, one behind the other.
pub(super) fn read(fields: &Fields<'_>, tasks: &[&[String]]) -> Option<Follows> {
    if !fields.has("follows") {
        if fields.has("every") {
            let what = "`every` counts only with `follows`";
            fields.mistake("every", what, "leave it out, or name a chain by `follows`");
        }
        return None;
    }
    for (name, what) in NOT_BESIDE.into_iter().filter(|(name, _)| fields.has(name)) {
        fields.mistake(name, what, "leave it out, or write another job without `follows`");
    }
    let chain = fields.text("follows").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let chain = fields.required("follows", chain, "train-7b");
    let every = every(fields);
    let tasks = tasks.iter().map(|tasks| tasks.join(",")).collect();
    Some(Follows { chain: chain?, job: None, tasks, every })
}

fn every(fields: &Fields<'_>) -> Option<u64> {
    let text = fields.text("every")?;
    let steps = text.parse::<u64>().ok().filter(|steps| *steps > 0 && text.len() <= MOST_DIGITS);
    if steps.is_none() {
        fields.mistake("every", format!("`{text}` is not a number of steps"), "for example `every: 5000`");
    }
    steps
}
