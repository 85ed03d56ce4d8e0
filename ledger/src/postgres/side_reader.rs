//! Readers beside a session, each with a connection of its own, which all see what the session sees.

use super::open::greeted;
use super::place::PostgresPlace;
use super::rows::get;
use super::session::Session;
use super::tables::Tables;
use crate::records::Result;
use crate::store::Store as _;
use crate::stored::{self, PART, Reader};
use postgres::Client;

/// A connection inside a transaction that reads.
pub(super) struct SideReader(Client);

impl Reader for SideReader {
    type Tables<'a> = Tables<'a>;

    fn read<O>(self, work: impl FnOnce(&Tables<'_>) -> O) -> O {
        let session = Session::new(self.0);
        work(&Tables::new(&session))
    }
}

/// Readers for the other processors, in the state of a session's transaction, which only reads; none where one reads all in
/// a moment, and where none can be had.
pub(super) fn others_for(place: &PostgresPlace, session: &Session) -> Result<Vec<SideReader>> {
    let most = stored::other_readers();
    if most == 0 || Tables::new(session).last_number()? <= u64::from(PART) {
        return Ok(Vec::new());
    }
    // A standby cannot name its state.
    let select = "SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_export_snapshot() END";
    let Some(state) = get::<Option<String>>(&session.one(select, &[])?, 0)? else { return Ok(Vec::new()) };
    Ok((0..most).map_while(|_| join(place, &state).ok()).collect())
}

/// The state is named by the server in letters, digits and `-`.
fn join(place: &PostgresPlace, state: &str) -> Result<SideReader> {
    let session = greeted(place)?;
    session.begin_reading()?;
    session.batch(&format!("SET TRANSACTION SNAPSHOT '{state}'"))?;
    Ok(SideReader(session.into_client()))
}
