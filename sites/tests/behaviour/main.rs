//! What the profiles, the catalogue and the placements do, seen from outside.

mod catalogue;
mod completeness;
mod containers;
mod detection;
mod drift;
mod extra;
mod guesses;
mod partitions;
mod placement;
mod profiles;
mod support;
mod tariff;
