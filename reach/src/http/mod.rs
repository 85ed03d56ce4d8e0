//! One request over HTTP and its answer, through whatever connects.
//!
//! Nothing is followed, repeated or kept: a redirect is an answer like any other, so that a token goes to nobody but the
//! server that was named, and who sent something that changes the world learns whether it may have arrived.

mod answer;
mod call;
mod place;
mod tls;

pub use answer::HttpAnswer;
pub use call::{HttpCall, HttpMethod, Secret};
pub use place::HttpPlace;
