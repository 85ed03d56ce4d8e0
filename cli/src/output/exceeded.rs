//! That runs exceed the opening which has them, in one line.

use super::hold;
use jobs::exceeded::ExceededOpening;

/// By how much, and what lists the runs.
pub(crate) fn exceeded(ExceededOpening { sum, exceeds_by }: &ExceededOpening) -> String {
    let (project, unit) = (&sum.project, &sum.unit);
    let runs = model::counted_the(sum.runs, "", "run");
    format!(
        "note: {runs} that the opening of `{project}` has took {}, and it has {}: {} are charged to nobody; \
         `pakt ledger covered {project}` lists them",
        hold(unit, sum.amount),
        sum.opened.hours(),
        exceeds_by.hours()
    )
}
