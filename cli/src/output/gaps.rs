//! What was not read, in one line.

use super::instant;
use crate::wiring::Gap;
use model::{AccountName, UserName, agreeing, counted};

/// What nobody read, or of which only somebody's own runs were read; none where nothing is missing.
pub(crate) fn gaps<'a>(gaps: impl IntoIterator<Item = &'a Gap>) -> Option<String> {
    let mut gaps = gaps.into_iter();
    let gap = gaps.next()?;
    let more = match gaps.count() {
        0 => String::new(),
        more => format!("; and {}", counted(more, "more gap")),
    };
    let project = &gap.project;
    Some(format!("note: {}{more}; `pakt ledger coverage {project}` lists what was read", words(gap)))
}

fn words(gap: &Gap) -> String {
    let account = gap.account.as_ref().map_or_else(String::new, |name: &AccountName| format!(" of account `{name}`"));
    let (site, window) = (gap.unit.site(), gap.window);
    if let Some(count) = gap.unpriced {
        let (runs, have) = (counted(count, "run"), agreeing(count, "has no price and is", "have no price and are"));
        return format!("{runs} of `{}` at `{site}` {have} in no sum", gap.project);
    }
    if let Some(then) = gap.still_ran_at {
        return format!(
            "what runs{account} at `{site}`, which still ran at {}, took from {} to {} is in no sum yet",
            instant(then),
            instant(window.from),
            instant(window.to)
        );
    }
    let what =
        format!("the runs{account} at `{site}` that ended from {} to {}", instant(window.from), instant(window.to));
    if gap.only_of.is_empty() {
        return format!("nobody read {what}");
    }
    let readers: Vec<String> = gap.only_of.iter().map(UserName::to_string).collect();
    format!("of {what} only those of {} were read", readers.join(", "))
}
