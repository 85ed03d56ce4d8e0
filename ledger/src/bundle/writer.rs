//! Writing a bundle: what is put behind what stands there.

use super::{Batch, BundleHeader, FORMAT, MOST_LINE_BYTES};
use crate::evidence::{SignerKey, TreeHash, signature_line};

/// The end of a bundle, behind which the next batch goes.
pub struct BundleWriter<'key> {
    key: &'key SignerKey,
    header: BundleHeader,
    /// The number of the last batch; 0 behind the header.
    number: u64,
    /// The hash of the last line that is no signature.
    last: TreeHash,
}

impl<'key> BundleWriter<'key> {
    /// Begins a bundle; its first bytes. The header names the key.
    pub fn begin(key: &'key SignerKey, header: &BundleHeader) -> Result<(Self, Vec<u8>), String> {
        let line = header.line()?;
        let last = TreeHash::of_leaf(&line);
        Ok((Self { key, header: header.clone(), number: 0, last }, signed(key, line)))
    }

    /// Goes on behind the last whole batch of a bundle, which the same key signed.
    pub const fn behind(key: &'key SignerKey, header: BundleHeader, number: u64, last: TreeHash) -> Self {
        Self { key, header, number, last }
    }

    /// The bytes of the next batch, whose place in the bundle is filled in here. What no reader would take is not written:
    /// nothing behind it would ever be read.
    pub fn batch(&mut self, batch: Batch) -> Result<Vec<u8>, String> {
        if let Some(fault) = batch.fault(&self.header) {
            return Err(fault);
        }
        let number = self.number.checked_add(1).ok_or("a bundle has no more numbers for its batches")?;
        let line =
            serde_json::to_vec(&Batch { number, previous: self.last, ..batch }).map_err(|error| error.to_string())?;
        if line.len() > MOST_LINE_BYTES {
            return Err(format!("a batch would have {} bytes, and {MOST_LINE_BYTES} are allowed", line.len()));
        }
        (self.number, self.last) = (number, TreeHash::of_leaf(&line));
        Ok(signed(self.key, line))
    }

    /// The number of the last batch.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The hash of the last line that is no signature.
    pub const fn last(&self) -> TreeHash {
        self.last
    }
}

fn signed(key: &SignerKey, mut line: Vec<u8>) -> Vec<u8> {
    let signature = signature_line(key, FORMAT, &line);
    line.push(b'\n');
    line.extend_from_slice(signature.as_bytes());
    line.push(b'\n');
    line
}
