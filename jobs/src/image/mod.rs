//! What the bytes of a container image say of the machines that it runs on. Pure; whoever calls brings the bytes.
//!
//! `sif` reads the head of a SIF file, `elf` that of a program; a squashfs file is known by its magic and says nothing.

mod elf;
mod sif;

use model::Architecture;
use std::fmt;

/// How much of a file is looked at: past the header and the 48 descriptors that a SIF file has room for as it is made.
pub(crate) const HEAD_BYTES: usize = 64 * 1024;

/// For which machines something is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuiltFor {
    /// Those of a known architecture.
    Known(Architecture),
    /// Those of 32 bits that `x86_64` runs too.
    I386,
    /// Others, by their name.
    Other(&'static str),
}

/// What a file is, as far as its head tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImageFile {
    /// A SIF file; none where it does not say for which machines.
    Sif(Option<BuiltFor>),
    /// A squashfs file: what it is built for stands in the programs in it, packed.
    Squashfs,
    /// Nothing that is known to be an image.
    Strange,
}

impl ImageFile {
    /// Reads the head of a file, its first [`HEAD_BYTES`] or all of it.
    pub(crate) fn read(head: &[u8]) -> Self {
        /// The line in front of images of Singularity 2 (`#!/usr/bin/env run-singularity`).
        const LAUNCH: &[u8] = b"#!/usr/bin/env run-singularity\n";
        if let Some(file) = sif::read(head) {
            return file;
        }
        let behind = head.strip_prefix(LAUNCH).map_or(head, |rest| rest.strip_prefix(b"\0").unwrap_or(rest));
        // The magic of squashfs (<https://docs.kernel.org/filesystems/squashfs.html>), in the machine's order of bytes.
        if behind.starts_with(b"hsqs") { Self::Squashfs } else { Self::Strange }
    }
}

/// For which machines a program is built, by its first bytes; none where it is no program.
pub(crate) fn program(head: &[u8]) -> Option<BuiltFor> {
    elf::read(head)
}

impl BuiltFor {
    /// Whether it runs on such a node.
    pub(crate) fn runs_on(self, architecture: Architecture) -> bool {
        self == Self::Known(architecture) || (self == Self::I386 && architecture == Architecture::X86_64)
    }
}

impl fmt::Display for BuiltFor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(architecture) => write!(formatter, "{architecture}"),
            Self::I386 => formatter.write_str("i386"),
            Self::Other(name) => formatter.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_squashfs_file_is_known_with_and_without_a_launch_line() {
        for (head, wanted) in [
            (&b"hsqs\x07\0\0\0"[..], ImageFile::Squashfs),
            (b"#!/usr/bin/env run-singularity\nhsqs", ImageFile::Squashfs),
            (b"#!/usr/bin/env run-singularity\n\0hsqs", ImageFile::Squashfs),
            (b"#!/usr/bin/env run-singularity\n", ImageFile::Strange),
            (b"<html>", ImageFile::Strange),
            (b"", ImageFile::Strange),
        ] {
            assert_eq!(ImageFile::read(head), wanted, "{}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn machines_of_64_bits_run_what_is_theirs() {
        for (built_for, on_intel, on_arm) in [
            (BuiltFor::Known(Architecture::X86_64), true, false),
            (BuiltFor::Known(Architecture::Aarch64), false, true),
            (BuiltFor::I386, true, false),
            (BuiltFor::Other("ppc64le"), false, false),
        ] {
            assert_eq!(built_for.runs_on(Architecture::X86_64), on_intel, "{built_for}");
            assert_eq!(built_for.runs_on(Architecture::Aarch64), on_arm, "{built_for}");
        }
    }
}
