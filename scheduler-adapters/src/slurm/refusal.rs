//! Which words of `sbatch` mean that there is no job. All others mean that nobody knows.
//!
//! A submission that failed ends with one line, `Batch job submission failed: ` and the text of an error number
//! (`src/sbatch/sbatch.c`, `src/common/slurm_errno.c`, 22.05 to 26.05). Of those texts only the ones below are the
//! controller's answer to the request itself. Without that line `sbatch` complained of its options or its script before
//! it asked anyone.

use crate::slurm::call::NO_ANSWER;
use reach::{Output, Retry};

/// Behind one of these stands why a submission, or the question whether it would be taken, failed.
const FAILED: [&str; 2] = ["submission failed: ", "allocation failure: "];

/// The controller's refusals of a request, by how their texts begin.
const REFUSALS: [&str; 68] = [
    "Access denied to requested reservation",
    "Access/permission denied",
    "Burst Buffer permission denied",
    "Burst Buffer request invalid",
    "Burst Buffer resource limit exceeded",
    "CPU count specification invalid",
    "Cannot request more threads per core",
    "Circular job dependency",
    "Duplicate generic resource (gres) specification",
    "Immediate execution impossible",
    "Insufficient GRES available",
    "Invalid --nice value",
    "Invalid GRES specification",
    "Invalid QOS specification",
    "Invalid Trackable RESource (TRES) specification",
    "Invalid account or account/partition combination specified",
    "Invalid cluster feature specification",
    "Invalid cluster name",
    "Invalid container id specified",
    "Invalid extra constraints specification",
    "Invalid feature specification",
    "Invalid generic resource (gres) specification",
    "Invalid job array specification",
    "Invalid license specification",
    "Invalid mcs_label specified",
    "Invalid node name specified",
    "Invalid or unknown association",
    "Invalid partition name specified",
    "Invalid preferred feature specification",
    "Invalid qos specification",
    "Invalid time specified",
    "Invalid time-min specification",
    "Invalid wckey specification",
    "Job --batch option is invalid",
    "Job can not start due to maintenance reservation",
    "Job can not start immediately",
    "Job cannot be submitted without the current working directory",
    "Job dependency problem",
    "Job script not specified",
    "Job size specification needs to be provided",
    "Licenses currently unavailable",
    "Memory required by task is not available",
    "More processors requested than permitted",
    "Multiple KNL NUMA",
    "Multiple partition job request not supported",
    "No eligible clusters",
    "No partition specified or system default partition",
    "Node count specification invalid",
    "Partition in DOWN state",
    "Pathname of a file, directory or other parameter too long",
    "Preemption is required but is disabled",
    "Requested GRES option unsupported",
    "Requested account has breached requested QOS usage threshold",
    "Requested node configuration is not available",
    "Requested nodes not in this partition",
    "Requested operation not supported on this system",
    "Requested partition configuration not available",
    "Requested reservation is invalid",
    "Requested reservation not usable now",
    "Requested time limit is invalid",
    "Requested topology configuration is not available",
    "Required node not available",
    "Required partition not available",
    "RestrictedCoresPerGPU",
    "Task count specification invalid",
    "Task distribution specification invalid",
    "User's group not permitted to use this partition",
    "X11 forwarding not available",
];

/// Refusals that the same request may not meet later.
///
/// The text of `EAGAIN` (errno(3)) is how 22.05 says that its table of jobs is full: `job_allocate` of
/// `src/slurmctld/job_mgr.c` answers so before it makes a job. Later releases have `MaxJobCount limit reached` for it. What
/// fails on the way has numbers of Slurm's own.
const REFUSED_FOR_NOW: [&str; 6] = [
    "Job violates accounting/QOS policy",
    "MaxJobCount limit reached",
    "Requested operation is presently disabled",
    "Resource temporarily unavailable",
    "System submissions disabled",
    "Unable to create job record, try again",
];

/// Refusals after which `sbatch` tries again by itself, for two minutes: the table of jobs is full (`main` of `src/sbatch/sbatch.c`,
/// 22.05 to 26.05).
const TRIED_AGAIN: [&str; 3] =
    ["MaxJobCount limit reached", "Resource temporarily unavailable", "Unable to create job record, try again"];

/// What a submit filter makes of it that gives its reason in lines of its own (`slurm.ERROR` of `job_submit.lua`).
const UNSPECIFIED: [&str; 3] = ["Unspecified error", "Unknown error", "Unknown negative error number"];

/// What `sbatch` says while it still tries: no reason. It tries once more only where the controller refused the try before
/// (`src/sbatch/sbatch.c`, 22.05 to 26.05).
const STILL_TRYING: &str = "retrying";

/// How `sbatch` complains of its options and its script (`src/common/slurm_opt.c`, `src/common/proc_args.c`,
/// `src/sbatch/opt.c`, getopt(3)).
const COMPLAINTS: [&str; 17] = [
    "Can't ",
    "Cannot ",
    "Invalid ",
    "This does not look like a batch script",
    "Unable to open file",
    "atch script ",
    "can not be satisfied",
    "cli_filter plugin terminated with error",
    "does not allow scripts",
    "invalid ",
    "is ambiguous",
    "is not valid",
    "mutually exclusive",
    "not a valid ",
    "not permitted",
    "requires an argument",
    "unrecognized option",
];

/// Whether the end of an `sbatch` that printed no id is a refusal, so that there is no job; and whether the same call
/// may succeed later.
pub(super) fn of(output: &Output) -> Option<Retry> {
    let stderr = output.stderr_text();
    let ended_by_itself = !output.timed_out && output.status.is_some_and(|status| status != 0 && status != 127);
    let is_unclear = stderr.lines().any(is_no_answer);
    if !ended_by_itself || is_unclear {
        return None;
    }
    match stderr.lines().rev().find_map(reason_in) {
        Some(reason) if of_reason(reason).is_some() => of_reason(reason),
        Some(reason) if begins(reason, &UNSPECIFIED) => gives_its_own_reason(&stderr).then_some(Retry::Never),
        Some(_) => None,
        None => complains(&stderr).then_some(Retry::Never),
    }
}

/// Whether a submit filter refused, with a reason of its own.
pub(super) fn is_filters(output: &Output) -> bool {
    let stderr = output.stderr_text();
    let is_unspecified = stderr.lines().rev().find_map(reason_in).is_some_and(|reason| begins(reason, &UNSPECIFIED));
    is_unspecified && of(output) == Some(Retry::Never)
}

/// Whether `sbatch` would try again after these words of the controller's, which made no job: who submits without it leaves it to it.
pub(super) fn is_tried_again(reason: &str) -> bool {
    begins(reason, &TRIED_AGAIN)
}

/// Whether the controller's own words refuse a request, and whether the same may succeed later.
pub(super) fn of_reason(reason: &str) -> Option<Retry> {
    if begins(reason, &REFUSALS) {
        Some(Retry::Never)
    } else {
        begins(reason, &REFUSED_FOR_NOW).then_some(Retry::Later)
    }
}

/// Whether the library's words for its error refuse a request, with what it wrote to its log meanwhile: what `sbatch` prints in its
/// own name.
pub(super) fn of_library(text: &str, logged: &str) -> Option<Retry> {
    of_reason(text).or_else(|| {
        let is_the_filters = begins(text, &UNSPECIFIED) && logged_lines(logged).next().is_some();
        (is_the_filters && !logged.lines().any(is_no_answer)).then_some(Retry::Never)
    })
}

/// The lines of the library's log without the name of the program that it ran in.
pub(super) fn logged_lines(logged: &str) -> impl Iterator<Item = &str> {
    logged.lines().filter_map(|line| Some(line.split_once(": ")?.1))
}

/// Whether a line of `sbatch` says that it does not know what became of a try.
fn is_no_answer(line: &str) -> bool {
    let is_refusal = line.contains(STILL_TRYING) || reason_in(line).is_some_and(|reason| of_reason(reason).is_some());
    !is_refusal && NO_ANSWER.iter().any(|words| line.contains(words))
}

/// Why it failed, if a line says so.
fn reason_in(line: &str) -> Option<&str> {
    FAILED.iter().find_map(|words| Some(line.split_once(words)?.1))
}

fn begins(reason: &str, texts: &[&str]) -> bool {
    texts.iter().any(|text| reason.starts_with(text))
}

/// Whether a submit filter said why: a line of `sbatch` beside the one that says that it failed.
fn gives_its_own_reason(stderr: &str) -> bool {
    let mut spoken = stderr.lines().filter_map(|line| line.strip_prefix("sbatch: "));
    spoken.any(|said| reason_in(said).is_none() && !said.contains(STILL_TRYING))
}

/// Whether `sbatch` found fault with what it was given, before it asked anyone.
fn complains(stderr: &str) -> bool {
    let mut spoken = stderr.lines().filter_map(|line| line.strip_prefix("sbatch: "));
    spoken.any(|said| !said.starts_with("fatal: ") && COMPLAINTS.iter().any(|words| said.contains(words)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_text(status: i32, stderr: &str) -> Option<Retry> {
        of(&Output { status: Some(status), stderr: stderr.into(), ..Output::default() })
    }

    fn failed(reason: &str) -> Option<Retry> {
        of_text(1, &format!("sbatch: error: Batch job submission failed: {reason}\n"))
    }

    #[test]
    fn the_controllers_refusals() {
        for reason in [
            "Invalid account or account/partition combination specified",
            "Requested time limit is invalid (missing or exceeds some limit)",
            "Invalid generic resource (gres) specification",
            "Access/permission denied",
            "Requested node configuration is not available",
        ] {
            assert_eq!(failed(reason), Some(Retry::Never), "{reason}");
        }
        for reason in [
            "System submissions disabled",
            "Unable to create job record, try again",
            "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
            "Resource temporarily unavailable",
        ] {
            assert_eq!(failed(reason), Some(Retry::Later), "{reason}");
        }
    }

    #[test]
    fn a_try_that_is_repeated_was_refused() {
        let first = "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying\n";
        // As 22.05 says it whose `MaxJobCount` is reached.
        let then = "sbatch: error: Batch job submission failed: Resource temporarily unavailable\n";
        assert_eq!(of_text(1, &format!("{first}{then}")), Some(Retry::Later));
        let then = "sbatch: error: Batch job submission failed: Invalid qos specification\n";
        assert_eq!(of_text(1, &format!("{first}{then}")), Some(Retry::Never));
        let then = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation\n";
        assert_eq!(of_text(1, &format!("{first}{then}")), None, "the last try may have been taken");
        assert_eq!(of_text(1, first), None, "it ended before its last try");
    }

    #[test]
    fn what_nobody_can_tell_is_no_refusal() {
        for reason in [
            "Protocol authentication error",
            "Invalid authentication credential",
            "Authentication credential expired",
            "Invalid user id",
            "Communication connection failure",
            "Message receive failure",
            "Connection timed out reading",
            "Rate limit exceeded, please retry later",
            "Slurm internal error, contact system administrator",
            "I/O error writing script/environment to file",
            "Duplicate job id",
            "Unspecified error",
            "Unknown error 4242",
            "something of a later release",
        ] {
            assert_eq!(failed(reason), None, "{reason}");
        }
        // As 22.05 says it where munged is down.
        let munge = "sbatch: error: Munge encode failed: Failed to access \"/run/munge/munge.socket.2\"\n\
                     sbatch: error: slurm_send_node_msg: auth_g_create: REQUEST_SUBMIT_BATCH_JOB has authentication error\n\
                     sbatch: error: Batch job submission failed: Protocol authentication error\n";
        assert_eq!(of_text(1, munge), None);
    }

    #[test]
    fn a_submit_filter_gives_its_own_reason() {
        let failed = "sbatch: error: Batch job submission failed: Unspecified error\n";
        for (said, refusal) in [
            ("sbatch: error: jobs on a part of a node need --mem\n", Some(Retry::Never)),
            ("sbatch: lua: no more than 100 jobs\n", Some(Retry::Never)),
            ("sbatch: error: Slurm job queue full, sleeping and retrying.\n", None),
            ("sbatch: error: Munge encode failed: Failed to access socket\n", None),
            ("Welcome to the cluster\n", None),
            ("", None),
        ] {
            assert_eq!(of_text(1, &format!("{said}{failed}")), refusal, "{said}");
        }
        let test_only = "sbatch: error: GPU jobs need --constraint=gpu\nallocation failure: Unspecified error\n";
        assert_eq!(of_text(1, test_only), Some(Retry::Never));
        let limit = "allocation failure: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)\n";
        for (said, is_its) in [
            (test_only, true),
            (limit, false),
            ("allocation failure: Invalid account or account/partition combination specified\n", false),
            ("allocation failure: Unspecified error\n", false),
            ("sbatch: error: Munge encode failed: no socket\nallocation failure: Unspecified error\n", false),
            ("sbatch: error: Invalid --time specification\n", false),
        ] {
            assert_eq!(
                is_filters(&Output { status: Some(1), stderr: said.into(), ..Output::default() }),
                is_its,
                "{said}"
            );
        }
    }

    #[test]
    fn the_librarys_log_gives_a_submit_filters_reason() {
        let own = "pakt-slurm: error: jobs on a part of a node need --mem\n";
        let never = Some(Retry::Never);
        for (text, logged, refusal) in [
            ("Unspecified error", own, never),
            ("Unspecified error", "", None),
            ("Unspecified error", "pakt-slurm: error: Munge encode failed: Failed to access socket\n", None),
            ("Socket timed out on send/recv operation", own, None),
            ("Invalid qos specification", "", never),
            ("System submissions disabled", own, Some(Retry::Later)),
        ] {
            assert_eq!(of_library(text, logged), refusal, "{text}: {logged}");
        }
    }

    #[test]
    fn complaints_before_anyone_was_asked() {
        for (status, said, refusal) in [
            (
                255,
                "sbatch: unrecognized option '--foo'\nTry \"sbatch --help\" for more information",
                Some(Retry::Never),
            ),
            (255, "sbatch: error: Invalid --time specification", Some(Retry::Never)),
            (255, "sbatch: error: \"x\" is not a valid node count", Some(Retry::Never)),
            (
                255,
                "Invalid time specification (pos=0): foo\nsbatch: error: Invalid --begin specification",
                Some(Retry::Never),
            ),
            (1, "sbatch: error: Invalid generic resource (gres) specification", Some(Retry::Never)),
            (1, "sbatch: error: Unable to open file /x", Some(Retry::Never)),
            (1, "sbatch: error: Batch script is empty!", Some(Retry::Never)),
            (1, "sbatch: error: This does not look like a batch script.  The first", Some(Retry::Never)),
            (1, "sbatch: error: Memory specification can not be satisfied", Some(Retry::Never)),
            (1, "sbatch: error: Plugin initialization failed", None),
            (1, "sbatch: fatal: Invalid something of the configuration", None),
            (1, "wrapper: Invalid answer", None),
            (0, "sbatch: error: Invalid --time specification", None),
            (127, "sbatch: Invalid", None),
        ] {
            assert_eq!(of_text(status, said), refusal, "{said}");
        }
    }
}
