//! A value with its source, and its two forms in a file: bare, or long with the source beside it.

use crate::provenance::{AsOf, Confidence};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_yaml::Spanned;
use std::{fmt, marker::PhantomData};

/// A value of a profile. In YAML either the bare value, which takes the defaults of its partition or site, or the long
/// form `{ value: 24, source: jsc-batch, as_of: 2026-09-02, confidence: documented }` with any of the last three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value itself.
    pub value: T,
    pub(crate) stated: Stated,
}

/// Where a limit sits, which decides who can tell it: a tool that reads only `sinfo` misses those of a QOS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitPlace {
    /// In the partition (`scontrol show partition`).
    Partition,
    /// In a quality of service (`sacctmgr show qos`).
    Qos,
    /// In the association of user and account (`sacctmgr show association`).
    Association,
}

/// A limit: a sourced value that also says where it sits, where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit<T> {
    /// The largest that is allowed.
    pub most: Sourced<T>,
    /// Where the site keeps it.
    pub sits_in: Option<LimitPlace>,
}

/// What a file says about a value's origin, completed from the defaults when the file has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stated {
    pub(crate) source: Option<String>,
    pub(crate) as_of: Option<AsOf>,
    pub(crate) confidence: Option<Confidence>,
    /// Line and column of `source` in its file, for the message about one that is not listed.
    pub(crate) place: Option<(u64, u64)>,
    pub(crate) sits_in: Option<LimitPlace>,
}

impl<T> Sourced<T> {
    /// Who says so; not empty in a profile that a catalogue holds.
    pub fn source(&self) -> &str {
        self.stated.source.as_deref().unwrap_or_default()
    }

    /// As of when; there in a profile that a catalogue holds.
    pub const fn as_of(&self) -> Option<&AsOf> {
        self.stated.as_of.as_ref()
    }

    /// How sure that is.
    pub fn confidence(&self) -> Confidence {
        self.stated.confidence.unwrap_or(Confidence::Guess)
    }

    /// Whether it may only warn.
    pub fn is_guess(&self) -> bool {
        self.confidence() == Confidence::Guess
    }

    /// The source with its date, in brackets behind a message: `JUPITER batch system page, 2026-09-02`.
    pub fn citation(&self) -> String {
        let date = self.as_of().map(|as_of| format!(", {as_of}")).unwrap_or_default();
        let doubt = match self.confidence() {
            Confidence::Documented => "",
            Confidence::UserReport => ", a user's report",
            Confidence::Guess => ", a guess",
        };
        format!("{}{date}{doubt}", self.source())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sourced<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sourced = deserializer.deserialize_any(SourcedVisitor(PhantomData))?;
        if sourced.stated.sits_in.is_some() {
            return Err(D::Error::custom("`sits_in` belongs to limits only"));
        }
        Ok(sourced)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Limit<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let most: Sourced<T> = deserializer.deserialize_any(SourcedVisitor(PhantomData))?;
        Ok(Self { sits_in: most.stated.sits_in, most })
    }
}

#[derive(Serialize)]
struct LongForm<'a, T> {
    value: &'a T,
    source: &'a str,
    as_of: Option<&'a AsOf>,
    confidence: Confidence,
    #[serde(skip_serializing_if = "Option::is_none")]
    sits_in: Option<LimitPlace>,
}

impl<T: Serialize> Serialize for Sourced<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (source, as_of, confidence) = (self.source(), self.as_of(), self.confidence());
        LongForm { value: &self.value, source, as_of, confidence, sits_in: self.stated.sits_in }.serialize(serializer)
    }
}

impl<T: Serialize> Serialize for Limit<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.most.serialize(serializer)
    }
}

const LONG_FORM: [&str; 5] = ["value", "source", "as_of", "confidence", "sits_in"];

struct SourcedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for SourcedVisitor<T> {
    type Value = Sourced<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value, or `{ value, source, as_of, confidence }`")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Sourced<T>, E> {
        T::deserialize(value.into_deserializer()).map(bare)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Sourced<T>, E> {
        T::deserialize(value.into_deserializer()).map(bare)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Sourced<T>, E> {
        T::deserialize(value.into_deserializer()).map(bare)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Sourced<T>, E> {
        T::deserialize(value.into_deserializer()).map(bare)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Sourced<T>, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(items)).map(bare)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Sourced<T>, A::Error> {
        let first: Option<String> = entries.next_key()?;
        if first.as_deref().is_some_and(|key| LONG_FORM.contains(&key)) {
            return long_form(first, entries);
        }
        T::deserialize(MapAccessDeserializer::new(Peeked { first, entries })).map(bare)
    }
}

fn bare<T>(value: T) -> Sourced<T> {
    Sourced { value, stated: Stated::default() }
}

fn long_form<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    first: Option<String>,
    mut entries: A,
) -> Result<Sourced<T>, A::Error> {
    let (mut value, mut stated, mut next) = (None, Stated::default(), first);
    while let Some(key) = next {
        match key.as_str() {
            "value" => value = Some(entries.next_value()?),
            "source" => {
                let source: Spanned<String> = entries.next_value()?;
                stated.place = Some((source.referenced.line(), source.referenced.column()));
                stated.source = Some(source.value);
            }
            "as_of" => stated.as_of = Some(entries.next_value()?),
            "confidence" => stated.confidence = Some(entries.next_value()?),
            "sits_in" => stated.sits_in = Some(entries.next_value()?),
            _ => return Err(A::Error::unknown_field(&key, &LONG_FORM)),
        }
        next = entries.next_key()?;
    }
    let value = value.ok_or_else(|| A::Error::missing_field("value"))?;
    Ok(Sourced { value, stated })
}

/// A mapping whose first key has been looked at.
struct Peeked<A> {
    first: Option<String>,
    entries: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Peeked<A> {
    type Error = A::Error;

    fn next_key_seed<K: serde::de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(key) => seed.deserialize(key.into_deserializer()).map(Some),
            None => self.entries.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: serde::de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.entries.next_value_seed(seed)
    }
}
