//! Chains: a job that goes on past its limit, link by link. `next` decides what is due, `state` sees how far the links are,
//! `journal` reads how long they worked, `reserve` makes the hold cover one link more, `advance` sends what is due, `follow` does
//! the same for evaluations of what a chain saves.
//!
//! Whether the work is done, or too many links made no progress, the batch script decides (`templates/src/scripts/chain.sh.j2`);
//! here is decided what no script can see.

mod advance;
mod follow;
mod journal;
mod next;
mod reserve;
mod state;

pub use advance::{Advanced, advance};
pub(crate) use advance::{code_of, hours, over_if_spent};
pub use follow::AdvancedFollower;
pub(crate) use follow::{checkpoints_to_tell, of_first_link, resolved};
pub(crate) use reserve::{bounds, link_ceiling};
pub(crate) use state::{ChainState, was_withdrawn};
