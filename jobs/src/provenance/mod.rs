//! Provenance: what a job was made of, written down once when it was submitted, and told afterwards.
//!
//! `record` are the nouns; `status` reads what git says of a tree, `remote` an address, `git` asks it, `pack` packs a tree for a job that brings its
//! code; `image` digests a container image; `view` asks each of these once a call, however many jobs it makes; `capture` puts
//! the record of a job together; `told` says it afterwards, with what is so now; `run_crate` makes an RO-Crate of a job that is over.

mod capture;
mod digest;
mod git;
mod image;
mod pack;
mod record;
mod remote;
mod run_crate;
mod status;
mod told;
mod view;

pub(crate) use capture::{Sources, captured, recorded};
pub use record::{
    Bytes, Change, FrozenCode, Image, ImageDigest, Machine, NotSeen, Profile, Provenance, Repository, RepositoryRole,
    Tree, Untracked, UntrackedFile,
};
pub use run_crate::{ExportedCrate, export_crate};
pub use told::{Kept, LinkScript, Loaded, Told, TreeNow, told};
pub(crate) use view::CodeView;
