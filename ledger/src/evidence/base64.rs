//! Base64 of RFC 4648, section 4, padded. One value has one text: bits left over that are not zero are refused.

use base64ct::{Base64, Encoding};

pub(super) fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

/// Exactly `N` bytes.
pub(super) fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}
