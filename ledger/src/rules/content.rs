//! What two readings of one run are compared by: a keyed digest of what they say, so that a row can be recognised after its
//! person was erased, and by nobody without the ledger's secret.

use crate::{RunPrice, SettledRun};
use model::{Charge, Run};
use std::fmt;

/// The ledger's secret, made with the ledger.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) [u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

impl Secret {
    /// What stands for the key of whoever posts in what is signed and handed on: the same for the same key, and nothing of its words
    /// to whoever lacks the secret. 32 hexadecimal digits.
    pub(crate) fn key_of(&self, key: &str) -> String {
        let mut fields = Fields::new();
        fields.text(KEY);
        fields.text(key);
        Content::first_half(blake3::keyed_hash(&self.0, &fields.0)).to_string()
    }
}

/// What the bytes begin with that a key is hashed as; no run's do, whose first text is the name of a user.
const KEY: &str = "pakt/key/v1\n";

/// The digest of a reading: 16 bytes, as text 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content(pub(crate) [u8; 16]);

impl fmt::Display for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl std::str::FromStr for Content {
    type Err = ContentError;

    fn from_str(text: &str) -> Result<Self, ContentError> {
        let read = u128::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()));
        // A digest has one text.
        read.filter(|content| content.to_string() == text).ok_or_else(|| ContentError(text.to_owned()))
    }
}

/// Why a text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not 32 hexadecimal digits")]
pub struct ContentError(String);

impl Content {
    /// The digest that every ledger has of a run's facts, for putting two readings of the same instant in an order.
    pub(crate) fn of_facts(run: &Run) -> Self {
        let mut fields = Fields::new();
        fields.run(run);
        Self::first_half(blake3::hash(&fields.0))
    }

    /// The digest that every ledger has of a price, for the same.
    pub(crate) fn of_price(price: &RunPrice) -> Self {
        let mut fields = Fields::new();
        fields.price(price);
        Self::first_half(blake3::hash(&fields.0))
    }

    /// This ledger's digest of a row and its price. Only what every adapter and every release of Slurm tells alike is in it, so that
    /// the same run read another way is the same.
    pub(crate) fn of(settled: &SettledRun, secret: &Secret) -> Self {
        let mut fields = Fields::new();
        fields.run(&settled.run);
        fields.price(&settled.price);
        Self::first_half(blake3::keyed_hash(&secret.0, &fields.0))
    }

    fn first_half(digest: blake3::Hash) -> Self {
        let mut half = [0; 16];
        half.copy_from_slice(&digest.as_bytes()[..16]);
        Self(half)
    }
}

/// Fields one after another, each with its length, so that no two rows give the same bytes.
struct Fields(Vec<u8>);

impl Fields {
    fn new() -> Self {
        Self(Vec::with_capacity(256))
    }

    fn run(&mut self, run: &Run) {
        self.text(run.user.as_str());
        self.option(run.account.as_ref().map(model::AccountName::as_str));
        self.option(run.partition.as_ref().map(model::PartitionName::as_str));
        match run.stamp {
            None => self.option(None),
            Some(stamp) => self.text(&stamp.to_string()),
        }
        self.text(run.state.base.as_str());
        self.number(run.started_at.epoch_seconds());
        self.number(run.ended_at.map_or(i64::MIN, model::Timestamp::epoch_seconds));
        self.0.extend_from_slice(&run.elapsed.seconds().to_le_bytes());
    }

    fn price(&mut self, price: &RunPrice) {
        let Some(price) = price.known() else { return self.text("no price") };
        // Without the tariff's digest: what it says is in the charges.
        self.text(price.tariff.name());
        for charge in [&price.gpu, &price.node, &price.site] {
            self.charge(charge.as_ref());
        }
    }

    fn charge(&mut self, charge: Option<&Charge>) {
        let Some(charge) = charge else { return self.option(None) };
        self.text(charge.unit.site().as_str());
        self.text(charge.unit.class().as_str());
        self.number(charge.amount.milli());
    }

    fn option(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            // No text is as long as this.
            None => self.0.extend_from_slice(&u32::MAX.to_le_bytes()),
        }
    }

    fn text(&mut self, text: &str) {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX - 1);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_one_text() {
        let text = "00000000000000000000000000c0ffee";
        assert_eq!(text.parse::<Content>().expect("a digest").to_string(), text);
        for other in ["", "c0ffee", "000000000000000000000000000c0ffee", "00000000000000000000000000C0FFEE"] {
            assert!(other.parse::<Content>().is_err(), "{other}");
        }
    }

    fn settled() -> SettledRun {
        use model::{Amount, BaseState, JobState, Price, TariffId, Timestamp, Tres, WallTime};
        let at = Timestamp::from_epoch_seconds;
        let charge = |unit: &str, amount| {
            Some(Charge { unit: unit.parse().expect("a unit"), amount: Amount::from_milli(amount) })
        };
        let run = Run {
            key: model::RunKey {
                site: "jupiter".parse().expect("a site"),
                cluster: "booster".parse().expect("a cluster"),
                scheduler_job: model::SchedulerJobId::new(7),
                submitted_at: at(1_793_000_000),
            },
            sluid: None,
            shown_id: "7".to_owned(),
            user: "ada".parse().expect("a user"),
            account: Some("hai".parse().expect("an account")),
            partition: None,
            qos: None,
            name: "train".to_owned(),
            work_directory: None,
            stamp: None,
            state: JobState::of(BaseState::Completed),
            restarts: None,
            started_at: at(1_793_000_010),
            ended_at: Some(at(1_793_000_110)),
            elapsed: WallTime::from_seconds(100),
            time_limit: None,
            allocated: Tres::default(),
            exit: model::ExitCode::default(),
            evidence: model::EvidenceClass::SelfRead,
            observed_at: at(1_793_000_200),
            raw: "7|a row".to_owned(),
        };
        let (gpu, node) = (charge("jupiter:gh200", 400_000), charge("jupiter:node", 100_000));
        let tariff = TariffId("jupiter/booster/2026-09-02".to_owned());
        SettledRun { run, price: crate::RunPrice::Known(Price { tariff, gpu, node, site: None, is_estimated: false }) }
    }

    /// The digests that ledgers hold. Another number here makes every run of every ledger a new reading: a run must then be
    /// compared by what it says before it is corrected.
    #[test]
    fn digests_stay_what_they_are() {
        let of = |settled: &SettledRun| Content::of(settled, &Secret([7; 32]));
        assert_eq!(of(&settled()).to_string(), "9194c5bfa8220f4e824c32ddcd634869");
        // What readers do not tell alike, and which digest the tariff has, is not in it.
        let mut other = settled();
        (other.run.name, other.run.work_directory) = ("other".to_owned(), Some("/p/x".to_owned()));
        (other.run.raw, other.run.shown_id) = (String::new(), "7_1".to_owned());
        other.run.allocated = model::Tres::read("cpu=8,node=1").expect("a list");
        if let crate::RunPrice::Known(price) = &mut other.price {
            price.tariff.0.push_str("@6285734e2251f58cddc07143b2423309");
        }
        assert_eq!(of(&other), of(&settled()));
        let mut later = settled();
        later.run.ended_at = later.run.ended_at.map(|at| at.plus_seconds(1));
        assert_ne!(of(&later), of(&settled()));
    }
}
