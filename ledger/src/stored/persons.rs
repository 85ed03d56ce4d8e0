//! Persons: each has a pseudonym and a salt, made of random bits when it is first met; rows hold its number.

use super::row::{StoredRow, unreadable};
use crate::evidence::{Commitment, PersonMark, Pseudonym, Salt};
use crate::random::{Random, no_bits};
use crate::records::Result;
use crate::{LedgerError, LedgerErrorKind, PersonRecord};
use model::{Principal, SiteName, UserName};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;

/// The columns of a person, in the order of [`Known::read`].
pub(crate) const PERSON: &str = r#"number, pseudonym, commitment, site, "user", salt"#;

/// The table of persons.
pub(crate) trait PersonTable {
    /// The person of this name.
    fn named(&self, site: Option<&str>, user: &str) -> Result<Option<Known>>;
    /// The erased person who had this pseudonym.
    fn erased(&self, pseudonym: &Pseudonym) -> Result<Option<Known>>;
    fn numbered(&self, number: i64) -> Result<Option<Known>>;
    /// Adds a person; their number.
    fn add(&self, person: &NewPerson<'_>) -> Result<i64>;
}

/// A person whom nobody has met before.
pub(crate) struct NewPerson<'a> {
    pub(crate) mark: PersonMark,
    pub(crate) site: Option<&'a str>,
    pub(crate) user: &'a str,
    pub(crate) salt: Salt,
}

/// The persons that one transaction has met.
pub(crate) struct Persons<'a> {
    table: &'a dyn PersonTable,
    /// Where new persons get their bits from; none in a transaction that only reads.
    random: Option<&'a Random>,
    by_name: RefCell<Vec<OfSite>>,
    by_number: RefCell<FxHashMap<i64, Rc<Known>>>,
}

/// The persons of a site, or of none.
type OfSite = (Option<SiteName>, FxHashMap<UserName, Rc<Known>>);

/// A person that is in the table.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) number: i64,
    pub(crate) mark: PersonMark,
    /// Nothing once the person was erased.
    pub(crate) salt: Option<Salt>,
    /// By name, or by pseudonym once erased.
    pub(crate) principal: Principal,
    is_erased: bool,
}

impl Known {
    /// Reads the columns of [`PERSON`].
    pub(crate) fn read(row: &impl StoredRow) -> Result<Self> {
        let pseudonym = Pseudonym::from_bytes(row.fixed(1)?);
        let user = row.text_option(4)?;
        let is_erased = user.is_none();
        let user = user.map_or_else(|| pseudonym.to_string(), str::to_owned).parse().map_err(unreadable)?;
        Ok(Self {
            number: row.number(0)?,
            mark: PersonMark { pseudonym, commitment: Commitment::from_bytes(row.fixed(2)?) },
            principal: Principal { user, site: row.parsed_option(3)? },
            salt: row.fixed_option(5)?.map(Salt::from_bytes),
            is_erased,
        })
    }

    /// Whether name and salt are those that leaves are about; an erased person's cannot be looked at.
    pub(crate) fn is_itself(&self) -> bool {
        self.salt.is_none_or(|salt| self.mark.commitment.opens_with(&salt, fields(&self.principal)))
    }

    pub(crate) fn record(&self) -> PersonRecord {
        let Principal { user, site } = self.principal.clone();
        let PersonMark { pseudonym, commitment } = self.mark;
        PersonRecord { pseudonym, commitment, site, user: (!self.is_erased).then_some(user), salt: self.salt }
    }
}

/// What the commitment to a person is about.
pub(crate) fn fields(principal: &Principal) -> [Option<&str>; 2] {
    [principal.site.as_ref().map(SiteName::as_str), Some(principal.user.as_str())]
}

impl<'a> Persons<'a> {
    pub(crate) fn new(table: &'a dyn PersonTable, random: Option<&'a Random>) -> Self {
        Self { table, random, by_name: RefCell::default(), by_number: RefCell::default() }
    }

    /// The person, who is made where nobody has met them before.
    pub(crate) fn of(&self, site: Option<&SiteName>, user: &UserName) -> Result<Rc<Known>> {
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

    /// The person, where somebody has met them.
    pub(crate) fn known(&self, site: Option<&SiteName>, user: &UserName) -> Result<Option<Rc<Known>>> {
        let of_site = |(known, _): &&OfSite| known.as_ref() == site;
        let met = self.by_name.borrow().iter().find(of_site).and_then(|(_, users)| users.get(user).cloned());
        if met.is_some() {
            return Ok(met);
        }
        if self.find(site, user)?.is_none() {
            return Ok(None);
        }
        self.of(site, user).map(Some)
    }

    /// Has all of them read anew: one may have no name any more.
    pub(crate) fn forget_all(&self) {
        self.by_name.borrow_mut().clear();
        self.by_number.borrow_mut().clear();
    }

    /// The person with a number.
    pub(crate) fn with_number(&self, number: i64) -> Result<Rc<Known>> {
        if let Some(known) = self.by_number.borrow().get(&number) {
            return Ok(Rc::clone(known));
        }
        let found = self.table.numbered(number)?;
        let known = Rc::new(found.ok_or_else(|| unreadable(format!("there is no person {number}")))?);
        self.by_number.borrow_mut().insert(number, Rc::clone(&known));
        Ok(known)
    }

    fn find(&self, site: Option<&SiteName>, user: &UserName) -> Result<Option<Known>> {
        let found = self.table.named(site.map(SiteName::as_str), user.as_str())?;
        // An entry of somebody who was erased is reversed: it names the pseudonym.
        match user.as_str().parse::<Pseudonym>() {
            Ok(pseudonym) if found.is_none() => self.table.erased(&pseudonym),
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
        let mark = PersonMark { pseudonym, commitment };
        let person = NewPerson { mark, site: site.map(SiteName::as_str), user: user.as_str(), salt };
        let number = self.table.add(&person)?;
        Ok(Known { number, mark, salt: Some(salt), principal, is_erased: false })
    }
}
