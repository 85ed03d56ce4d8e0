//! What runs are charged, as one sum that the entries have to give as well: memory does not grow with the ledger.

use super::tables::Tables;
use crate::records::Result;
use std::hash::{BuildHasher as _, RandomState};

/// The number of runs that are stored, and the sum of their marks.
pub(super) fn stored(tables: &Tables<'_>, seeds: &RandomState) -> Result<(u64, u128)> {
    let mut statement = tables.connection.prepare("SELECT place, job, submitted, amount FROM runs")?;
    let mut rows = statement.query([])?;
    let (mut count, mut charged) = (0, 0_u128);
    while let Some(row) = rows.next()? {
        count += 1;
        if let Some(amount) = row.get(3)? {
            charged = charged.wrapping_add(mark(seeds, (row.get(0)?, row.get(1)?, row.get(2)?), amount));
        }
    }
    Ok((count, charged))
}

/// A number by which two different lists of charges have the same sum only by a chance of one in 2^64.
pub(super) fn mark(seeds: &RandomState, run: (i64, i64, i64), amount: i64) -> u128 {
    u128::from(seeds.hash_one(run)).wrapping_mul(i128::from(amount).cast_unsigned())
}
