//! Entry proofs: one entry, its place, its path, and a checkpoint, in one text that needs nothing else
//! (c2sp.org/tlog-proof, section "Format").

use super::checkpoint::read_number;
use super::{EvidenceError, InclusionProof, SignedCheckpoint, TreeHash, VerifiedCheckpoint, VerifierKey, base64};
use std::fmt;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// The longest path: one hash for each level of the largest tree.
const MAX_PATH: usize = 63;

/// The longest extra data, in bytes.
const MAX_EXTRA_BYTES: usize = 64 * 1024;

/// A proof that can be handed to somebody who has the log's verifier key, and nothing of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryProof {
    /// What the reader needs to make the leaf, if it goes along: such as the leaf's canonical bytes. The proof says nothing
    /// about it; only the leaf that is made of it is proven.
    pub extra: Option<Vec<u8>>,
    /// Place and path.
    pub inclusion: InclusionProof,
    /// The checkpoint whose root the path leads to.
    pub checkpoint: SignedCheckpoint,
}

impl EntryProof {
    /// Reads a proof. Nothing is verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceError> {
        let malformed = |why: &str| EvidenceError::malformed("a proof of an entry", why);
        let text = str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
        let (lines, checkpoint) = text.split_once("\n\n").ok_or_else(|| malformed("it has no empty line"))?;
        let mut lines = lines.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(malformed("its first line is another"));
        }
        let extra = lines.next_if(|line| line.starts_with("extra ")).map(read_extra);
        let extra = extra.map(|bytes| bytes.ok_or_else(|| malformed("its extra data is not base64, or too long")));
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(read_number);
        let leaf_index = index.ok_or_else(|| malformed("its line `index` is missing or wrong"))?;
        let path: Vec<_> = lines.take(MAX_PATH + 1).map(str::parse).collect::<Result<_, _>>()?;
        if path.len() > MAX_PATH {
            return Err(malformed("it has more hashes than a tree has levels"));
        }
        let inclusion = InclusionProof { leaf_index, path };
        Ok(Self { extra: extra.transpose()?, inclusion, checkpoint: SignedCheckpoint::parse(checkpoint.as_bytes())? })
    }

    /// Shows that the leaf was in the log when the checkpoint was signed.
    pub fn verify(&self, leaf: &TreeHash, keys: &[VerifierKey]) -> Result<VerifiedCheckpoint, EvidenceError> {
        let verified = self.checkpoint.verify(keys)?;
        self.inclusion.verify(leaf, &verified.checkpoint.head)?;
        Ok(verified)
    }
}

fn read_extra(line: &str) -> Option<Vec<u8>> {
    base64::decode(line.strip_prefix("extra ")?).filter(|bytes| bytes.len() <= MAX_EXTRA_BYTES)
}

impl fmt::Display for EntryProof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{FIRST_LINE}")?;
        if let Some(extra) = &self.extra {
            writeln!(formatter, "extra {}", base64::encode(extra))?;
        }
        writeln!(formatter, "index {}", self.inclusion.leaf_index)?;
        self.inclusion.path.iter().try_for_each(|hash| writeln!(formatter, "{hash}"))?;
        write!(formatter, "\n{}", self.checkpoint)
    }
}
