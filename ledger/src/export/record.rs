//! The lines of an export.

use crate::evidence::{Commitment, KeyChange, Pseudonym, Salt, TreeHash, VerifierKey, person, person_in};
use crate::{Content, DecidedRecord, Entry, Particulars};
use model::{Principal, SiteName, UserName};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::collections::HashMap;
use std::str::FromStr;

/// What stands in a public export in place of a reason somebody gave.
const WITHHELD: &str = "withheld";

/// One line.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportLine {
    /// The first one.
    Log(LogRecord),
    /// Somebody whom entries are about.
    Person(PersonRecord),
    /// A decision that stands.
    Decided(DecidedRecord),
    /// An entry.
    #[serde(untagged)]
    Entry(Box<EntryRecord>),
}

/// The log of entries as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// The number of entries.
    pub size: u64,
    /// The key that signs it, where somebody has made one.
    #[serde(with = "as_text_option")]
    pub key: Option<VerifierKey>,
    /// The newest checkpoint, as C2SP writes it.
    pub checkpoint: Option<String>,
    /// How many of the entries an earlier release made, whose times of recording may fall; an export that such a release wrote
    /// does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_entries: Option<u64>,
    /// Under which keys it was before, the first change first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_changes: Vec<KeyChange>,
    /// Why the last entries are not signed, where they are not.
    #[serde(skip)]
    pub unsigned: Option<String>,
}

/// Somebody whom entries are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRecord {
    /// Who they are in the leaves.
    #[serde(with = "as_text")]
    pub pseudonym: Pseudonym,
    /// To site and user, in the leaves.
    #[serde(with = "as_text")]
    pub commitment: Commitment,
    /// Where.
    pub site: Option<SiteName>,
    /// By which name; nothing once erased, or in a public export.
    pub user: Option<UserName>,
    /// What the commitment was made with, as the name.
    #[serde(with = "as_text_option")]
    pub salt: Option<Salt>,
}

/// An entry, with what its leaf has beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryRecord {
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
    /// The keyed digest of the row that it was made of.
    #[serde(with = "as_text_option", skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// To note and reason.
    #[serde(with = "as_text_option", skip_serializing_if = "Option::is_none")]
    pub note_commitment: Option<Commitment>,
    /// The hash of its leaf.
    pub leaf: TreeHash,
}

/// What an entry's line has beside the entry.
#[derive(Deserialize)]
struct Beside {
    #[serde(default, with = "as_text_option")]
    content: Option<Content>,
    #[serde(default, with = "as_text_option")]
    note_commitment: Option<Commitment>,
    leaf: TreeHash,
}

/// The pseudonyms of those whose names are to be withheld.
#[derive(Clone, Debug, Default)]
pub struct Masks(HashMap<Principal, UserName>);

impl EntryRecord {
    /// Reads a line. It is read twice: fields that are looked for by name in what is left over cost more.
    pub(super) fn parse(line: &str) -> serde_json::Result<Self> {
        let Beside { content, note_commitment, leaf } = serde_json::from_str(line)?;
        let entry = Entry { content, ..serde_json::from_str(line)? };
        Ok(Self { entry, content, note_commitment, leaf })
    }

    /// The same for the public: pseudonyms, and nothing that a person wrote.
    #[must_use]
    pub fn masked(mut self, masks: &Masks) -> Self {
        let site = self.entry.links.run.as_ref().map(|run| run.site.clone());
        self.entry.ran_by = self.entry.ran_by.map(|user| masks.of(Principal { user, site }).user);
        self.entry.actor = masks.of(self.entry.actor);
        self.entry.note.clear();
        if let Particulars::Terms { anyway: Some(reason), .. } = &mut self.entry.particulars {
            WITHHELD.clone_into(reason);
        }
        self
    }
}

impl DecidedRecord {
    /// The same for the public: pseudonyms, and nothing that a person wrote.
    #[must_use]
    pub fn masked(mut self, masks: &Masks) -> Self {
        mask(&mut self.content, masks);
        Self { written: None, ..self }
    }
}

fn mask(value: &mut Value, masks: &Masks) {
    if let Some(principal) = person_in(value) {
        let Principal { user, site } = masks.of(principal);
        *value = person(user.as_str(), site.as_ref().map(SiteName::as_str));
        return;
    }
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| mask(value, masks)),
        Value::Object(fields) => fields.values_mut().for_each(|value| mask(value, masks)),
        _ => {}
    }
}

impl PersonRecord {
    /// The same for the public.
    #[must_use]
    pub fn masked(self) -> Self {
        Self { user: None, salt: None, ..self }
    }

    /// By name, or by pseudonym where the name is not known.
    pub(super) fn principal(&self) -> Option<Principal> {
        let user = self.user.clone().or_else(|| self.pseudonym.to_string().parse().ok())?;
        Some(Principal { user, site: self.site.clone() })
    }
}

impl Masks {
    /// The masks of these people.
    pub fn new(persons: &[PersonRecord]) -> Self {
        let masks = persons.iter().filter_map(|person| {
            let principal = Principal { user: person.user.clone()?, site: person.site.clone() };
            Some((principal, person.pseudonym.to_string().parse().ok()?))
        });
        Self(masks.collect())
    }

    fn of(&self, principal: Principal) -> Principal {
        match self.0.get(&principal) {
            Some(user) => Principal { user: user.clone(), site: principal.site },
            None => principal,
        }
    }
}

/// A value as its text.
mod as_text {
    use super::{Deserialize, Deserializer, FromStr, Serializer};

    pub(super) fn serialize<T: ToString, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.to_string())
    }

    pub(super) fn deserialize<'de, T: FromStr<Err: std::fmt::Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A value that may be absent, as its text.
mod as_text_option {
    use super::{Deserialize, Deserializer, FromStr, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde hands the field over like this")]
    pub(super) fn serialize<T: ToString, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(ToString::to_string).serialize(serializer)
    }

    pub(super) fn deserialize<'de, T: FromStr<Err: std::fmt::Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
    }
}
