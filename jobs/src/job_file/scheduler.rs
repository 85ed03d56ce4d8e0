//! The `scheduler` part: what is said to Slurm beyond the portable job.

use super::{fields::Fields, reference};
use model::SchedulerOptions;

/// Reads `scheduler`.
pub(super) fn read(job: &Fields<'_>) -> SchedulerOptions {
    let fields = job.below("scheduler");
    fields.only(&reference::names_below("scheduler"));
    let next = "write the name as the site's tools print it";
    SchedulerOptions {
        account: fields.parsed("account", next),
        partition: fields.parsed("partition", next),
        qos: fields.parsed("qos", next),
        reservation: one_line(&fields, "reservation"),
        constraint: one_line(&fields, "constraint"),
        exclude: one_line(&fields, "exclude"),
        begin: one_line(&fields, "begin"),
        after: one_line(&fields, "after"),
        extra: extra(&fields),
    }
}

/// A value that becomes an option of the batch script: on one line, or it would end the option's comment line.
fn one_line(fields: &Fields<'_>, name: &str) -> Option<String> {
    let text = fields.text(name)?;
    if text.is_empty() || text.chars().any(char::is_control) {
        fields.mistake(name, format!("`{name}` must be text on one line"), "write it on one line, in quotes");
        return None;
    }
    Some(text)
}

/// Further options, word by word as sbatch will see them. Which of them Pakt gives itself depends on the site.
fn extra(fields: &Fields<'_>) -> Vec<String> {
    let words = fields.texts("extra");
    for (index, word) in words.iter().enumerate() {
        if word.is_empty() || word.chars().any(char::is_control) {
            let what = "an option must be text on one line";
            fields.item_mistake("extra", index, what, "write it on one line, in quotes");
        } else if let Some(behind) = second_word(word) {
            let what = format!("`{word}` would be one word for sbatch, blanks and all");
            let next = format!("write it as items of a list, the second one `{behind}`, or as `--name=value`");
            fields.item_mistake("extra", index, what, next);
        }
    }
    words
}

/// What follows the first word of an option, where that is another word and not part of its value.
fn second_word(text: &str) -> Option<&str> {
    if !text.starts_with('-') {
        return None;
    }
    let (first, rest) = text.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let option = text.find(" -").map(|at| text[at + 1..].split_whitespace().next().unwrap_or_default());
    if first.contains('=') { option } else { Some(rest) }
}
