//! What the tests of several verbs stand on: a desk with a real ledger and real job directories, a clock that the test
//! sets, and a cluster that the test plays.

pub(crate) mod away;
pub(crate) mod cluster;
pub(crate) mod counted;
pub(crate) mod desk;
pub(crate) mod files;
pub(crate) mod handed;
pub(crate) mod mortal;
