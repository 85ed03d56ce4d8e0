//! What the books cannot have, because nobody who read accounting could see it.

use crate::AccountCoverage;
use model::{Amount, AmountError, Window};

/// Whether the books have all that an account used in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Somebody read all of it who sees everybody's runs.
    Read,
    /// They have as much as the site says.
    AsTheSiteSays,
    /// The site says so much more than they have: others ran what nobody read. It is provisional usage, until it is read.
    Unseen(Amount),
    /// They have so much more than the site says, which may not have counted it yet. Nothing is unseen.
    Ahead(Amount),
    /// Nobody can say.
    Unknown,
}

/// Tells whether the books have all that an account used in `span`. `used` is what they have of it, `site` what the site
/// says, both as of the same instant.
///
/// Who read as coordinator or operator knows better than a total: a site's own figure may be late, or leave out what it
/// gave back.
pub fn completeness(
    coverage: &AccountCoverage,
    span: Window,
    used: Amount,
    site: Option<Amount>,
) -> Result<Completeness, AmountError> {
    if span.to <= span.from || coverage.whole == [span] {
        return Ok(Completeness::Read);
    }
    let Some(site) = site else { return Ok(Completeness::Unknown) };
    let more = site.minus(used)?;
    Ok(match more {
        Amount::ZERO => Completeness::AsTheSiteSays,
        more if more > Amount::ZERO => Completeness::Unseen(more),
        less => Completeness::Ahead(less.negated()?),
    })
}

impl Completeness {
    /// What is free of a budget, where the books alone say `free`: less what is unseen, and none where nobody can say.
    pub fn free(self, free: Amount) -> Result<Option<Amount>, AmountError> {
        match self {
            Self::Read | Self::AsTheSiteSays | Self::Ahead(_) => Ok(Some(free)),
            Self::Unseen(amount) => free.minus(amount).map(Some),
            Self::Unknown => Ok(None),
        }
    }

    /// Whether nothing is missing.
    pub const fn is_complete(self) -> bool {
        matches!(self, Self::Read | Self::AsTheSiteSays)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

    fn window(from: i64, to: i64) -> Window {
        Window { from: Timestamp::from_epoch_seconds(from), to: Timestamp::from_epoch_seconds(to) }
    }

    /// An account of which everybody's runs were read in these stretches, and ada's own in all of it.
    fn read(whole: &[Window], span: Window) -> AccountCoverage {
        let own = [("ada".parse().expect("a user"), vec![span])].into();
        AccountCoverage { whole: whole.to_vec(), own, unread: Vec::new() }
    }

    #[test]
    fn only_who_sees_all_or_the_site_itself_makes_the_books_complete() {
        use Completeness::{Ahead, AsTheSiteSays, Read, Unknown, Unseen};
        let amount = Amount::from_milli;
        let span = window(0, 100);
        let (all, half) = (vec![span], vec![window(0, 60)]);
        for (what, whole, site, found, free) in [
            ("a coordinator read all", &all, None, Read, Some(1_000)),
            ("and the site says more", &all, Some(700), Read, Some(1_000)),
            ("a part was not read, and the site says the same", &half, Some(400), AsTheSiteSays, Some(1_000)),
            ("a part was not read, and the site says more", &half, Some(700), Unseen(amount(300)), Some(700)),
            ("more than is free", &half, Some(1_600), Unseen(amount(1_200)), Some(-200)),
            ("and the site says less", &half, Some(390), Ahead(amount(10)), Some(1_000)),
            ("a part was not read, and the site says nothing", &half, None, Unknown, None),
            ("a member alone", &vec![], None, Unknown, None),
            ("a member alone, with the site's total", &vec![], Some(401), Unseen(amount(1)), Some(999)),
        ] {
            let coverage = read(whole, span);
            let completeness = completeness(&coverage, span, amount(400), site.map(amount)).expect("fits");
            assert_eq!(completeness, found, "{what}");
            assert_eq!(completeness.free(amount(1_000)), Ok(free.map(amount)), "{what}");
            assert_eq!(completeness.is_complete(), matches!(found, Read | AsTheSiteSays), "{what}");
        }
    }

    #[test]
    fn a_span_without_time_is_complete_and_what_does_not_fit_is_an_error() {
        let (most, least) = (Amount::from_milli(i64::MAX), Amount::from_milli(i64::MIN + 1));
        let (empty, span) = (window(5, 5), window(0, 9));
        assert_eq!(completeness(&read(&[], empty), empty, most, None), Ok(Completeness::Read));
        assert_eq!(completeness(&read(&[], span), span, least, Some(most)), Err(AmountError::Overflow));
        assert_eq!(Completeness::Unseen(most).free(least), Err(AmountError::Overflow));
    }
}
