//! Reading a bundle: nothing of it is given out before its signature and its place were checked.

use super::{Batch, BundleHeader, FORMAT, MOST_LINE_BYTES};
use crate::evidence::{EvidenceError, SIGNATURE_LINE_BYTES, TreeHash, verify_line};
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

/// Why a bundle was not read further. What was given out before stands.
#[derive(Debug)]
pub enum BundleFault {
    /// Its last line, or the signature behind it, is not whole: somebody is writing it, or was stopped.
    Torn,
    /// It is not as its writer left it, or none of ours.
    Broken {
        /// The line, from 1.
        line: u64,
        /// What is wrong, in one clause whose subject is the line.
        why: String,
    },
    /// It could not be read.
    Source(io::Error),
}

/// A bundle that is read from its beginning.
pub struct BundleReader<R> {
    source: BufReader<R>,
    header: BundleHeader,
    /// The hash of the header: what tells the bundle from others.
    chain: TreeHash,
    number: u64,
    last: TreeHash,
    lines: u64,
    whole_bytes: u64,
}

impl<R: Read> BundleReader<R> {
    /// Reads the header. Its own key signed it: whose that is, somebody else has to say.
    pub fn open(source: R) -> Result<Self, BundleFault> {
        let mut source = BufReader::new(source);
        let (line, signature) = next(&mut source, 0)?.ok_or(BundleFault::Torn)?;
        let broken = |why: String| BundleFault::Broken { line: 1, why };
        let header = BundleHeader::read(&line).map_err(broken)?;
        let bytes = (line.len() + signature.len() + 2) as u64;
        verify_line(&header.key, FORMAT, &line, &signature).map_err(|error| unsigned(2, &error))?;
        let chain = TreeHash::of_leaf(&line);
        Ok(Self { source, header, chain, number: 0, last: chain, lines: 2, whole_bytes: bytes })
    }

    /// Reads the next batch; none behind the last one.
    pub fn batch(&mut self) -> Result<Option<Batch>, BundleFault> {
        let Some((line, signature)) = next(&mut self.source, self.lines)? else { return Ok(None) };
        let place = self.lines + 1;
        let broken = |why: String| BundleFault::Broken { line: place, why };
        verify_line(&self.header.key, FORMAT, &line, &signature).map_err(|error| unsigned(place + 1, &error))?;
        let batch: Batch = serde_json::from_slice(&line).map_err(|error| broken(error.to_string()))?;
        if self.number.checked_add(1) != Some(batch.number) {
            return Err(broken(format!("it is batch {}, and stands behind batch {}", batch.number, self.number)));
        }
        if batch.previous != self.last {
            return Err(broken(format!("batch {} does not continue what stands before it", batch.number)));
        }
        if let Some(fault) = batch.fault(&self.header) {
            return Err(broken(fault));
        }
        (self.number, self.last) = (batch.number, TreeHash::of_leaf(&line));
        self.lines += 2;
        self.whole_bytes += (line.len() + signature.len() + 2) as u64;
        Ok(Some(batch))
    }

    /// Whose it is.
    pub const fn header(&self) -> &BundleHeader {
        &self.header
    }

    /// What tells it from other bundles: the hash of its header.
    pub const fn chain(&self) -> TreeHash {
        self.chain
    }

    /// The number of the last batch that was read; 0 before the first.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The hash of the last batch that was read, or of the header.
    pub const fn last(&self) -> TreeHash {
        self.last
    }

    /// So many bytes were read and checked.
    pub const fn whole_bytes(&self) -> u64 {
        self.whole_bytes
    }
}

type Signed = (Vec<u8>, Vec<u8>);

/// The next line and the one with its signature; none at the end.
fn next(source: &mut impl BufRead, lines: u64) -> Result<Option<Signed>, BundleFault> {
    let Some(line) = read_line(source, MOST_LINE_BYTES, lines + 1)? else { return Ok(None) };
    let signature = read_line(source, SIGNATURE_LINE_BYTES, lines + 2)?.ok_or(BundleFault::Torn)?;
    Ok(Some((line, signature)))
}

/// A line without its newline; none at the end.
fn read_line(source: &mut impl BufRead, most: usize, place: u64) -> Result<Option<Vec<u8>>, BundleFault> {
    let mut line = Vec::new();
    source.take(most as u64 + 1).read_until(b'\n', &mut line).map_err(BundleFault::Source)?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) if line.len() == most => {
            Err(BundleFault::Broken { line: place, why: format!("it is longer than {most} bytes") })
        }
        Some(_) => Err(BundleFault::Torn),
    }
}

fn unsigned(line: u64, error: &EvidenceError) -> BundleFault {
    BundleFault::Broken { line, why: error.to_string() }
}

impl fmt::Display for BundleFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn => formatter.write_str("its last line is not whole"),
            Self::Broken { line, why } => write!(formatter, "line {line}: {why}"),
            Self::Source(error) => fmt::Display::fmt(error, formatter),
        }
    }
}
