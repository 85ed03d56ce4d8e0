//! Entries: what is posted, once and for good.

use crate::{Account, CloseReason, Content, DecidedLeaf, GivenLot, HoldId};
use model::{
    Amount, EndState, PartitionName, Principal, ProjectName, RunKey, TariffId, Timestamp, Unit, UserName, Window,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What keys begin with that stand for what people typed.
const OF_WORDS: [&str; 5] = ["grant:", "delegate:", "withdraw:", "adjust:", "propose:"];
const OF_GRANTS: [&str; 2] = ["delegated/", "grant/"];
/// So many digits they have.
const DIGITS: [usize; 2] = [16, 32];

/// What an entry is. Holds, amendments and releases reserve and free again, a proposal waits, and a decision says what counts
/// from then on; they move nothing between accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// Time used before an instant that no run is charged for.
    Opening,
    /// Time given.
    Grant,
    /// Time that was granted by mistake, taken back.
    Withdraw,
    /// Time of a grant passed on to another project.
    Delegate,
    /// What was left of a lot when its time was over; given back where it turns out to be less.
    Expire,
    /// What was overdrawn and the programme forgave; taken back where it turns out to be less.
    Forgive,
    /// Time reserved; the amount is the ceiling.
    Hold,
    /// A reservation changed; the amount is the new ceiling.
    Amend,
    /// A reservation ended; the amount is what remained.
    Release,
    /// A run, within its hold or without one.
    Settle,
    /// What a run took beyond its hold.
    Overrun,
    /// A charge reversed or charged anew, because a later reading of the run differs.
    Correct,
    /// A charge reversed or charged anew, because other bindings say who pays.
    Reattribute,
    /// What a run was charged, given back.
    Refund,
    /// A change by hand.
    Adjust,
    /// A change by hand that waits for somebody else to agree.
    Propose,
    /// Something was decided that lies beside the entries.
    Decide,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::Opening,
        Self::Grant,
        Self::Withdraw,
        Self::Delegate,
        Self::Expire,
        Self::Forgive,
        Self::Hold,
        Self::Amend,
        Self::Release,
        Self::Settle,
        Self::Overrun,
        Self::Correct,
        Self::Reattribute,
        Self::Refund,
        Self::Adjust,
        Self::Propose,
        Self::Decide,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Grant => "grant",
            Self::Withdraw => "withdraw",
            Self::Delegate => "delegate",
            Self::Expire => "expire",
            Self::Forgive => "forgive",
            Self::Hold => "hold",
            Self::Amend => "amend",
            Self::Release => "release",
            Self::Settle => "settle",
            Self::Overrun => "overrun",
            Self::Correct => "correct",
            Self::Reattribute => "reattribute",
            Self::Refund => "refund",
            Self::Adjust => "adjust",
            Self::Propose => "propose",
            Self::Decide => "decide",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether its amount is consumption, which draws from lots: not what was given, and not what became of lots.
    pub const fn spends(self) -> bool {
        self.moves() && !matches!(self, Self::Grant | Self::Withdraw | Self::Delegate | Self::Expire | Self::Forgive)
    }

    /// Whether it moves its amount from the account that is debited to the one that is credited.
    pub const fn moves(self) -> bool {
        !matches!(self, Self::Hold | Self::Amend | Self::Release | Self::Propose | Self::Decide)
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// What an entry belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// The hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunKey>,
    /// The grant, by the key it was posted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// The entry that this one reverses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses: Option<u64>,
}

/// How a run went, as the reading says that its entry was made of: a report of any time in the past needs the entries alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// When it started; the entry's amount was used evenly from then until it took effect.
    pub started_at: Timestamp,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<PartitionName>,
    /// How it ended.
    pub end_state: EndState,
}

/// What only some kinds of entry have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Particulars {
    /// Nothing further.
    #[default]
    None,
    /// What an opening says; its amount is what the ledger did not know of it.
    Opening {
        /// What was used in all.
        used: Amount,
        /// From when on that counts; none where it counts everything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
    },
    /// A grant's lot.
    Lot {
        /// The first instant at which it may no longer be spent.
        ends_at: Timestamp,
    },
    /// The lots of a grant that names several.
    Lots {
        /// The first instant at which nothing of it may be spent any more.
        ends_at: Timestamp,
        /// Each with its time, in order.
        lots: Vec<GivenLot>,
    },
    /// Which of the lots that the policy makes of a grant has expired.
    OfLot {
        /// Its place among them, from 0.
        number: u32,
    },
    /// How a hold was made, or amended to what its job was seen to be.
    Terms {
        /// The reason given for making it whatever is free.
        anyway: Option<String>,
        /// Whether it was posted after the fact.
        is_provisional: bool,
        /// When the job was expected to run, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected: Option<Window>,
    },
    /// How a hold ended.
    Closing {
        /// Why.
        reason: CloseReason,
    },
    /// What was decided.
    Decided(DecidedLeaf),
}

/// One posted entry. Debit and credit are of the same unit and amount, so each entry sums to zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1, without gaps.
    pub number: u64,
    /// What it is.
    pub kind: EntryKind,
    /// Of what.
    pub unit: Unit,
    /// How much, never negative.
    pub amount: Amount,
    /// The account that gives; of a reservation the one that would.
    pub debit: Account,
    /// The account that receives; of a reservation the one that would.
    pub credit: Account,
    /// The project concerned.
    pub project: ProjectName,
    /// When it took effect: a run's end, a grant's start.
    pub effective_at: Timestamp,
    /// When it was posted.
    pub recorded_at: Timestamp,
    /// Who posted it.
    pub actor: Principal,
    /// What makes it one and the same: no two entries have the same key. The entries of runs have none; the run and what
    /// they reverse tell them apart.
    pub key: Option<String>,
    /// What it belongs to.
    pub links: Links,
    /// The hold's job name, the number of a decision or a reason, for people; empty for a run, whose row has its name.
    pub note: String,
    /// The tariff it was priced by.
    pub tariff: Option<TariffId>,
    /// What only this kind has.
    pub particulars: Particulars,
    /// Whose run it is; the pseudonym, once the person was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran_by: Option<UserName>,
    /// What a report tells its run by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran: Option<Ran>,
    /// The digest of the row of the run that it was made of. Every ledger has its own; no two give an entry the same.
    #[serde(skip)]
    pub content: Option<Content>,
}

impl Entry {
    /// Whether its key, or that of its grant, has words that somebody typed, a reason or a number: an earlier release kept them there.
    /// They are signed with the entry, so that no export and no proof is without them.
    pub fn has_words_in_keys(&self) -> bool {
        let own = self.key.as_deref().filter(|key| OF_WORDS.iter().any(|prefix| key.starts_with(prefix)));
        [own, self.links.grant.as_deref()].into_iter().flatten().any(has_words)
    }
}

fn has_words(key: &str) -> bool {
    let after =
        |key, prefixes: &[&str]| prefixes.iter().find_map(|prefix| str::strip_prefix(key, prefix)).unwrap_or(key);
    let key = after(after(key, &OF_WORDS), &OF_GRANTS);
    // One that was withdrawn and entered again is counted behind it.
    let (digits, times) = key.split_once('#').unwrap_or((key, "2"));
    let is_digest = DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    !(is_digest && times.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::has_words;

    #[test]
    fn a_key_is_a_digest_or_has_words() {
        let digest = "0123456789abcdef0123456789abcdef";
        for prefix in ["delegate:", "withdraw:", "grant:delegated/", "delegated/", "grant:grant/", "grant/"] {
            for end in ["", "#2", "#13"] {
                assert!(!has_words(&format!("{prefix}{digest}{end}")), "{prefix}{end}");
            }
            for end in ["/eve", "#eve", "0"] {
                assert!(has_words(&format!("{prefix}{digest}{end}")), "{prefix}{end}");
            }
            assert!(has_words(&format!("{prefix}grant/atlas/jupiter:gh200/GCS-1/vision/1000/for eve")), "{prefix}");
        }
        assert!(!has_words("adjust:0123456789abcdef") && has_words("adjust:eve"));
    }
}
