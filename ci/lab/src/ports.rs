//! Free ports on this machine, below the range from which the kernel takes ports for outgoing connections: a server
//! that is stopped and started again by a test must find its port free. For the same reason each lab looks from a place
//! of its own in the range: another lab's server may be down for a moment only.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::error::LabError;

/// Linux gives outgoing connections ports from 32768 (`net.ipv4.ip_local_port_range`).
const RANGE: std::ops::Range<u16> = 21_000..32_000;

/// The first of `count` neighbouring ports of the lab in `directory` that are free and not in `taken`.
pub(crate) fn free_ports(directory: &Path, count: u16, taken: &[u16]) -> Result<u16, LabError> {
    let place = place(directory);
    let found = search(place..RANGE.end, count, taken).or_else(|| search(RANGE.start..place, count, taken));
    found.ok_or_else(|| LabError::NotReady {
        what: format!("no {count} neighbouring ports are free from {} to {}", RANGE.start, RANGE.end),
        limit_seconds: 0,
        log: String::new(),
    })
}

fn search(range: std::ops::Range<u16>, count: u16, taken: &[u16]) -> Option<u16> {
    let mut first = range.start;
    while first + count <= range.end {
        match (first..first + count).rev().find(|port| taken.contains(port) || !is_free(*port)) {
            None => return Some(first),
            Some(used) => first = used + 1,
        }
    }
    None
}

/// Where a lab begins to look: one of many places, with room for a whole lab between them.
fn place(directory: &Path) -> u16 {
    const ROOM: u16 = 100;
    let mut hasher = DefaultHasher::new();
    directory.hash(&mut hasher);
    let places = u64::from((RANGE.end - RANGE.start) / ROOM);
    let chosen = u16::try_from(hasher.finish() % places).expect("there are fewer places than ports");
    RANGE.start + chosen * ROOM
}

/// Slurm's daemons listen on all addresses, so a port is free when it is free on all.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

/// Whether somebody answers on the port. Slurm's own commands wait for many seconds where nobody does.
pub(crate) fn answers(port: u16) -> bool {
    TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), Duration::from_millis(200)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_port_is_passed_over() {
        let first = free_ports(Path::new("/l"), 3, &[]).expect("some are free");
        let _held = TcpListener::bind((Ipv4Addr::UNSPECIFIED, first + 1));
        let next = free_ports(Path::new("/l"), 3, &[]).expect("some are free");
        assert!(next >= first + 2, "{next} overlaps the port {} that is in use", first + 1);
        assert!(free_ports(Path::new("/l"), 3, &[next]).expect("some are free") > next);
    }

    #[test]
    fn labs_look_in_places_of_their_own() {
        let places: std::collections::BTreeSet<u16> =
            (0..50).map(|number| place(Path::new(&format!("/var/tmp/lab-{number}")))).collect();
        assert!(places.len() > 25, "{places:?}");
        assert!(places.iter().all(|place| RANGE.contains(place) && RANGE.end - place >= 100));
        assert_eq!(place(Path::new("/l")), place(Path::new("/l")));
    }
}
