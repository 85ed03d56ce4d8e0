//! States of a scheduler's job: all of Slurm's base states and flags, and *unknown* as one of its own.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal, $short:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $type {
            $($(#[$word_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $type {
            /// Every one of them, in the order of the manual.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Slurm's word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// Reads Slurm's word or its two-letter form; none for a word of another kind or release.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word | $short => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

words! {
    /// The base states (Slurm 25.11, "Job State Codes"), and `UNKNOWN`: nobody who knows has answered.
    BaseState {
        /// Waiting.
        Pending = "PENDING", "PD";
        /// Has an allocation.
        Running = "RUNNING", "R";
        /// Has an allocation, does not run.
        Suspended = "SUSPENDED", "S";
        /// Ended with exit code zero.
        Completed = "COMPLETED", "CD";
        /// Cancelled by a person or an administrator.
        Cancelled = "CANCELLED", "CA";
        /// Ended with another exit code.
        Failed = "FAILED", "F";
        /// Reached its wall-time limit.
        Timeout = "TIMEOUT", "TO";
        /// Lost a node.
        NodeFail = "NODE_FAIL", "NF";
        /// Made room for another job.
        Preempted = "PREEMPTED", "PR";
        /// A node did not boot for it.
        BootFail = "BOOT_FAIL", "BF";
        /// Reached its deadline.
        Deadline = "DEADLINE", "DL";
        /// Used more memory than it had.
        OutOfMemory = "OUT_OF_MEMORY", "OOM";
        /// No answer yet, or none that can be read: never "finished", never "absent".
        Unknown = "UNKNOWN", "??";
    }
}

words! {
    /// The flags beside a base state (Slurm 25.11, "Job State Codes").
    StateFlag {
        /// Cleaning up; output may still be on its way.
        Completing = "COMPLETING", "CG";
        /// Nodes are being made ready.
        Configuring = "CONFIGURING", "CF";
        /// Requeued ahead of others.
        Expediting = "EXPEDITING", "EX";
        /// Could not be started on its nodes.
        LaunchFailed = "LAUNCH_FAILED", "LF";
        /// Nodes are being powered up.
        PowerUpNode = "POWER_UP_NODE", "PN";
        /// A node's reconfiguration failed.
        ReconfigFail = "RECONFIG_FAIL", "RC";
        /// Requeued.
        Requeued = "REQUEUED", "RQ";
        /// Requeued in a federation.
        RequeueFed = "REQUEUE_FED", "RF";
        /// Requeued and held.
        RequeueHold = "REQUEUE_HOLD", "RH";
        /// Changing its size.
        Resizing = "RESIZING", "RS";
        /// Held because its reservation is gone.
        ReservationDeletedHold = "RESV_DEL_HOLD", "RD";
        /// Another cluster of the federation runs it.
        Revoked = "REVOKED", "RV";
        /// Being signalled.
        Signaling = "SIGNALING", "SI";
        /// Requeued in a special state.
        SpecialExit = "SPECIAL_EXIT", "SE";
        /// Staging files out.
        StageOut = "STAGE_OUT", "SO";
        /// Stopped by a signal, keeps its allocation.
        Stopped = "STOPPED", "ST";
        /// Its accounting record is being written.
        UpdateDb = "UPDATE_DB", "UD";
    }
}

/// What is known of a scheduler's job: one base state and any flags.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobState {
    /// The base state.
    pub base: BaseState,
    /// Flags, in the order of [`StateFlag::ALL`].
    pub flags: Vec<StateFlag>,
}

impl JobState {
    /// A base state without flags.
    pub const fn of(base: BaseState) -> Self {
        Self { base, flags: Vec::new() }
    }

    /// Nobody who knows has answered.
    pub const fn unknown() -> Self {
        Self::of(BaseState::Unknown)
    }

    /// Reads what `squeue` and `sacct` print: one word, `CANCELLED by 1000`, or several joined by `+`, `,` or blanks.
    ///
    /// The text tools print a flag in place of the base state; the base is then what the flag implies. A word that no
    /// release known here prints gives `UNKNOWN`, and the caller keeps the text as evidence.
    pub fn from_words(text: &str) -> Self {
        let words = text.split([' ', '+', ',']).filter(|word| !word.is_empty()).take_while(|word| *word != "by");
        let mut base = None;
        let mut flags = Vec::new();
        for word in words {
            match (BaseState::from_word(word), StateFlag::from_word(word)) {
                (Some(found), _) => base = base.or(Some(found)),
                (None, Some(flag)) => flags.push(flag),
                (None, None) => return Self::unknown(),
            }
        }
        flags.sort_unstable();
        flags.dedup();
        let base = base.or_else(|| flags.first().map(|flag| flag.implied_base())).unwrap_or(BaseState::Unknown);
        Self { base, flags }
    }

    /// Whether the job waits for its start.
    pub fn is_pending(&self) -> bool {
        self.base == BaseState::Pending
    }

    /// Whether the job has an allocation that is being charged.
    pub fn is_running(&self) -> bool {
        matches!(self.base, BaseState::Running | BaseState::Suspended)
    }

    /// Whether the job has ended and nothing of it is on its way any more.
    pub fn is_final(&self) -> bool {
        let ended =
            !matches!(self.base, BaseState::Pending | BaseState::Running | BaseState::Suspended | BaseState::Unknown);
        ended && !self.flags.contains(&StateFlag::Completing)
    }

    /// Whether an attempt that ended so was ended by Slurm, which then puts the job back into the queue, where that was
    /// not refused (`--no-requeue`).
    pub fn may_start_again(&self) -> bool {
        matches!(self.base, BaseState::NodeFail | BaseState::Preempted | BaseState::BootFail)
            || self.flags.iter().any(|flag| flag.as_str().contains("REQUEUE"))
    }
}

impl StateFlag {
    /// The base state that a flag stands for where a text tool prints only the flag.
    pub const fn implied_base(self) -> BaseState {
        match self {
            Self::Configuring
            | Self::Resizing
            | Self::Signaling
            | Self::Stopped
            | Self::PowerUpNode
            | Self::Completing
            | Self::StageOut => BaseState::Running,
            Self::Requeued
            | Self::RequeueFed
            | Self::RequeueHold
            | Self::Expediting
            | Self::SpecialExit
            | Self::ReservationDeletedHold => BaseState::Pending,
            Self::LaunchFailed | Self::ReconfigFail => BaseState::Failed,
            Self::Revoked => BaseState::Cancelled,
            Self::UpdateDb => BaseState::Unknown,
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = std::iter::once(self.base.as_str()).chain(self.flags.iter().map(|flag| flag.as_str()));
        formatter.pad(&words.collect::<Vec<_>>().join("+"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_word_of_slurm_is_read_and_written() {
        for base in BaseState::ALL {
            assert_eq!(JobState::from_words(base.as_str()), JobState::of(*base));
        }
        for flag in StateFlag::ALL {
            let state = JobState::from_words(&format!("RUNNING+{}", flag.as_str()));
            assert_eq!((state.base, state.flags.as_slice()), (BaseState::Running, &[*flag][..]));
        }
    }

    #[test]
    fn what_the_text_tools_print() {
        for (text, shown, is_final) in [
            ("CANCELLED by 1000", "CANCELLED", true),
            ("COMPLETING", "RUNNING+COMPLETING", false),
            ("COMPLETED,COMPLETING", "COMPLETED+COMPLETING", false),
            ("REQUEUED", "PENDING+REQUEUED", false),
            ("CD", "COMPLETED", true),
            ("", "UNKNOWN", false),
            ("FROBNICATED", "UNKNOWN", false),
            ("OUT_OF_MEMORY", "OUT_OF_MEMORY", true),
        ] {
            let state = JobState::from_words(text);
            assert_eq!((state.to_string().as_str(), state.is_final()), (shown, is_final), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in ".{0,60}") {
            drop(JobState::from_words(&text));
        }
    }
}
