//! Sites that are reached from here.

use crate::house::House;
use model::SiteName;

/// A site that is reached from here, or is to be.
pub struct Neighbour {
    /// Which.
    pub site: SiteName,
    /// Its house, or why it was not reached.
    pub house: Result<House, String>,
}
