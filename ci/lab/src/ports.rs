//! Free ports on this machine, below the range from which the kernel takes ports for outgoing connections: a server
//! that is stopped and started again by a test must find its port free.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use crate::error::LabError;

/// Linux gives outgoing connections ports from 32768 (`net.ipv4.ip_local_port_range`).
const RANGE: std::ops::Range<u16> = 21_000..32_000;

/// The first of `count` neighbouring ports that are free and not in `taken`.
pub(crate) fn free_ports(count: u16, taken: &[u16]) -> Result<u16, LabError> {
    let mut first = RANGE.start;
    while first + count <= RANGE.end {
        match (first..first + count).rev().find(|port| taken.contains(port) || !is_free(*port)) {
            None => return Ok(first),
            Some(used) => first = used + 1,
        }
    }
    Err(LabError::NotReady {
        what: format!("no {count} neighbouring ports are free from {} to {}", RANGE.start, RANGE.end),
        limit_seconds: 0,
        log: String::new(),
    })
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
        let first = free_ports(3, &[]).expect("some are free");
        let _held = TcpListener::bind((Ipv4Addr::UNSPECIFIED, first + 1));
        let next = free_ports(3, &[]).expect("some are free");
        assert!(next >= first + 2, "{next} overlaps the port {} that is in use", first + 1);
        assert!(free_ports(3, &[next]).expect("some are free") > next);
    }
}
