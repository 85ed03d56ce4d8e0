//! What runs are charged, as one sum that the entries have to give as well: memory does not grow with the ledger.

use super::row::StoredRow;
use super::tables::LogTables;
use crate::records::Result;
use std::hash::{BuildHasher as _, RandomState};

/// The number of runs that are stored, and the sum of their marks.
pub(super) fn stored(tables: &impl LogTables, seeds: &RandomState) -> Result<(u64, u128)> {
    let (mut count, mut charged) = (0, 0_u128);
    tables.each_charge(|row| {
        count += 1;
        if let Some(amount) = row.number_option(3)? {
            charged = charged.wrapping_add(mark(seeds, (row.name(0)?, row.number(1)?, row.number(2)?), amount));
        }
        Ok(())
    })?;
    Ok((count, charged))
}

/// A number by which two different lists of charges have the same sum only by a chance of one in 2^64.
pub(super) fn mark(seeds: &RandomState, run: (i64, i64, i64), amount: i64) -> u128 {
    u128::from(seeds.hash_one(run)).wrapping_mul(i128::from(amount).cast_unsigned())
}
