//! On whose word sums stand: who read the runs that are in them, and what they could see.

use crate::{
    coverage::{Selection, by_site},
    error::JobsError,
    reached::booked,
};
use ledger::{Binding, Book, BoundAndRead, ReaderRights, WholeReader, binding_coverage};
use model::{ProjectName, SiteName, Unit, UserName, Window};
use serde::Serialize;
use std::collections::BTreeSet;

/// Somebody who read runs of a budget.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ReadBy {
    /// Whose budget.
    pub project: ProjectName,
    /// In which unit.
    pub unit: Unit,
    /// Who.
    pub reader: UserName,
    /// What they could see; none where nobody knows more than that they saw others' runs.
    pub rights: Option<ReaderRights>,
}

impl ReadBy {
    fn all(binding: &Binding, own: Vec<UserName>, whole: Vec<WholeReader>) -> impl Iterator<Item = Self> {
        let whole = whole.into_iter().filter(|reader| !reader.windows.is_empty());
        let whole = whole.map(|reader| (reader.reader, reader.rights));
        let own = own.into_iter().map(|user| (user, Some(ReaderRights::Own)));
        let (project, unit) = (binding.project.clone(), binding.unit.clone());
        whole.chain(own).map(move |(reader, rights)| Self {
            project: project.clone(),
            unit: unit.clone(),
            reader,
            rights,
        })
    }
}

/// Who read the selected runs that ended in a span, each reader once for each budget and kind of sight. Of an earlier state of the
/// books, what was bound or read only later does not count.
pub(crate) async fn read_by(
    book: &dyn Book,
    what: &str,
    selection: &Selection,
    span: &(dyn Fn(&SiteName) -> Result<Window, JobsError> + Sync),
) -> Result<Vec<ReadBy>, JobsError> {
    let mut found = BTreeSet::new();
    let BoundAndRead { bindings, coverage } = booked(book.bound_and_read(selection.known_at).await, what)?;
    let readings = by_site(coverage);
    for mut binding in bindings.into_iter().filter(|binding| selection.selects(binding)) {
        let of_site = readings.get(&binding.site).map_or(&[][..], Vec::as_slice);
        binding.user = binding.user.or_else(|| selection.person.clone());
        let asked = span(&binding.site)?;
        let to = binding.to.map_or(asked.to, |end| end.min(asked.to));
        let window = Window { from: asked.from.max(binding.from), to };
        if window.from < window.to {
            let read = binding_coverage(of_site, &binding, window);
            found.extend(ReadBy::all(&binding, read.own.into_keys().collect(), read.whole_by));
        }
    }
    Ok(found.into_iter().collect())
}
