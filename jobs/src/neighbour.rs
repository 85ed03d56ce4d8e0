//! Sites that are reached from here.

use crate::house::House;
use async_trait::async_trait;
use model::SiteName;

/// A site that is reached from here, or is to be.
pub struct Neighbour {
    /// Which.
    pub site: SiteName,
    /// Its house, or why it was not reached.
    pub house: Result<House, String>,
}

/// Finds the sites that are reached from here when somebody wants to know: reaching them may take a while.
#[async_trait(?Send)]
pub trait Neighbourhood {
    /// Every other site, reached or not.
    async fn neighbours(&self) -> Vec<Neighbour>;
}
