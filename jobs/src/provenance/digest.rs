//! SHA-256 of bytes in memory.

use model::Sha256;
use sha2::Digest as _;

/// The digest of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::from_bytes(sha2::Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_what_sha256sum_prints() {
        // FIPS 180-4, the example of one block.
        let digest = super::sha256(b"abc");
        assert_eq!(digest.as_str(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
