//! Signed lines: a line of a file, and behind it a line with its Ed25519 signature.
//!
//! The signature is over the name of what is signed, a newline, and the bytes of the line without its own newline. The
//! line of the signature has exactly one form, so that no byte of the file can change unnoticed.

use super::{EvidenceError, SignerKey, VerifierKey, base64};

const BEFORE: &str = "{\"signature\":\"";
const BEHIND: &str = "\"}";

/// The longest line of a signature, in bytes.
pub(crate) const SIGNATURE_LINE_BYTES: usize = BEFORE.len() + 88 + BEHIND.len();

/// The line of the signature, without its newline.
pub(crate) fn signature_line(key: &SignerKey, what: &str, line: &[u8]) -> String {
    format!("{BEFORE}{}{BEHIND}", base64::encode(&key.sign(&signed(what, line))))
}

/// Shows that the key signed the line.
pub(crate) fn verify_line(
    key: &VerifierKey,
    what: &str,
    line: &[u8],
    signature_line: &[u8],
) -> Result<(), EvidenceError> {
    let text = str::from_utf8(signature_line).ok().and_then(|text| text.strip_prefix(BEFORE)?.strip_suffix(BEHIND));
    let signature = text
        .and_then(base64::decode_array::<64>)
        .ok_or_else(|| EvidenceError::malformed("a line with a signature", "it is not `{\"signature\":\"base64\"}`"))?;
    if key.has_signed(&signed(what, line), &signature) {
        Ok(())
    } else {
        Err(EvidenceError::BadSignature(key.name().clone()))
    }
}

fn signed(what: &str, line: &[u8]) -> Vec<u8> {
    [what.as_bytes(), b"\n", line].concat()
}
