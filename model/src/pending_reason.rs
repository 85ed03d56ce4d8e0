//! Why a job waits, by the code that Slurm has for it: of which class, what it means, and what to do.
//!
//! The codes are those of `src/common/job_state_reason.c`, 22.05 to 25.11. Limits follow a grammar of their own
//! ([`LimitReason`]); the others stand in a table. A code that neither knows is told as it is.

use crate::LimitReason;
use serde::Serialize;

/// What sort of a reason it is: who or what ends the waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PendingClass {
    /// Its turn, or resources that become free by themselves.
    Turn,
    /// Another job.
    Dependency,
    /// A time that somebody named.
    Begin,
    /// Whoever holds it.
    Held,
    /// A limit that becomes free by itself.
    Limit,
    /// Nothing: it never starts as it is.
    Never,
    /// Nodes, a partition or a reservation that are not there now.
    Unavailable,
    /// Whoever looks at what failed at its start.
    Failed,
    /// A moment: it goes on by itself.
    Passing,
    /// It does not wait: it has ended so.
    Ended,
    /// Nobody here knows.
    Unknown,
}

/// A reason, understood as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PendingReason {
    /// The code, or the scheduler's own words.
    pub code: String,
    /// Its class.
    pub class: PendingClass,
    /// What it means, in plain words.
    pub cause: String,
    /// What to do.
    pub next: String,
    /// Which limit it is, where it is one.
    #[serde(skip)]
    pub limit: Option<LimitReason>,
}

impl PendingReason {
    /// Understands what the queue shows as a reason: a code, one with nodes behind it, or a sentence.
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        let plain = text.replace('_', " ");
        let code = text.split([',', ' ', ':']).next().unwrap_or_default();
        let known = TABLE.iter().find(|row| row.code.eq_ignore_ascii_case(code));
        if let Some(row) = known.or_else(|| SENTENCES.iter().find(|row| plain.contains(row.code))) {
            return Self::from_row(row, text);
        }
        match LimitReason::of(code) {
            Some(limit) => Self {
                code: text.to_owned(),
                class: if limit.is_of_each_job() { PendingClass::Never } else { PendingClass::Limit },
                cause: limit.cause(),
                next: limit.next(),
                limit: Some(limit),
            },
            None if text.is_empty() => Self::from_row(&NOT_YET, text),
            None => Self {
                code: text.to_owned(),
                class: PendingClass::Unknown,
                cause: format!("the scheduler says `{text}`, which is no reason that Pakt knows"),
                next: "ask the site what it means".to_owned(),
                limit: None,
            },
        }
    }

    fn from_row(row: &Row, text: &str) -> Self {
        let Row { class, cause, next, .. } = *row;
        Self { code: text.to_owned(), class, cause: cause.to_owned(), next: next.to_owned(), limit: None }
    }
}

struct Row {
    code: &'static str,
    class: PendingClass,
    cause: &'static str,
    next: &'static str,
}

const fn row(code: &'static str, class: PendingClass, cause: &'static str, next: &'static str) -> Row {
    Row { code, class, cause, next }
}

const NOT_YET: Row =
    row("None", PendingClass::Turn, "the scheduler has not looked at it yet", "ask again in a minute or two");

const WAIT: &str = "wait: it goes on by itself";
const ASK: &str = "ask the site; the job keeps its place";
const ANEW: &str = "cancel it (`pakt cancel`), change the job file and submit it again";
const LOOK_AND_RELEASE: &str =
    "look into its log, mend what failed, then let it go with `scontrol release`, or cancel it and submit it again";

use PendingClass as Class;

/// Every code that is no limit of an association or QOS.
const TABLE: &[Row] = &[
    NOT_YET,
    row("Priority", Class::Turn, "other jobs come before it", WAIT),
    row("Resources", Class::Turn, "it is among the next to start, and waits until enough is free", WAIT),
    row("Dependency", Class::Dependency, "it waits for another job", "see how that job goes on"),
    row("DependencyNeverSatisfied", Class::Never, "what it waits for can never come true any more", ANEW),
    row("PartitionNodeLimit", Class::Never, "it asks for more or fewer nodes than its partition gives to a job", ANEW),
    row("PartitionTimeLimit", Class::Never, "its time limit is longer than its partition allows", ANEW),
    row("PartitionConfig", Class::Never, "it does not fit the rules of its partition", ANEW),
    row("PartitionDown", Class::Unavailable, "its partition starts no jobs now", ASK),
    row("PartitionInactive", Class::Unavailable, "its partition neither takes nor starts jobs now", ASK),
    row("JobHeldAdmin", Class::Held, "an administrator holds it", "ask the site why"),
    row("JobHeldUser", Class::Held, "its owner holds it", "let it go with `scontrol release`"),
    row("JobHoldMaxRequeue", Class::Failed, "it was begun again too often and is held now", LOOK_AND_RELEASE),
    row(
        "BeginTime",
        Class::Begin,
        "it is not to begin yet: by its own `begin`, or because it was begun again just now",
        WAIT,
    ),
    row("Licenses", Class::Turn, "it waits for a licence that others use", WAIT),
    row(
        "AssociationJobLimit",
        Class::Limit,
        "its account or person has as many jobs as allowed",
        "wait until one of them ends",
    ),
    row(
        "AssociationResourceLimit",
        Class::Limit,
        "its account or person has as much as allowed",
        "wait until a job of theirs ends",
    ),
    row(
        "AssociationTimeLimit",
        Class::Limit,
        "its account or person has used the time that is allowed",
        "ask who manages the account",
    ),
    row("QOSJobLimit", Class::Limit, "its QOS has as many jobs as allowed", "wait until one of them ends"),
    row("QOSResourceLimit", Class::Limit, "its QOS has as much as allowed", "wait until a job of it ends"),
    row("QOSTimeLimit", Class::Limit, "its QOS has used the time that is allowed", "ask the site, or take another QOS"),
    row(
        "QOSUsageThreshold",
        Class::Limit,
        "its account has used more than this QOS lets through",
        "wait, or take another QOS",
    ),
    row("AccountingPolicy", Class::Limit, "a rule of accounting keeps it back", ASK),
    row("QOSNotAllowed", Class::Never, "its partition or account may not use this QOS", ANEW),
    row("AccountNotAllowed", Class::Never, "its account may not use this partition", ANEW),
    row(
        "InvalidAccount",
        Class::Never,
        "its account is not valid any more",
        "ask who manages the account; then submit it again under a valid one",
    ),
    row("InvalidQOS", Class::Never, "its QOS is not valid any more", ANEW),
    row("MaxMemPerLimit", Class::Never, "it asks for more memory on a node or CPU than its partition gives", ANEW),
    row("BadConstraints", Class::Never, "no nodes are as it wants them", ANEW),
    row("Constraints", Class::Never, "no nodes are as it wants them", ANEW),
    row(
        "Reservation",
        Class::Unavailable,
        "it waits for its reservation, or for nodes that are reserved",
        "look when the reservation begins: `scontrol show reservation`",
    ),
    row("ReservationDeleted", Class::Never, "the reservation that it wants is gone", ANEW),
    row("ReservationInvalid", Class::Never, "it cannot use the reservation that it wants", ANEW),
    row(
        "ReqNodeNotAvail",
        Class::Unavailable,
        "nodes that it needs are down, drained or reserved, by a maintenance for instance",
        "ask for a shorter time if a maintenance comes, name no nodes, or wait",
    ),
    row("NodeDown", Class::Unavailable, "a node that it needs is down", WAIT),
    row("FrontEndDown", Class::Unavailable, "no front end is up", ASK),
    row("PowerNotAvail", Class::Unavailable, "there is not enough power for it now", WAIT),
    row("PowerReserved", Class::Unavailable, "the power that it needs is reserved", WAIT),
    row("BlockMaxError", Class::Unavailable, "a block of nodes has too many errors", ASK),
    row("BlockFreeAction", Class::Passing, "a block of nodes is being freed", WAIT),
    row("Prolog", Class::Passing, "its nodes are being prepared", WAIT),
    row("Cleaning", Class::Passing, "what is left of its last start is being cleared away", WAIT),
    row("SchedDefer", Class::Passing, "it was asked to start at once, and could not", WAIT),
    row("FedJobLock", Class::Passing, "the clusters of the federation agree on it", WAIT),
    row("BurstBufferStageIn", Class::Passing, "its data is being brought into the burst buffer", WAIT),
    row("BurstBufferResources", Class::Turn, "it waits for room in the burst buffer", WAIT),
    row(
        "BurstBufferOperation",
        Class::Failed,
        "an operation of the burst buffer failed",
        "ask the site; then let it go with `scontrol release`",
    ),
    row(
        "JobArrayTaskLimit",
        Class::Limit,
        "as many tasks of its array run as its own limit (`%`) allows",
        "wait until one ends, or raise it with `scontrol update`",
    ),
    row("JobLaunchFailure", Class::Failed, "it could not be started on its nodes", LOOK_AND_RELEASE),
    row("SystemFailure", Class::Failed, "the scheduler or a node failed", "ask the site, or submit it again"),
    row("NonZeroExitCode", Class::Ended, "its program ended with an exit code that is not zero", "look into its log"),
    row("RaisedSignal", Class::Ended, "its program was ended by a signal", "look into its log"),
    row("TimeLimit", Class::Ended, "it reached its time limit", "ask for more time, or let it save checkpoints"),
    row("OutOfMemory", Class::Ended, "it used more memory than it had", "ask for more memory or more nodes"),
    row("DeadLine", Class::Ended, "its deadline passed", "submit it again"),
    row("InactiveLimit", Class::Ended, "it did nothing for too long", "look into its log"),
    row("InvaildReason", Class::Unknown, "the scheduler has a reason that it cannot name itself", ASK),
];

/// Words that the queue shows in place of a code, spaces or underscores between them (`state_desc` of the controller).
const SENTENCES: &[Row] = &[
    row(
        "launch failed requeued held",
        Class::Failed,
        "it could not be started on its nodes, and is held",
        LOOK_AND_RELEASE,
    ),
    row(
        "user env retrieval failed requeued held",
        Class::Failed,
        "its environment could not be made, and it is held",
        LOOK_AND_RELEASE,
    ),
    row("job requeued in held state", Class::Held, "it was put back into the queue and is held", LOOK_AND_RELEASE),
    row(
        "Nodes required for job are DOWN",
        Class::Unavailable,
        "nodes that it needs are down, drained, or kept for jobs of a higher partition",
        "name no nodes, or wait",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every code of 22.05 to 25.11 with its class.
    const CODES: &str = include_str!("../tests/fixtures/slurm-reasons.txt");

    #[test]
    fn every_code_of_every_release_has_an_entry() {
        for line in CODES.lines().filter(|line| !line.starts_with('#')) {
            let (code, class) = line.split_once(' ').expect("a code and its class");
            let reason = PendingReason::of(code);
            let found = serde_json::to_value(reason.class).expect("a word");
            assert_eq!(found, class, "{code}");
            assert!(code == "InvaildReason" || reason.class != PendingClass::Unknown, "{code}");
            assert!(!reason.cause.is_empty() && !reason.next.is_empty(), "{code}");
            assert!(!reason.cause.contains(code) || code.len() < 6, "{code} is told in plain words: {}", reason.cause);
        }
    }

    #[test]
    fn what_stands_behind_a_code_is_kept_and_a_sentence_is_understood() {
        for (text, class) in [
            ("ReqNodeNotAvail, UnavailableNodes:n[1-4]", PendingClass::Unavailable),
            ("ReqNodeNotAvail,_UnavailableNodes:n1", PendingClass::Unavailable),
            ("launch_failed_requeued_held", PendingClass::Failed),
            ("launch failed requeued held", PendingClass::Failed),
            ("Nodes_required_for_job_are_DOWN,_DRAINED_or_reserved", PendingClass::Unavailable),
            ("qosmaxjobsperuserlimit", PendingClass::Unknown),
            ("priority", PendingClass::Turn),
            ("", PendingClass::Turn),
        ] {
            let reason = PendingReason::of(text);
            assert_eq!((reason.class, reason.code.as_str()), (class, text), "{text}");
        }
    }

    #[test]
    fn a_code_that_nobody_knows_is_told_as_it_is() {
        let reason = PendingReason::of("QOSMaxFluxPerJob");
        assert_eq!(reason.class, PendingClass::Unknown);
        assert!(reason.cause.contains("`QOSMaxFluxPerJob`"), "{}", reason.cause);
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "(QOS|Assoc)?(Grp|Max|Min)?(CPU|Mem|GRES)?[A-Za-z_, ]{0,20}|.{0,40}") {
            let reason = PendingReason::of(&text);
            prop_assert!(!reason.cause.is_empty() && !reason.next.is_empty());
        }
    }
}
