//! What the profiles, the catalogue and the placements do, seen from outside.

mod catalogue;
mod detection;
mod drift;
mod extra;
mod placement;
mod profiles;
mod support;
mod tariff;
