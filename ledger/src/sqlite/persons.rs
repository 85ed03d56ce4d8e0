//! Persons: each has a pseudonym and a salt, made of random bits when it is first met; rows hold its number.

use super::open::Random;
use super::rows::{parsed_option, unreadable};
use crate::evidence::{Commitment, PersonMark, Pseudonym, Salt};
use crate::records::Result;
use crate::{LedgerError, LedgerErrorKind, PersonRecord, Retry};
use model::{Principal, SiteName, UserName};
use rusqlite::{Connection, OptionalExtension, Row, params};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;

/// The columns of a person, in the order of [`person`].
const PERSON: &str = "number, pseudonym, commitment, site, user, salt";

/// The persons that one transaction has met.
pub(super) struct Persons<'a> {
    connection: &'a Connection,
    /// Where new persons get their bits from; none in a transaction that only reads.
    random: Option<&'a Random>,
    by_name: RefCell<Vec<OfSite>>,
    by_number: RefCell<FxHashMap<i64, Rc<Known>>>,
}

/// The persons of a site, or of none.
type OfSite = (Option<SiteName>, FxHashMap<UserName, Rc<Known>>);

/// A person that is in the table.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) number: i64,
    pub(super) mark: PersonMark,
    /// Nothing once the person was erased.
    pub(super) salt: Option<Salt>,
    /// By name, or by pseudonym once erased.
    pub(super) principal: Principal,
    is_erased: bool,
}

impl Known {
    /// Whether name and salt are those that leaves are about; an erased person's cannot be looked at.
    pub(super) fn is_itself(&self) -> bool {
        self.salt.is_none_or(|salt| self.mark.commitment.opens_with(&salt, fields(&self.principal)))
    }

    pub(super) fn record(&self) -> PersonRecord {
        let Principal { user, site } = self.principal.clone();
        let PersonMark { pseudonym, commitment } = self.mark;
        PersonRecord { pseudonym, commitment, site, user: (!self.is_erased).then_some(user), salt: self.salt }
    }
}

/// What the commitment to a person is about.
pub(super) fn fields(principal: &Principal) -> [Option<&str>; 2] {
    [principal.site.as_ref().map(SiteName::as_str), Some(principal.user.as_str())]
}

impl<'a> Persons<'a> {
    pub(super) fn new(connection: &'a Connection, random: Option<&'a Random>) -> Self {
        Self { connection, random, by_name: RefCell::default(), by_number: RefCell::default() }
    }

    /// The person, who is made where nobody has met them before.
    pub(super) fn of(&self, site: Option<&SiteName>, user: &UserName) -> Result<Rc<Known>> {
        let mut by_name = self.by_name.borrow_mut();
        let place = by_name.iter().position(|(known, _)| known.as_ref() == site).unwrap_or_else(|| {
            by_name.push((site.cloned(), FxHashMap::default()));
            by_name.len() - 1
        });
        let of_site = &mut by_name[place].1;
        if let Some(known) = of_site.get(user) {
            return Ok(Rc::clone(known));
        }
        let known = Rc::new(match self.find(site, user)? {
            Some(known) => known,
            None => self.add(site, user)?,
        });
        of_site.insert(user.clone(), Rc::clone(&known));
        Ok(known)
    }

    /// The person with a number.
    pub(super) fn with_number(&self, number: i64) -> rusqlite::Result<Rc<Known>> {
        if let Some(known) = self.by_number.borrow().get(&number) {
            return Ok(Rc::clone(known));
        }
        let select = format!("SELECT {PERSON} FROM persons WHERE number = ?1");
        let found = self.connection.prepare_cached(&select)?.query_row([number], person).optional()?;
        let known = Rc::new(found.ok_or_else(|| unreadable(0, format!("there is no person {number}")))?);
        self.by_number.borrow_mut().insert(number, Rc::clone(&known));
        Ok(known)
    }

    fn find(&self, site: Option<&SiteName>, user: &UserName) -> Result<Option<Known>> {
        let select = format!("SELECT {PERSON} FROM persons WHERE user = ?1 AND site IS ?2");
        let site = site.map(SiteName::as_str);
        let found =
            self.connection.prepare_cached(&select)?.query_row(params![user.as_str(), site], person).optional()?;
        // An entry of somebody who was erased is reversed: it names the pseudonym.
        match user.as_str().parse::<Pseudonym>() {
            Ok(pseudonym) if found.is_none() => {
                let select = format!("SELECT {PERSON} FROM persons WHERE pseudonym = ?1 AND user IS NULL");
                let mut statement = self.connection.prepare_cached(&select)?;
                Ok(statement.query_row([pseudonym.as_bytes()], person).optional()?)
            }
            _ => Ok(found),
        }
    }

    fn add(&self, site: Option<&SiteName>, user: &UserName) -> Result<Known> {
        let random =
            self.random.ok_or_else(|| LedgerError::never(LedgerErrorKind::Bug, "a reader met a new person"))?;
        let mut bits = |bytes: &mut [u8]| random.fill(bytes);
        let salt = Salt::draw(&mut bits).map_err(|error| no_bits(&error))?;
        let pseudonym = Pseudonym::draw(&mut bits).map_err(|error| no_bits(&error))?;
        let principal = Principal { user: user.clone(), site: site.cloned() };
        let commitment = Commitment::new(&salt, fields(&principal));
        let insert = "INSERT INTO persons (pseudonym, commitment, site, user, salt) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.connection.prepare_cached(insert)?.execute(params![
            pseudonym.as_bytes(),
            commitment.as_bytes(),
            site.map(SiteName::as_str),
            user.as_str(),
            salt.as_bytes(),
        ])?;
        let number = self.connection.last_insert_rowid();
        let mark = PersonMark { pseudonym, commitment };
        Ok(Known { number, mark, salt: Some(salt), principal, is_erased: false })
    }
}

/// All persons, in the order in which they were met.
pub(super) fn all(connection: &Connection) -> Result<Vec<Known>> {
    super::queries::all(connection, &format!("SELECT {PERSON} FROM persons ORDER BY number"), [], person)
}

fn person(row: &Row<'_>) -> rusqlite::Result<Known> {
    let pseudonym = Pseudonym::from_bytes(row.get(1)?);
    let user: Option<String> = row.get(4)?;
    let is_erased = user.is_none();
    let user = user.unwrap_or_else(|| pseudonym.to_string()).parse().map_err(|error| unreadable(4, error))?;
    Ok(Known {
        number: row.get(0)?,
        mark: PersonMark { pseudonym, commitment: Commitment::from_bytes(row.get(2)?) },
        principal: Principal { user, site: parsed_option(row, 3)? },
        salt: row.get::<_, Option<[u8; 32]>>(5)?.map(Salt::from_bytes),
        is_erased,
    })
}

/// The error of a machine that gives no random bits.
pub(super) fn no_bits(error: &io::Error) -> LedgerError {
    LedgerError::new(LedgerErrorKind::InputOutput, Retry::Later, "this machine gives no random bits")
        .with_fact("system", error)
}
