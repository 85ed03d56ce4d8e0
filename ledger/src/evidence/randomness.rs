//! Random bits come from outside, so that a test can say which.

use std::io;

/// Fills the bytes with random bits of the operating system's quality, or says why it could not.
pub type RandomBits<'a> = dyn FnMut(&mut [u8]) -> io::Result<()> + 'a;

/// As many random bytes as the caller's array holds. A source that fills nothing is refused: 16 bytes that are all zero
/// do not happen by chance.
pub(super) fn draw<const N: usize>(random: &mut RandomBits<'_>) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    random(&mut bytes)?;
    if bytes == [0; N] {
        return Err(io::Error::other("the source of random bits gave none"));
    }
    Ok(bytes)
}
