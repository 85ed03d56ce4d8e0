//! What is read of more runs than are kept in memory: in files without a name, which go away with the process. All readings
//! of a run are in the same part, in the order in which they were read, and a part is small enough to be looked at as a whole.

use super::costs::{Cost, PARTS, Reading};
use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
};

/// A hundred million runs are one and a half million a part, which take 60 MB.
const FILES: usize = 64;
/// So much of each part is written or read at once.
const BUFFER: usize = 16 * 1024;
/// The run, what it costs, its shape, and whether the books believe it.
const LENGTH: usize = 8 + 8 * PARTS + 4 + 1;

/// Readings by the digests of their runs.
pub(super) struct SpilledCosts {
    files: Vec<BufWriter<File>>,
}

impl SpilledCosts {
    /// Without any yet.
    pub(super) fn new() -> io::Result<Self> {
        let file = |_| tempfile::tempfile().map(|file| BufWriter::with_capacity(BUFFER, file));
        Ok(Self { files: (0..FILES).map(file).collect::<io::Result<_>>()? })
    }

    /// Adds one, behind what there is of its run.
    pub(super) fn add(&mut self, reading: &Reading) -> io::Result<()> {
        // The upper bits: a map of one part tells its runs apart by the lower ones.
        let part = usize::try_from(reading.run >> 32).unwrap_or_default() % FILES;
        self.files[part].write_all(&written(reading))
    }

    /// Shows the readings of each part. More can be added afterwards.
    pub(super) fn each_part(
        &mut self,
        mut look: impl FnMut(&mut dyn Iterator<Item = io::Result<Reading>>) -> io::Result<()>,
    ) -> io::Result<()> {
        for file in &mut self.files {
            file.flush()?;
            let count = file.stream_position()? / LENGTH as u64;
            file.rewind()?;
            let mut reader = BufReader::with_capacity(BUFFER, file.get_ref());
            look(&mut (0..count).map(|_| read(&mut reader)))?;
            file.seek(io::SeekFrom::End(0))?;
        }
        Ok(())
    }
}

fn written(reading: &Reading) -> [u8; LENGTH] {
    let Reading { run, cost, is_believed } = reading;
    let mut bytes = [0; LENGTH];
    let (numbers, rest) = bytes.split_at_mut(8 + 8 * PARTS);
    for (place, number) in
        numbers.chunks_exact_mut(8).zip([run.to_le_bytes()].into_iter().chain(cost.milli.map(i64::to_le_bytes)))
    {
        place.copy_from_slice(&number);
    }
    rest[..4].copy_from_slice(&cost.shape.to_le_bytes());
    rest[4] = u8::from(*is_believed);
    bytes
}

fn read(source: &mut impl Read) -> io::Result<Reading> {
    let run = u64::from_le_bytes(taken(source)?);
    let mut milli = [0; PARTS];
    for milli in &mut milli {
        *milli = i64::from_le_bytes(taken(source)?);
    }
    let shape = u32::from_le_bytes(taken(source)?);
    Ok(Reading { run, cost: Cost { milli, shape }, is_believed: taken::<1>(source)? == [1] })
}

fn taken<const COUNT: usize>(source: &mut impl Read) -> io::Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}
