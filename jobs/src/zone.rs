//! The zone of a site's accounts, told to the ledger before its runs come in.

use crate::{error::JobsError, house::House, reached::booked};
use ledger::{Book, Command, SiteZone};
use model::SiteName;

/// Tells the ledger in which zone the days of a site begin, where it has another or none.
pub(crate) async fn keep_zone(house: &House, book: &dyn Book, site: &SiteName, what: &str) -> Result<(), JobsError> {
    let wanted = SiteZone { site: site.clone(), zone: house.accounting_zone(site)? };
    if booked(book.zones().await, what)?.contains(&wanted) {
        return Ok(());
    }
    let commands = [Command::SetZone(wanted)];
    booked(book.post(&house.principal, house.clock.now(), &commands).await, what).map(drop)
}
