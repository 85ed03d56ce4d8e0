//! Names: every text that occurs in many rows stands once in a table, and rows hold its number.

use super::rows::unreadable;
use crate::Account;
use crate::records::Result;
use model::{ClusterName, RunKey, SiteName, Unit};
use rusqlite::{Connection, OptionalExtension};
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::error::Error as StdError;
use std::rc::Rc;
use std::str::FromStr;

/// The names that one transaction has met. A transaction that is given up takes its new numbers with it, so nothing of
/// this outlives it.
pub(super) struct Names<'a> {
    connection: &'a Connection,
    numbers: RefCell<FxHashMap<String, i64>>,
    texts: RefCell<FxHashMap<i64, Rc<str>>>,
    units: RefCell<FxHashMap<Unit, i64>>,
    accounts: RefCell<FxHashMap<Account, i64>>,
    /// The cluster that was asked for last: most rows of a post are of one.
    place: RefCell<Option<(SiteName, ClusterName, i64)>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            numbers: RefCell::default(),
            texts: RefCell::default(),
            units: RefCell::default(),
            accounts: RefCell::default(),
            place: RefCell::default(),
        }
    }

    /// Reads all of them anew.
    pub(super) fn clear(&self) {
        self.numbers.borrow_mut().clear();
        self.texts.borrow_mut().clear();
        self.units.borrow_mut().clear();
        self.accounts.borrow_mut().clear();
        self.place.take();
    }

    /// The number of a unit.
    pub(super) fn unit(&self, unit: &Unit) -> Result<i64> {
        if let Some(number) = self.units.borrow().get(unit) {
            return Ok(*number);
        }
        let number = self.number(&unit.to_string())?;
        self.units.borrow_mut().insert(unit.clone(), number);
        Ok(number)
    }

    /// The number of an account.
    pub(super) fn account(&self, account: &Account) -> Result<i64> {
        if let Some(number) = self.accounts.borrow().get(account) {
            return Ok(*number);
        }
        let number = self.number(&account.to_string())?;
        self.accounts.borrow_mut().insert(account.clone(), number);
        Ok(number)
    }

    /// The number of the cluster of a run.
    pub(super) fn place(&self, key: &RunKey) -> Result<i64> {
        if let Some((site, cluster, number)) = &*self.place.borrow()
            && *site == key.site
            && *cluster == key.cluster
        {
            return Ok(*number);
        }
        let number = self.number(&crate::stored::place(key))?;
        self.place.replace(Some((key.site.clone(), key.cluster.clone(), number)));
        Ok(number)
    }

    /// The number of a text, which gets one where it has none.
    pub(super) fn number(&self, text: &str) -> Result<i64> {
        if let Some(number) = self.numbers.borrow().get(text) {
            return Ok(*number);
        }
        let number = if let Some(number) = self.find(text)? {
            number
        } else {
            self.connection.prepare_cached("INSERT INTO names (text) VALUES (?1)")?.execute([text])?;
            self.connection.last_insert_rowid()
        };
        self.numbers.borrow_mut().insert(text.to_owned(), number);
        Ok(number)
    }

    /// The number of a text that may be absent.
    pub(super) fn optional(&self, text: Option<&str>) -> Result<Option<i64>> {
        text.map(|text| self.number(text)).transpose()
    }

    /// The number of a text where it has one.
    pub(super) fn find(&self, text: &str) -> Result<Option<i64>> {
        let mut statement = self.connection.prepare_cached("SELECT number FROM names WHERE text = ?1")?;
        Ok(statement.query_row([text], |row| row.get(0)).optional()?)
    }

    /// The text behind a number.
    pub(super) fn text(&self, number: i64) -> rusqlite::Result<Rc<str>> {
        if let Some(text) = self.texts.borrow().get(&number) {
            return Ok(Rc::clone(text));
        }
        let mut statement = self.connection.prepare_cached("SELECT text FROM names WHERE number = ?1")?;
        let found: Option<String> = statement.query_row([number], |row| row.get(0)).optional()?;
        let text: Rc<str> = found.ok_or_else(|| unreadable(0, format!("there is no name {number}")))?.into();
        self.texts.borrow_mut().insert(number, Rc::clone(&text));
        Ok(text)
    }

    /// Reads the text behind a number by its type's own reading.
    pub(super) fn parsed<T>(&self, number: i64) -> rusqlite::Result<T>
    where
        T: FromStr,
        T::Err: StdError + Send + Sync + 'static,
    {
        self.text(number)?.parse().map_err(|error: T::Err| unreadable(0, error))
    }

    /// The same of a number that may be absent.
    pub(super) fn parsed_option<T>(&self, number: Option<i64>) -> rusqlite::Result<Option<T>>
    where
        T: FromStr,
        T::Err: StdError + Send + Sync + 'static,
    {
        number.map(|number| self.parsed(number)).transpose()
    }

    /// Reads the JSON behind a number.
    pub(super) fn json_of<T: DeserializeOwned>(&self, number: i64) -> rusqlite::Result<T> {
        serde_json::from_str(&self.text(number)?).map_err(|error| unreadable(0, error))
    }
}

/// The values that were last written as JSON under a number: rows next to each other mostly have the same.
pub(super) struct Recent<T>(RefCell<Vec<(T, i64)>>);

impl<T: Serialize> Recent<T> {
    const MOST: usize = 32;

    pub(super) const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    /// The number of the JSON of a value that is known by `is_it` and made by `make` where it is not among the last ones.
    pub(super) fn number(
        &self,
        names: &Names<'_>,
        is_it: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> Result<i64> {
        if let Some((_, number)) = self.0.borrow().iter().find(|(known, _)| is_it(known)) {
            return Ok(*number);
        }
        let value = make();
        let number = names.number(&super::rows::to_json(&value)?)?;
        let mut known = self.0.borrow_mut();
        if known.len() == Self::MOST {
            known.remove(0);
        }
        known.push((value, number));
        Ok(number)
    }
}
