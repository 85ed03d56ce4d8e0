//! The table of site figures.

use super::rows::{amount, count, get, instant, number, parsed, parsed_option};
use super::session::Session;
use super::spending_tables::spent_through;
use super::tables::by;
use crate::records::{Deed, NotedFigure, Result};
use crate::{NewSiteFigure, SiteFigureRecord};
use model::{Amount, Principal, ProjectName, Timestamp};
use postgres::Row;

const FIGURE: &str =
    "number, project, unit, granted, used, since_at, as_of, source, digest, recorded_at, actor_user, actor_site";

pub(super) fn put(session: &Session, figure: &NewSiteFigure, deed: &Deed<'_>) -> Result<()> {
    let insert = format!(
        "INSERT INTO site_figures ({FIGURE}, entry)
         SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM site_figures"
    );
    let (user, site, now) = by(deed);
    session.execute(
        &insert,
        &[
            &figure.project.as_str(),
            &figure.unit.to_string(),
            &figure.granted.map(Amount::milli),
            &figure.used.milli(),
            &figure.since.map(Timestamp::epoch_seconds),
            &figure.as_of.epoch_seconds(),
            &figure.source,
            &figure.digest,
            &now,
            &user,
            &site,
            &number(deed.entry)?,
        ],
    )?;
    Ok(())
}

/// All figures, of one project or of all, in the order they were noted.
pub(super) fn figures(session: &Session, project: Option<&ProjectName>) -> Result<Vec<SiteFigureRecord>> {
    let select = format!("SELECT {FIGURE} FROM site_figures WHERE $1::text IS NULL OR project = $1 ORDER BY number");
    session.rows(&select, &[&project.map(ProjectName::as_str)])?.iter().map(figure).collect()
}

/// Of each budget the figure of the latest instant, of those of one instant the last one that was noted; beside it what the
/// ledger says by now of the same time.
pub(super) fn latest(session: &Session, project: Option<&ProjectName>) -> Result<Vec<NotedFigure>> {
    let select = format!(
        "SELECT DISTINCT ON (project, unit) {FIGURE} FROM site_figures WHERE $1::text IS NULL OR project = $1
         ORDER BY project, unit, as_of DESC, number DESC"
    );
    let mut found = Vec::new();
    for row in session.rows(&select, &[&project.map(ProjectName::as_str)])? {
        let terms = figure(&row)?.terms;
        let settled = spent_through(session, (&terms.project, &terms.unit), terms.since, terms.as_of)?;
        found.push(NotedFigure { figure: terms, settled });
    }
    Ok(found)
}

fn figure(row: &Row) -> Result<SiteFigureRecord> {
    let terms = NewSiteFigure {
        project: parsed(row, 1)?,
        unit: parsed(row, 2)?,
        granted: get::<Option<i64>>(row, 3)?.map(Amount::from_milli),
        used: amount(row, 4)?,
        since: get::<Option<i64>>(row, 5)?.map(Timestamp::from_epoch_seconds),
        as_of: instant(row, 6)?,
        source: get(row, 7)?,
        digest: get(row, 8)?,
    };
    let recorded_by = Principal { user: parsed(row, 10)?, site: parsed_option(row, 11)? };
    Ok(SiteFigureRecord { number: count(row, 0)?, recorded_at: instant(row, 9)?, recorded_by, terms })
}
