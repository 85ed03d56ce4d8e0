//! Names: every text that occurs in many rows stands once in a table, and rows hold its number.

use super::rows::{from_json, get, to_json, unreadable};
use super::session::Session;
use crate::Account;
use crate::price_shape::PriceShape;
use crate::records::Result;
use model::{ClusterName, JobState, RunKey, SiteName, Tres, Unit};
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

/// The names that a session has met. A name keeps its number for ever, so they are kept between transactions; those that
/// were made in a transaction that is given up are gone with it.
#[derive(Default)]
pub(super) struct Names {
    numbers: RefCell<FxHashMap<Arc<str>, i32>>,
    texts: RefCell<FxHashMap<i32, Arc<str>>>,
    units: RefCell<FxHashMap<Unit, i32>>,
    accounts: RefCell<FxHashMap<Account, i32>>,
    /// The cluster that was asked for last: most rows of a post are of one.
    place: RefCell<Option<(SiteName, ClusterName, i32)>>,
    pub(super) tres: Recent<Tres>,
    pub(super) states: Recent<JobState>,
    pub(super) prices: Recent<PriceShape>,
    /// Whether some were made in this transaction.
    has_new: Cell<bool>,
}

/// So many are kept at most; then all are read anew.
const MOST_KEPT: usize = 200_000;

impl Names {
    /// The transaction in which names were made is committed.
    pub(super) fn keep(&self) {
        self.has_new.set(false);
        if self.numbers.borrow().len().max(self.texts.borrow().len()) > MOST_KEPT {
            self.clear();
        }
    }

    /// The transaction, or a part of it, is given up.
    pub(super) fn forget(&self) {
        if self.has_new.replace(false) {
            self.clear();
        }
    }

    /// Reads all of them anew: whoever checks the tables must not go by what was in them before.
    pub(super) fn clear(&self) {
        self.numbers.borrow_mut().clear();
        self.texts.borrow_mut().clear();
        self.units.borrow_mut().clear();
        self.accounts.borrow_mut().clear();
        self.place.take();
        self.tres.clear();
        self.states.clear();
        self.prices.clear();
    }
}

/// The values that were last written as JSON under a number: rows next to each other mostly have the same.
pub(super) struct Recent<T>(RefCell<Vec<(T, i32)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T> Recent<T> {
    const MOST: usize = 32;

    /// Reads all of them anew: whoever checks the tables must not go by what was in them before.
    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    fn known(&self, is_it: impl Fn(&T) -> bool) -> Option<i32> {
        self.0.borrow().iter().find(|(known, _)| is_it(known)).map(|(_, number)| *number)
    }

    fn keep(&self, value: T, number: i32) {
        let mut known = self.0.borrow_mut();
        if known.len() == Self::MOST {
            known.remove(0);
        }
        known.push((value, number));
    }
}

/// The name of a cluster at a site. A site's name has no `/`.
pub(super) fn place_of(site: &SiteName, cluster: &ClusterName) -> String {
    format!("{site}/{cluster}")
}

impl Session {
    /// The number of a unit.
    pub(super) fn unit(&self, unit: &Unit) -> Result<i32> {
        if let Some(number) = self.names.units.borrow().get(unit) {
            return Ok(*number);
        }
        let number = self.number(&unit.to_string())?;
        self.names.units.borrow_mut().insert(unit.clone(), number);
        Ok(number)
    }

    /// The number of an account.
    pub(super) fn account(&self, account: &Account) -> Result<i32> {
        if let Some(number) = self.names.accounts.borrow().get(account) {
            return Ok(*number);
        }
        let number = self.number(&account.to_string())?;
        self.names.accounts.borrow_mut().insert(account.clone(), number);
        Ok(number)
    }

    /// The number of the cluster of a run.
    pub(super) fn place(&self, key: &RunKey) -> Result<i32> {
        if let Some((site, cluster, number)) = &*self.names.place.borrow()
            && *site == key.site
            && *cluster == key.cluster
        {
            return Ok(*number);
        }
        let number = self.number(&crate::stored::place(key))?;
        self.names.place.replace(Some((key.site.clone(), key.cluster.clone(), number)));
        Ok(number)
    }

    /// The number of a text, which gets one where it has none.
    pub(super) fn number(&self, text: &str) -> Result<i32> {
        if let Some(number) = self.find(text)? {
            return Ok(number);
        }
        let insert = "INSERT INTO names (text) VALUES ($1) RETURNING number";
        let number = get(&self.one(insert, &[&text])?, 0)?;
        self.names.has_new.set(true);
        self.names.numbers.borrow_mut().insert(text.into(), number);
        Ok(number)
    }

    /// The number of the JSON of a value that is known by `is_it` and made by `make` where it is not among the last ones.
    pub(super) fn json_number<T: Serialize>(
        &self,
        recent: &Recent<T>,
        is_it: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> Result<i32> {
        if let Some(number) = recent.known(is_it) {
            return Ok(number);
        }
        let value = make();
        let number = self.number(&to_json(&value)?)?;
        recent.keep(value, number);
        Ok(number)
    }

    /// The number of a text where it has one.
    pub(super) fn find(&self, text: &str) -> Result<Option<i32>> {
        if let Some(number) = self.names.numbers.borrow().get(text) {
            return Ok(Some(*number));
        }
        let Some(row) = self.row("SELECT number FROM names WHERE text = $1", &[&text])? else { return Ok(None) };
        let number = get(&row, 0)?;
        self.names.numbers.borrow_mut().insert(text.into(), number);
        Ok(Some(number))
    }

    /// The text behind a number.
    pub(super) fn text(&self, number: i32) -> Result<Arc<str>> {
        if let Some(text) = self.names.texts.borrow().get(&number) {
            return Ok(Arc::clone(text));
        }
        let row = self.row("SELECT text FROM names WHERE number = $1", &[&number])?;
        let row = row.ok_or_else(|| unreadable(format!("there is no name {number}")))?;
        let text: Arc<str> = get::<&str>(&row, 0)?.into();
        self.names.texts.borrow_mut().insert(number, Arc::clone(&text));
        Ok(text)
    }

    /// Reads the text behind a number by its type's own reading.
    pub(super) fn parsed<T>(&self, number: i32) -> Result<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.text(number)?.parse().map_err(unreadable)
    }

    /// The same of a number that may be absent.
    pub(super) fn parsed_option<T>(&self, number: Option<i32>) -> Result<Option<T>>
    where
        T: FromStr,
        T::Err: Display,
    {
        number.map(|number| self.parsed(number)).transpose()
    }

    /// Reads the JSON behind a number.
    pub(super) fn parsed_json<T: DeserializeOwned>(&self, number: i32) -> Result<T> {
        from_json(&self.text(number)?)
    }
}
