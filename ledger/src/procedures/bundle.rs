//! Bundles: which key is believed for whom, and how far each was taken in.

use super::posting::{Posting, conflict};
use crate::records::Result;
use crate::{BundleMark, DecidedKind, Effect, KeepBundle};

/// Notes how far a bundle was taken in. The key that was seen first for a person at a site is theirs; of another one the
/// whole post is refused, unless it says that the key was looked at.
pub(super) fn keep(posting: &Posting<'_>, wish: &KeepBundle) -> Result<Effect> {
    let BundleMark { site, user, key, trust, chain, number, .. } = &wish.mark;
    let known = posting.records.bundles()?;
    let mut of_reader = known.iter().filter(|known| known.site == *site && known.user == *user).peekable();
    if of_reader.peek().is_some() && !of_reader.any(|known| known.key == *key) && !wish.accepts_key {
        return Err(conflict(format!("bundles of `{user}` at `{site}` were signed with another key than {key}")));
    }
    let says_no_more = |known: &BundleMark| known.number >= *number && known.trust >= *trust;
    if known.iter().any(|known| known.chain == *chain && says_no_more(known)) {
        return Ok(Effect::AlreadyDone);
    }
    posting.decide(DecidedKind::Bundle, |deed| {
        Ok(Some(posting.records.put_bundle(&wish.mark, deed)?.into_iter().collect()))
    })?;
    Ok(Effect::Done)
}
