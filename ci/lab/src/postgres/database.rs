//! A database of one test.

use std::process::Command;
use std::sync::Arc;

use super::attached::Held;
use super::client::{client, psql};
use super::instance::ROLE;
use crate::error::LabError;
use crate::files::random_bytes;

/// A database of its own, empty when it is made and dropped with the value, whoever is still connected. What a test
/// leaves that is killed goes with `lab down`.
#[derive(Debug)]
pub struct Database {
    name: String,
    held: Arc<Held>,
}

impl Database {
    pub(super) fn make(held: Arc<Held>) -> Result<Self, LabError> {
        // A chance name needs no agreement between tests, nor between processes that share a number.
        let name = format!("test_{:016x}", u64::from_ne_bytes(random_bytes()?));
        psql(&held.instance, &held.login, ROLE, &format!("CREATE DATABASE {name}"))?;
        Ok(Self { name, held })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its URL over the Unix socket, with the password of an ordinary role that owns it. Every user of this machine who
    /// has it may connect.
    pub fn url(&self) -> String {
        self.held.url(&self.name)
    }

    /// Its URL over TCP.
    pub fn tcp_url(&self) -> String {
        self.tcp_url_at(self.held.instance.port)
    }

    /// The same with another port, a [`super::FaultProxy`]'s.
    pub fn tcp_url_at(&self, port: u16) -> String {
        self.held.tcp_url(&self.name, port)
    }

    /// Runs statements with PostgreSQL's own client over the socket. Their rows, columns separated by `|`.
    pub fn sql(&self, statements: &str) -> Result<String, LabError> {
        let rows = psql(&self.held.instance, &self.held.login, &self.name, statements)?;
        Ok(rows.trim_end().to_owned())
    }

    /// PostgreSQL's own client over TCP, at that port of 127.0.0.1: the server's, or a [`super::FaultProxy`]'s.
    pub fn client_at(&self, port: u16) -> Result<Command, LabError> {
        client(&self.held.login, "127.0.0.1", port, &self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.held.put_back();
        // One that cannot be dropped goes with the lab.
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        drop(psql(&self.held.instance, &self.held.login, ROLE, &statement));
    }
}
