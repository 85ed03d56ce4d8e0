//! The head of a SIF file: global header and descriptors (<https://github.com/sylabs/sif>, `pkg/sif/sif.go`, and
//! <https://github.com/apptainer/sif>). Numbers are little-endian, texts end with a NUL.
//!
//! Apptainer compares the architecture of the primary system partition with the host's (apptainer, `pkg/image/sif.go`); the
//! header repeats it, and counts where no such partition is found in these bytes.

use super::{BuiltFor, ImageFile};
use model::Architecture;

/// Behind the launch line of 32 bytes.
const MAGIC: (usize, &[u8]) = (32, b"SIF_MAGIC\0");
/// Two digits, behind magic and version.
const ARCHITECTURE: usize = 45;
/// How many descriptors there is room for, and where the first begins; behind id, times and the number of free ones.
const TOTAL: usize = 88;
const FIRST: usize = 96;
/// The size of a descriptor, and what stands where in it.
const DESCRIPTOR_BYTES: usize = 585;
const KIND: usize = 0;
const IS_USED: usize = 4;
const PARTITION_KIND: usize = 205;
const PARTITION_ARCHITECTURE: usize = 209;
/// A descriptor of a file system.
const PARTITION: u32 = 0x4004;
/// Of the one that holds the system to start.
const PRIMARY: u32 = 2;
/// Far more descriptors than an image has: 48 are made.
const MOST_DESCRIPTORS: usize = 1024;

/// The image with what it is built for; none where these are not the first bytes of a SIF file.
pub(super) fn read(head: &[u8]) -> Option<ImageFile> {
    let (at, magic) = MAGIC;
    if head.get(at..at + magic.len())? != magic {
        return None;
    }
    let code = primary(head).or_else(|| head.get(ARCHITECTURE..ARCHITECTURE + 2));
    Some(ImageFile::Sif(code.and_then(built_for)))
}

/// The code of the primary system partition, where its descriptor is among these bytes.
fn primary(head: &[u8]) -> Option<&[u8]> {
    let total = usize::try_from(long(head, TOTAL)?).ok()?.min(MOST_DESCRIPTORS);
    let first = usize::try_from(long(head, FIRST)?).ok()?;
    let descriptors = head.get(first..)?.chunks_exact(DESCRIPTOR_BYTES).take(total);
    let mut primary = descriptors.filter(|descriptor| {
        number(descriptor, KIND) == Some(PARTITION)
            && descriptor[IS_USED] != 0
            && number(descriptor, PARTITION_KIND) == Some(PRIMARY)
    });
    primary.next()?.get(PARTITION_ARCHITECTURE..PARTITION_ARCHITECTURE + 2)
}

/// The codes of both places (`HdrArch…`).
fn built_for(code: &[u8]) -> Option<BuiltFor> {
    Some(match code {
        b"01" => BuiltFor::I386,
        b"02" => BuiltFor::Known(Architecture::X86_64),
        b"03" => BuiltFor::Other("arm"),
        b"04" => BuiltFor::Known(Architecture::Aarch64),
        b"05" => BuiltFor::Other("ppc64"),
        b"06" => BuiltFor::Other("ppc64le"),
        b"07" => BuiltFor::Other("mips"),
        b"08" => BuiltFor::Other("mipsle"),
        b"09" => BuiltFor::Other("mips64"),
        b"10" => BuiltFor::Other("mips64le"),
        b"11" => BuiltFor::Other("s390x"),
        b"12" => BuiltFor::Other("riscv64"),
        _ => return None,
    })
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<i64> {
    bytes.get(at..at + 8)?.try_into().ok().map(i64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A head with room for two descriptors at 128: a definition file's, and a partition's.
    fn head(header: [u8; 2], kind: u32, partition: [u8; 2]) -> Vec<u8> {
        let mut head = b"#!/usr/bin/env run-singularity\n\0SIF_MAGIC\x0001\0".to_vec();
        head.extend(header);
        head.resize(128 + 2 * DESCRIPTOR_BYTES, 0);
        head[TOTAL..TOTAL + 8].copy_from_slice(&2_i64.to_le_bytes());
        head[FIRST..FIRST + 8].copy_from_slice(&128_i64.to_le_bytes());
        head[128..132].copy_from_slice(&0x4001_u32.to_le_bytes());
        head[128 + IS_USED] = 1;
        let second = 128 + DESCRIPTOR_BYTES;
        head[second..second + 4].copy_from_slice(&PARTITION.to_le_bytes());
        head[second + IS_USED] = 1;
        head[second + PARTITION_KIND..second + PARTITION_KIND + 4].copy_from_slice(&kind.to_le_bytes());
        head[second + PARTITION_ARCHITECTURE..second + PARTITION_ARCHITECTURE + 2].copy_from_slice(&partition);
        head
    }

    #[test]
    fn the_primary_partition_counts_and_else_the_header() {
        let intel = Some(BuiltFor::Known(Architecture::X86_64));
        let arm = Some(BuiltFor::Known(Architecture::Aarch64));
        for (header, kind, partition, wanted) in [
            (b"02", PRIMARY, b"02", intel),
            (b"02", PRIMARY, b"04", arm),
            (b"02", 3, b"04", intel),
            (b"04", 1, b"02", arm),
            (b"00", PRIMARY, b"06", Some(BuiltFor::Other("ppc64le"))),
            (b"00", 3, b"04", None),
            (b"02", PRIMARY, b"00", None),
        ] {
            assert_eq!(
                read(&head(*header, kind, *partition)),
                Some(ImageFile::Sif(wanted)),
                "{header:?} {kind} {partition:?}"
            );
        }
        let mut unused = head(*b"02", PRIMARY, *b"04");
        unused[128 + DESCRIPTOR_BYTES + IS_USED] = 0;
        assert_eq!(read(&unused), Some(ImageFile::Sif(intel)), "what is not used says nothing");
    }

    #[test]
    fn an_image_that_siftool_made_is_read() {
        // `siftool new`, `siftool add --datatype 4 --parttype 2 --partfs 1 --partarch 4` (siftool 1.9 and its library sif 2):
        // up to the end of the first descriptor.
        let made = include_bytes!("../../tests/images/made-by-siftool.head");
        assert_eq!(read(made), Some(ImageFile::Sif(Some(BuiltFor::Known(Architecture::Aarch64)))));
        assert_eq!(made.get(ARCHITECTURE..ARCHITECTURE + 2), Some(&b"04"[..]), "the header repeats it");
    }

    #[test]
    fn a_file_that_ends_early_has_what_is_there() {
        let whole = head(*b"02", PRIMARY, *b"04");
        for length in 0..whole.len() {
            let wanted = match length {
                0..42 => None,
                42..47 => Some(ImageFile::Sif(None)),
                _ => Some(ImageFile::Sif(Some(BuiltFor::Known(Architecture::X86_64)))),
            };
            assert_eq!(read(&whole[..length]), wanted, "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(
            mut bytes in prop::collection::vec(any::<u8>(), 0..4096),
            total: i64,
            first: i64,
            is_sif: bool,
        ) {
            if is_sif && bytes.len() > 104 {
                bytes[32..42].copy_from_slice(b"SIF_MAGIC\0");
                bytes[TOTAL..TOTAL + 8].copy_from_slice(&total.to_le_bytes());
                bytes[FIRST..FIRST + 8].copy_from_slice(&first.to_le_bytes());
            }
            let has_magic = bytes.get(32..42) == Some(&b"SIF_MAGIC\0"[..]);
            prop_assert_eq!(read(&bytes).is_some(), has_magic);
        }

        #[test]
        fn what_is_written_is_read(code in 1_u8..=12, others in 0_usize..40, first in 128_usize..9000) {
            let written = format!("{code:02}");
            let mut bytes = head(*b"00", 3, *b"00");
            bytes.resize(first, 0);
            bytes[TOTAL..TOTAL + 8].copy_from_slice(&48_i64.to_le_bytes());
            bytes[FIRST..FIRST + 8].copy_from_slice(&i64::try_from(first).expect("small").to_le_bytes());
            bytes.resize(first + others * DESCRIPTOR_BYTES, 0);
            let own = head(*b"00", PRIMARY, written.as_bytes().try_into().expect("two digits"));
            bytes.extend(&own[128 + DESCRIPTOR_BYTES..]);
            prop_assert_eq!(read(&bytes), Some(ImageFile::Sif(built_for(written.as_bytes()))));
            prop_assert!(built_for(written.as_bytes()).is_some());
        }
    }
}
