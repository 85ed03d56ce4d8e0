//! Where the behaviours run.

pub(crate) mod double;
pub(crate) mod local;
pub(crate) mod login_node;
pub(crate) mod real;
pub(crate) mod rest;
pub(crate) mod wrapped;
