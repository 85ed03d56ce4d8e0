//! All checks, and the one function that runs them.

mod imports;
mod layout;
mod links;
mod machine;
mod manifests;
mod paths;
mod run;
mod sleeps;
mod unsafety;
mod walls;
mod words;

pub use run::check;
