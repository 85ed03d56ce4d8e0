//! Lists of runs.

/// Which runs are listed.
#[derive(Clone, Copy)]
pub(crate) enum Listed {
    /// Those that nobody was charged for.
    Unattributed,
    /// Those of them whose price nobody knew.
    Unpriced,
    /// Those that no hold paid for.
    WithoutHold,
    /// All that have a price.
    Priced,
}

impl Listed {
    /// The condition on a row of theirs.
    pub(crate) const fn condition(self) -> &'static str {
        match self {
            Self::Unattributed => "unattributed IS NOT NULL",
            Self::Unpriced => "NOT is_priced",
            Self::WithoutHold => "hold IS NULL",
            Self::Priced => "is_priced",
        }
    }
}
