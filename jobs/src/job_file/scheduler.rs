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

fn extra(fields: &Fields<'_>) -> Vec<String> {
    let words = fields.texts("extra");
    for word in &words {
        if !word.starts_with("--") || word.chars().any(char::is_control) {
            let next = "write long options in one piece, such as `--switches=1` (or `- --switches=1` in a list)";
            fields.mistake("extra", format!("`{word}` is not a long option of sbatch"), next);
        }
    }
    words
}
