//! Raw rows of accounting: what is kept of them, and what can be told of one that could not be read.

use model::{SchedulerJobId, Timestamp};
use scheduler_adapters::RejectedRow;
use serde_json::Value;

/// Stands between the values of a raw row.
const SEPARATOR: char = '\u{1f}';
/// The command line of the submission: it may hold a secret, such as `--export=TOKEN=…`.
const SUBMIT_LINE: &str = "SubmitLine";
/// The first column in which people write what they like.
const FIRST_FREE_COLUMN: &str = "WorkDir";

/// The row as it goes into the books, without the command line of the submission. What is read from that line, the stamp,
/// has been read before.
pub(crate) fn kept(raw: &str, fields: &[String]) -> String {
    if let Ok(Value::Object(mut row)) = serde_json::from_str::<Value>(raw) {
        // The local scheduler's row: the words for the script stand among its records.
        let records = row.values_mut().filter_map(Value::as_object_mut);
        let removed = records.filter_map(|record| record.remove("arguments")).count();
        return if removed > 0 { Value::Object(row).to_string() } else { raw.to_owned() };
    }
    let place_of = |name: &str| fields.iter().position(|field| field == name);
    let Some(place) = place_of(SUBMIT_LINE) else { return raw.to_owned() };
    let mut values: Vec<&str> = raw.split(SEPARATOR).collect();
    if values.len() == fields.len() {
        values[place] = "";
    } else {
        // Somebody wrote a separator into a free text: where the line stands is not certain, so all of those go.
        values.truncate(place_of(FIRST_FREE_COLUMN).unwrap_or(place).min(place));
    }
    values.join(&SEPARATOR.to_string())
}

/// When the run of an unreadable row ended, where at least that can be told.
pub(crate) fn ended_at(row: &RejectedRow, fields: &[String]) -> Option<Timestamp> {
    let values: Vec<&str> = row.raw.split(SEPARATOR).collect();
    let place = fields.iter().position(|field| field == "End").filter(|_| values.len() == fields.len())?;
    let seconds: i64 = values[place].parse().ok()?;
    (seconds > 0).then(|| Timestamp::from_epoch_seconds(seconds))
}

/// The scheduler's id of an unreadable row, where at least that can be told.
pub(crate) fn job_of(row: &RejectedRow) -> Option<SchedulerJobId> {
    row.raw.split(SEPARATOR).next()?.parse().ok()
}

/// What is said about an unreadable row. Not the row itself: it may be somebody else's, with anything in it.
pub(crate) fn shown(row: &RejectedRow) -> String {
    match job_of(row) {
        Some(job) => format!("a row of job {job}: {}", row.reason),
        None => format!("a row: {}", row.reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Vec<String> {
        ["JobIDRaw", "End", "WorkDir", "Comment", "SubmitLine", "JobName"].map(str::to_owned).to_vec()
    }

    fn row(values: &[&str]) -> String {
        values.join("\u{1f}")
    }

    #[test]
    fn the_submit_line_is_not_kept() {
        let line = "sbatch --export=TOKEN=secret x.sh";
        let without = |raw: &str| kept(raw, &fields());
        let plain = without(&row(&["7", "100", "/home/ada", "mine", line, "train"]));
        assert_eq!(plain, row(&["7", "100", "/home/ada", "mine", "", "train"]));
        for shifted in [
            row(&["7", "100", "/home/ada", "one", "two", line, "train"]),
            row(&["7", "100", "/home/a", "da", "mine", line, "train"]),
            row(&["7", "100", "/home/ada", "mine", line, "tra", "in"]),
            row(&["7", "100", "/home/ada", "mine", "sbatch x", "--export=TOKEN=secret", "train"]),
        ] {
            let left = without(&shifted);
            assert!(!left.contains("secret") && left.starts_with("7\u{1f}100"), "{left:?}");
        }
        assert_eq!(kept("7|no such column", &["JobIDRaw".to_owned()]), "7|no such column");
    }

    #[test]
    fn the_words_for_a_script_of_this_machine_are_not_kept() {
        let fields = ["record", "start", "end"].map(str::to_owned);
        let raw = r#"{"end":null,"record":{"arguments":["--token","secret"],"id":7},"start":{"gpus":[]}}"#;
        assert_eq!(kept(raw, &fields), r#"{"end":null,"record":{"id":7},"start":{"gpus":[]}}"#);
        let other = r#"{"record":{"id":7}}"#;
        assert_eq!(kept(other, &fields), other);
    }

    #[test]
    fn of_an_unreadable_row_only_what_is_certain_is_told() {
        let rejected = |values: &[&str]| RejectedRow {
            raw: row(values),
            reason: "elapsed: `x`".to_owned(),
            stamp: None,
            is_cut: false,
        };
        let whole = rejected(&["7", "100", "/home", "", "sbatch --export=TOKEN", "a\u{1b}[2J"]);
        assert_eq!(
            (job_of(&whole), ended_at(&whole, &fields())),
            (Some(SchedulerJobId::new(7)), Some(Timestamp::from_epoch_seconds(100)))
        );
        assert_eq!(shown(&whole), "a row of job 7: elapsed: `x`");
        for (values, job) in
            [(vec!["7", "100"], Some(7)), (vec!["7", "Unknown", "", "", "", ""], Some(7)), (vec!["x"], None)]
        {
            let broken = rejected(&values);
            assert_eq!(
                (job_of(&broken).map(SchedulerJobId::raw), ended_at(&broken, &fields())),
                (job, None),
                "{values:?}"
            );
        }
    }
}
