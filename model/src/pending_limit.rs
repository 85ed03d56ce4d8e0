//! Reasons that are limits of an association or a QOS: Slurm makes their codes of parts, and so are they read.

/// Over what a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitScope {
    /// All jobs of the QOS or account together.
    Together,
    /// Each job.
    Job,
    /// Each node of a job.
    Node,
    /// Each person.
    Person,
    /// Each account.
    Account,
    /// Each job, from below.
    Least,
}

/// What of a resource a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitMeasure {
    /// How much at once.
    AtOnce,
    /// How much for how long, used so far.
    Minutes,
    /// How much for how long running jobs may still use.
    RunMinutes,
}

/// A limit that keeps a job back, as its code names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitReason {
    /// Whether it is one of the QOS; else of the account or the person in it.
    pub is_of_qos: bool,
    /// Over what it counts.
    pub scope: LimitScope,
    /// What it counts of it.
    pub measure: LimitMeasure,
    /// Which resource.
    resource: Resource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Resource {
    /// As the code has it.
    code: &'static str,
    /// For people.
    word: &'static str,
    /// How the name of a trackable resource begins; empty where it is none.
    tres: &'static str,
}

const fn resource(code: &'static str, word: &'static str, tres: &'static str) -> Resource {
    Resource { code, word, tres }
}

/// The longer of two that begin alike comes first.
const RESOURCES: [Resource; 15] = [
    resource("Cpu", "CPUs", "cpu"),
    resource("CPU", "CPUs", "cpu"),
    resource("Memory", "memory", "mem"),
    resource("Mem", "memory", "mem"),
    resource("Node", "nodes", "node"),
    resource("GRES", "GPUs or other generic resources", "gres/"),
    resource("License", "licences", "license/"),
    resource("BB", "burst buffer", "bb/"),
    resource("Energy", "energy", "energy"),
    resource("Billing", "billing units", "billing"),
    resource("Unknown", "a resource that the scheduler does not name", "-"),
    resource("SubmitJobs", "jobs in the queue", ""),
    resource("SubmitJob", "jobs in the queue", ""),
    resource("Jobs", "running jobs", ""),
    resource("WallDuration", "wall time", ""),
];

/// `QOSGrpWallLimit`: time of all jobs together, which no other code calls so.
const WALL: Resource = resource("Wall", "wall time", "");

impl LimitReason {
    /// Reads a code; none where it is no limit.
    pub(crate) fn of(code: &str) -> Option<Self> {
        let code = code.strip_suffix("Limit").unwrap_or(code);
        let (is_of_qos, is_named, rest) = match (code.strip_prefix("QOS"), code.strip_prefix("Assoc")) {
            (Some(rest), _) => (true, true, rest),
            (None, Some(rest)) => (false, true, rest),
            // Limits of each account in a QOS have no word in front: `MaxGRESPerAccount`.
            (None, None) => (true, false, code),
        };
        let (kind, rest) = ["Grp", "Max", "Min"].iter().find_map(|kind| Some((*kind, rest.strip_prefix(kind)?)))?;
        let (resource, rest) =
            RESOURCES.iter().chain([&WALL]).find_map(|known| Some((*known, rest.strip_prefix(known.code)?)))?;
        let (measure, rest) = match (rest.strip_prefix("RunMinutes"), rest.strip_prefix("Minutes")) {
            (Some(rest), _) => (LimitMeasure::RunMinutes, rest),
            (None, Some(rest)) => (LimitMeasure::Minutes, rest),
            (None, None) => (LimitMeasure::AtOnce, rest),
        };
        let scope = match (kind, rest) {
            ("Grp", "") => LimitScope::Together,
            ("Min", "" | "NotSatisfied") => LimitScope::Least,
            ("Max", "PerJob") => LimitScope::Job,
            ("Max", "PerNode") => LimitScope::Node,
            ("Max", "PerUser") => LimitScope::Person,
            ("Max", "PerAccount") => LimitScope::Account,
            // `AssocMaxJobsLimit`: of the person in the account.
            ("Max", "") if !is_of_qos && resource.tres.is_empty() => LimitScope::Person,
            _ => return None,
        };
        (is_named || scope == LimitScope::Account).then_some(Self { is_of_qos, scope, measure, resource })
    }

    /// Whether each job by itself has to keep to it, so that waiting does not help.
    pub fn is_of_each_job(&self) -> bool {
        matches!(self.scope, LimitScope::Job | LimitScope::Node | LimitScope::Least)
    }

    /// Slurm's word for the limit (sacctmgr(1), and `scontrol show assoc_mgr`): `GrpTRESMins`, `MaxJobsPU`.
    pub fn name(&self) -> &'static str {
        let counted = match self.resource.code {
            "Jobs" => ["GrpJobs", "MaxJobs", "MaxJobsPU", "MaxJobsPA"],
            "SubmitJobs" | "SubmitJob" => ["GrpSubmitJobs", "MaxSubmitJobs", "MaxSubmitJobsPU", "MaxSubmitJobsPA"],
            "Wall" => return "GrpWall",
            "WallDuration" => return "MaxWallPJ",
            _ => ["", "", "MaxTRESPU", "MaxTRESPA"],
        };
        match (self.scope, self.measure) {
            (LimitScope::Together, _) if !counted[0].is_empty() => counted[0],
            (LimitScope::Together, LimitMeasure::AtOnce) => "GrpTRES",
            (LimitScope::Together, LimitMeasure::Minutes) => "GrpTRESMins",
            (LimitScope::Together, LimitMeasure::RunMinutes) => "GrpTRESRunMins",
            (LimitScope::Job, LimitMeasure::AtOnce) => "MaxTRESPJ",
            (LimitScope::Job, _) => "MaxTRESMinsPJ",
            (LimitScope::Node, _) => "MaxTRESPN",
            (LimitScope::Person, _) if !self.is_of_qos => counted[1],
            (LimitScope::Person, _) => counted[2],
            (LimitScope::Account, _) => counted[3],
            (LimitScope::Least, _) => "MinTRESPJ",
        }
    }

    /// Whether it counts this trackable resource; of jobs and time, the one without a name.
    pub fn counts(&self, tres: &str) -> bool {
        if self.resource.tres.is_empty() { tres.is_empty() } else { tres.starts_with(self.resource.tres) }
    }

    /// What it means, in plain words.
    pub(crate) fn cause(&self) -> String {
        let holder = if self.is_of_qos { "its QOS" } else { "its account" };
        let what = self.resource.word;
        match (self.scope, self.measure) {
            (LimitScope::Together, LimitMeasure::AtOnce) if what == "wall time" => {
                format!("the jobs of {holder} have used all the wall time that they may together")
            }
            (LimitScope::Together, LimitMeasure::AtOnce) => {
                format!("the jobs of {holder} have as many as they may together: {what}")
            }
            (LimitScope::Together, LimitMeasure::Minutes) => {
                format!("{holder} has used up what it was given: minutes of {what}")
            }
            (LimitScope::Together, LimitMeasure::RunMinutes) => {
                format!("the running jobs of {holder} may still use as much as is allowed: minutes of {what}")
            }
            (LimitScope::Person, _) => format!("you have as many as one person may in {holder}: {what}"),
            (LimitScope::Account, _) => format!("the account has as many as one may in {holder}: {what}"),
            (LimitScope::Job, LimitMeasure::AtOnce) => format!("it asks for more than one job may in {holder}: {what}"),
            (LimitScope::Job, _) => format!("it may use more than one job may in {holder}: minutes of {what}"),
            (LimitScope::Node, _) => format!("it asks for more on a node than it may in {holder}: {what}"),
            (LimitScope::Least, _) => format!("it asks for less than a job has to in {holder}: {what}"),
        }
    }

    /// What to do.
    pub(crate) fn next(&self) -> String {
        let next = match (self.scope, self.measure) {
            (LimitScope::Together, LimitMeasure::Minutes) => {
                "ask who manages the account: nothing of it starts until more is given or a new period begins"
            }
            (LimitScope::Together, LimitMeasure::RunMinutes) => {
                "wait until one of those jobs ends, or ask for a shorter time"
            }
            (LimitScope::Together, LimitMeasure::AtOnce) | (LimitScope::Account, _) => {
                "wait until one of those jobs ends"
            }
            (LimitScope::Person, _) => "wait until one of your jobs ends",
            (LimitScope::Job, LimitMeasure::AtOnce) | (LimitScope::Node, _) => {
                "it never starts as it is: cancel it (`pakt cancel`), ask for less and submit it again"
            }
            (LimitScope::Job, _) => {
                "it never starts as it is: cancel it (`pakt cancel`), ask for less time or less of it and submit it again"
            }
            (LimitScope::Least, _) => {
                "it never starts as it is: cancel it (`pakt cancel`), ask for more, or take another QOS, and submit it again"
            }
        };
        next.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_tied_to_the_limits_that_they_are_of() {
        for (code, is_of_qos, name, counted, other) in [
            ("QOSMaxJobsPerUserLimit", true, "MaxJobsPU", "", "gres/gpu"),
            ("AssocGrpGRESMinutes", false, "GrpTRESMins", "gres/gpu", "cpu"),
            ("AssocMaxJobsLimit", false, "MaxJobs", "", "cpu"),
            ("AssocMaxSubmitJobLimit", false, "MaxSubmitJobs", "", "cpu"),
            ("QOSGrpCPURunMinutesLimit", true, "GrpTRESRunMins", "cpu", "mem"),
            ("QOSMaxWallDurationPerJobLimit", true, "MaxWallPJ", "", "cpu"),
            ("QOSGrpWallLimit", true, "GrpWall", "", "cpu"),
            ("MaxGRESPerAccount", true, "MaxTRESPA", "gres/gpu", "node"),
            ("MaxSubmitJobsPerAccount", true, "MaxSubmitJobsPA", "", "node"),
            ("QOSMinCpuNotSatisfied", true, "MinTRESPJ", "cpu", ""),
            ("QOSMaxMemoryMinutesPerJob", true, "MaxTRESMinsPJ", "mem", "cpu"),
            ("AssocMaxNodePerJobLimit", false, "MaxTRESPJ", "node", "cpu"),
        ] {
            let limit = LimitReason::of(code).unwrap_or_else(|| panic!("{code} is a limit"));
            assert_eq!((limit.is_of_qos, limit.name()), (is_of_qos, name), "{code}");
            assert!(limit.counts(counted) && !limit.counts(other), "{code}");
        }
        for code in
            ["MaxMemPerLimit", "Priority", "QOSGrp", "QOSMaxFluxPerJob", "MaxGRESPerJob", "QOSGrpGRESPerJob", ""]
        {
            assert_eq!(LimitReason::of(code), None, "{code}");
        }
    }
}
