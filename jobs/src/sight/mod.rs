//! What can be seen from here of what a job names: found before it waits in the queue, and not when it ends at its start.
//!
//! Only at this machine's own site. `variables` are names that nobody sets; `places` are directories, environments and
//! images; `program` is the script that is run; `image` is for which machines an image is built. What is certain is a
//! mistake, what only nodes may know is a doubt. No variable is expanded to look whether something is there: a login node
//! may mean another place by the same name.

mod image;
mod look;
mod places;
mod program;
mod variables;

pub(crate) use look::look;
pub(crate) use places::on_disk;
