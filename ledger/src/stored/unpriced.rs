//! The runs without a price, by whom they may be paid: few groups, however many runs there are.

use super::row::{StoredRow as _, unreadable};
use super::tables::{LogTables, Names as _};
use crate::UnpricedRuns;
use crate::records::Result;
use model::Window;

/// All of them.
pub(crate) fn unpriced_runs(tables: &impl LogTables) -> Result<Vec<UnpricedRuns>> {
    let select = r#"SELECT place, account, partition, "user", count(*), max(started), min(started), max(coalesce(ended, started))
        FROM runs WHERE NOT is_priced AND unattributed IS NOT NULL GROUP BY place, account, partition, "user""#;
    let mut found = Vec::new();
    tables.each_row(select, &[], |row| {
        let names = tables.names();
        let place = names.text_of(row.name(0)?)?;
        let site = place.split_once('/').map_or(&*place, |(site, _)| site);
        found.push(UnpricedRuns {
            site: site.parse().map_err(unreadable)?,
            account: row.name_option(1)?.map(|number| names.parsed_of(number)).transpose()?,
            partition: row.name_option(2)?.map(|number| names.parsed_of(number)).transpose()?,
            user: names.parsed_of(row.name(3)?)?,
            runs: row.count(4)?,
            last_start: row.instant(5)?,
            window: Window { from: row.instant(6)?, to: row.instant(7)? },
        });
        Ok(())
    })?;
    // Stores group in an order of their own.
    found.sort_by(|one: &UnpricedRuns, other| {
        (&one.site, &one.account, &one.partition, &one.user).cmp(&(
            &other.site,
            &other.account,
            &other.partition,
            &other.user,
        ))
    });
    Ok(found)
}
