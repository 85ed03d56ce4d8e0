//! Lists of runs.

/// Which runs are listed.
#[derive(Clone, Copy)]
pub(crate) enum Listed {
    /// Those that nobody was charged for.
    Unattributed,
    /// Those of them whose price nobody knew.
    Unpriced,
    /// All.
    All,
    /// All that have a price.
    Priced,
}

impl Listed {
    /// The condition on a row of theirs.
    pub(crate) const fn condition(self) -> &'static str {
        match self {
            Self::Unattributed => "unattributed IS NOT NULL",
            Self::Unpriced => "NOT is_priced",
            Self::All => "1 = 1",
            Self::Priced => "is_priced",
        }
    }
}
