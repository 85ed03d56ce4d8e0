//! A mistake in a file, with its line and a caret.

use jobs::job_file::Mistake;
use model::Severity;

/// The mistake as people read it:
///
/// ```text
/// job.yaml:5:14: error: there is no field `nodse`
///   5 | resources: { nodse: 2 }
///     |              ^^^^^
///     = did you mean `nodes`?
/// ```
pub(crate) fn mistake_text(mistake: &Mistake) -> String {
    let Mistake { file, line, column, length, source, finding } = mistake;
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    // Tabs stay tabs, so that the caret stands below what it means.
    let indent: String =
        source.chars().take(column - 1).map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
    let carets = "^".repeat((*length).max(1));
    format!(
        "{}:{line}:{column}: {word}: {}\n  {number} | {source}\n  {gutter} | {indent}{carets}\n  {gutter} = {}\n",
        file.display(),
        finding.what,
        finding.next
    )
}
