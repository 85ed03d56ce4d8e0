//! A figure as a site says it, and why a text has none.

use model::Amount;

/// What a site says of one budget, in the site's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaidFigure {
    /// The line of the text, from 1.
    pub line: u64,
    /// Whose it is: the names that the site has for the project and its account.
    pub names: Vec<String>,
    /// At which system, where the text says so.
    pub system: Option<String>,
    /// Of what: `core`, `cpu`, `gpu`, or a unit as Pakt writes it; none where the text only says hours.
    pub resource: Option<String>,
    /// What was granted; none where there is no bound, or the text does not say.
    pub granted: Option<Amount>,
    /// What was used.
    pub used: Amount,
    /// The first day that is counted, as the site writes it.
    pub since: Option<String>,
    /// When it was true, as the text says.
    pub as_of: Option<String>,
}

/// Why a text holds no figures that can be used. Nothing of such a text is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct FigureError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub what: String,
    /// What to do.
    pub next: String,
}

impl FigureError {
    pub(super) fn new(line: u64, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { line, what: what.into(), next: next.into() }
    }
}
