//! Time zones: whose midnight it is when a day, a month or a quarter of the accounts begins.

use crate::{TimeError, Timestamp};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::{fmt, str::FromStr, sync::LazyLock};

/// The longest name that is looked up, in bytes; the longest of the database has 32.
const LONGEST_NAME: usize = 64;

/// The database that is part of the program: the accounts come out the same on every machine, with or without its own.
static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone with its rules, by its name in the IANA database: `Europe/Berlin`, `UTC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    rules: TimeZone,
}

/// Why a text is no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone of the IANA database such as `Europe/Berlin` or `UTC`")]
pub struct ZoneError(pub String);

/// The zone that a site's accounts are kept in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AccountingZone {
    /// One that has a name.
    Named(Zone),
    /// That of the machine, written `machine`: for a site that is wherever the program runs.
    Machine,
}

impl Zone {
    /// The zone without summer time that timestamps are written in.
    pub const fn utc() -> Self {
        Self { rules: TimeZone::UTC }
    }

    /// Its name; a machine's own zone may have none.
    pub fn name(&self) -> Option<&str> {
        self.rules.iana_name()
    }

    /// The instant at which clocks here show a local time; an error where they show it twice or never.
    pub fn instant(&self, text: &str) -> Result<Timestamp, TimeError> {
        let shown = || text.chars().take(40).collect::<String>();
        let local: jiff::civil::DateTime = text.parse().map_err(|_| TimeError::NotATime(shown()))?;
        let instant = self.rules.to_ambiguous_timestamp(local).unambiguous();
        let instant = instant.map_err(|_| TimeError::Ambiguous(shown(), self.to_string()))?;
        Ok(Timestamp::from_epoch_seconds(instant.as_second()))
    }

    /// Its rules, for showing an instant in it.
    pub const fn rules(&self) -> &TimeZone {
        &self.rules
    }

    /// Reads an instant with its offset (`2026-11-24T22:00:00Z`), or a local time or day here (`2026-11-25T06:30`,
    /// `2026-11-25`, `20261125`), of which the midnight is meant.
    pub fn moment(&self, text: &str) -> Result<Timestamp, TimeError> {
        match text.parse::<jiff::Timestamp>() {
            Ok(instant) => Ok(Timestamp::from_epoch_seconds(instant.as_second())),
            Err(_) => self.instant(text),
        }
    }
}

impl From<TimeZone> for Zone {
    /// A zone that was found out elsewhere: the machine's, asked for where the program is wired.
    fn from(rules: TimeZone) -> Self {
        Self { rules }
    }
}

impl Serialize for Zone {
    /// Its name; a zone without one means nothing on another machine, and is an error.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = self.name().ok_or_else(|| ser::Error::custom("the machine's own zone has no name"))?;
        serializer.serialize_str(name)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    /// Looks the name up, in whatever case it is written.
    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let unknown = || ZoneError(text.chars().take(LONGEST_NAME).collect());
        if text.len() > LONGEST_NAME {
            return Err(unknown());
        }
        DATABASE.get(text).map(Self::from).map_err(|_| unknown())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name().unwrap_or("the machine's own zone"))
    }
}

const MACHINE: &str = "machine";

impl AccountingZone {
    /// The zone itself, where the machine's is `machine`.
    pub fn resolve(&self, machine: &Zone) -> Zone {
        match self {
            Self::Named(zone) => zone.clone(),
            Self::Machine => machine.clone(),
        }
    }
}

impl TryFrom<String> for AccountingZone {
    type Error = ZoneError;

    fn try_from(text: String) -> Result<Self, ZoneError> {
        if text == MACHINE { Ok(Self::Machine) } else { text.parse().map(Self::Named) }
    }
}

impl From<AccountingZone> for String {
    fn from(zone: AccountingZone) -> Self {
        zone.to_string()
    }
}

impl fmt::Display for AccountingZone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(zone) => zone.fmt(formatter),
            Self::Machine => formatter.pad(MACHINE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zones_go_by_their_names() {
        for (text, name) in [("Europe/Berlin", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"), ("UTC", "UTC")] {
            assert_eq!(text.parse::<Zone>().expect(text).name(), Some(name), "{text}");
        }
        for text in ["", "Berlin", "machine", "CEST", "+02:00", "../../etc/localtime", &"x".repeat(65)] {
            assert!(text.parse::<Zone>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_zone_is_kept_by_its_name() {
        let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
        assert_eq!(serde_json::to_string(&berlin).expect("writes"), "\"Europe/Berlin\"");
        assert_eq!(serde_json::from_str::<Zone>("\"europe/berlin\"").expect("reads"), berlin);
        assert!(serde_json::from_str::<Zone>("\"machine\"").is_err());
        let nameless = Zone::from(TimeZone::posix("CET-1").expect("rules"));
        assert!(serde_json::to_string(&nameless).is_err());
    }

    #[test]
    fn a_zone_reads_its_own_days_and_any_moment() {
        let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
        for (text, instant) in [
            ("2026-11-25", "2026-11-24T23:00:00Z"),
            ("20261125", "2026-11-24T23:00:00Z"),
            ("2026-07-01", "2026-06-30T22:00:00Z"),
            ("2026-11-25T06:30", "2026-11-25T05:30:00Z"),
            ("2026-11-25 06:30:10", "2026-11-25T05:30:10Z"),
            ("2026-11-25T06:30:00Z", "2026-11-25T06:30:00Z"),
            ("2026-11-25T06:30:00+05:00", "2026-11-25T01:30:00Z"),
        ] {
            assert_eq!(berlin.moment(text).expect(text).to_string(), instant, "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-30",
            "25.11.2026",
            "1793000000",
            "2026-11-25T25:00",
            "2026-10-25T02:30",
        ] {
            assert!(berlin.moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_machines_own_zone_is_a_word_of_its_own() {
        let (tokyo, read) = ("Asia/Tokyo".parse::<Zone>().expect("a zone"), |text: &str| {
            serde_json::from_str::<AccountingZone>(&format!("\"{text}\"")).expect(text)
        });
        assert_eq!(read("machine").resolve(&tokyo), tokyo);
        assert_eq!(read("Europe/Berlin").resolve(&tokyo).name(), Some("Europe/Berlin"));
        assert_eq!(serde_json::to_string(&read("machine")).expect("writes"), "\"machine\"");
        assert_eq!(serde_json::to_string(&read("europe/berlin")).expect("writes"), "\"Europe/Berlin\"");
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in ".{0,80}") {
            drop(text.parse::<Zone>());
            prop_assert!(Zone::utc().moment(&text).is_err() || text.len() >= 8, "{}", text);
        }
    }
}
