//! The table of site figures.

use super::names::Names;
use super::queries::all;
use super::rows::{amount, count, instant, number, parsed, parsed_option};
use super::spending_tables::spent_through;
use super::tables::by;
use crate::records::{Deed, NotedFigure, Result};
use crate::{NewSiteFigure, SiteFigureRecord};
use model::{Amount, Principal, ProjectName, Timestamp};
use rusqlite::{Connection, Row, params};

const FIGURE: &str =
    "number, project, unit, granted, used, since_at, as_of, source, digest, recorded_at, actor_user, actor_site";

pub(super) fn put(connection: &Connection, figure: &NewSiteFigure, deed: &Deed<'_>) -> Result<()> {
    let insert = "INSERT INTO site_figures
        (project, unit, granted, used, since_at, as_of, source, digest, recorded_at, actor_user, actor_site, entry)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let (user, site, now) = by(deed);
    connection.execute(
        insert,
        params![
            figure.project.as_str(),
            figure.unit.to_string(),
            figure.granted.map(Amount::milli),
            figure.used.milli(),
            figure.since.map(Timestamp::epoch_seconds),
            figure.as_of.epoch_seconds(),
            figure.source,
            figure.digest,
            now,
            user,
            site,
            number(deed.entry)?,
        ],
    )?;
    Ok(())
}

/// All figures, of one project or of all, in the order they were noted.
pub(super) fn figures(connection: &Connection, project: Option<&ProjectName>) -> Result<Vec<SiteFigureRecord>> {
    let select = format!("SELECT {FIGURE} FROM site_figures WHERE ?1 IS NULL OR project = ?1 ORDER BY number");
    all(connection, &select, [project.map(ProjectName::as_str)], row)
}

/// Of each budget the figure of the latest instant, of those of one instant the last one that was noted; beside it what the
/// ledger says by now of the same time.
pub(super) fn latest(
    connection: &Connection,
    names: &Names<'_>,
    project: Option<&ProjectName>,
) -> Result<Vec<NotedFigure>> {
    let select = format!(
        "SELECT {FIGURE} FROM site_figures AS latest WHERE (?1 IS NULL OR project = ?1)
         AND number = (SELECT number FROM site_figures AS other
                       WHERE other.project = latest.project AND other.unit = latest.unit
                       ORDER BY as_of DESC, number DESC LIMIT 1)"
    );
    let found = all(connection, &select, [project.map(ProjectName::as_str)], row)?;
    let with_ledger = |record: SiteFigureRecord| {
        let NewSiteFigure { project, unit, since, as_of, .. } = &record.terms;
        let settled = spent_through(connection, names, (project, unit), *since, *as_of)?;
        Ok(NotedFigure { figure: record.terms, settled })
    };
    found.into_iter().map(with_ledger).collect()
}

fn row(row: &Row<'_>) -> rusqlite::Result<SiteFigureRecord> {
    let terms = NewSiteFigure {
        project: parsed(row, 1)?,
        unit: parsed(row, 2)?,
        granted: row.get::<_, Option<i64>>(3)?.map(Amount::from_milli),
        used: amount(row, 4)?,
        since: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_epoch_seconds),
        as_of: instant(row, 6)?,
        source: row.get(7)?,
        digest: row.get(8)?,
    };
    let recorded_by = Principal { user: parsed(row, 10)?, site: parsed_option(row, 11)? };
    Ok(SiteFigureRecord { number: count(row, 0)?, recorded_at: instant(row, 9)?, recorded_by, terms })
}
