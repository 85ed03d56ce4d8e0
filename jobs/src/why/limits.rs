//! Limits with their figures: those that a reason names, as the scheduler counts them.

use model::{LimitReason, WallTime};
use scheduler_adapters::{Limit, LimitHolder, RunningJobs};

/// What the limits that a reason names say, one sentence each; none where the scheduler told no such limit.
pub(super) fn sentences(reason: LimitReason, limits: &[Limit], running: Option<RunningJobs>) -> Vec<String> {
    let is_it = |limit: &&Limit| {
        let of_qos = !matches!(
            limit.holder,
            LimitHolder::Account(_) | LimitHolder::AccountAbove(_) | LimitHolder::PersonInAccount(_)
        );
        of_qos == reason.is_of_qos && limit.name == reason.name() && reason.counts(&limit.resource)
    };
    limits.iter().filter(is_it).map(|limit| sentence(limit, running)).collect()
}

/// `QOS `normal` lets one person run 8 jobs at once; 8 run`.
fn sentence(limit: &Limit, running: Option<RunningJobs>) -> String {
    let holder = match &limit.holder {
        LimitHolder::Qos(qos) => format!("QOS `{qos}`"),
        LimitHolder::PersonInQos(qos) => format!("QOS `{qos}`, for each person,"),
        LimitHolder::AccountInQos(qos) => format!("QOS `{qos}`, for each account,"),
        LimitHolder::Account(account) => format!("account `{account}`"),
        LimitHolder::AccountAbove(account) => format!("account `{account}`, for all accounts below it,"),
        LimitHolder::PersonInAccount(account) => format!("account `{account}`, for you,"),
    };
    let Limit { name, resource, most, .. } = limit;
    let of_jobs = running.filter(|_| name.starts_with("MaxJobs")).map(|running| u64::from(running.in_qos));
    let used = limit.used.or(of_jobs).map(|used| used.to_string());
    let taken = |word: &str| used.as_ref().map_or_else(String::new, |used| format!("; {used} {word}"));
    match name.as_str() {
        "GrpJobs" | "MaxJobs" | "MaxJobsPU" | "MaxJobsPA" => {
            format!("{holder} lets {most} jobs run at once{}", taken("run"))
        }
        "GrpSubmitJobs" | "MaxSubmitJobs" | "MaxSubmitJobsPU" | "MaxSubmitJobsPA" => {
            format!("{holder} lets {most} jobs be in the queue{}", taken("are"))
        }
        "MaxWallPJ" => format!("{holder} lets a job run for {} at most", minutes(*most)),
        "GrpWall" => format!("{holder} lets its jobs run for {} together{}", minutes(*most), taken("minutes are used")),
        "GrpTRESMins" => format!("{holder} has {most} minutes of {resource}{}", taken("are used")),
        "GrpTRESRunMins" => {
            format!("{holder} lets running jobs have {most} minutes of {resource} before them{}", taken("are taken"))
        }
        "MaxTRESPJ" => format!("{holder} lets a job have {most} of {resource}"),
        "MaxTRESPN" => format!("{holder} lets a job have {most} of {resource} on a node"),
        "MaxTRESMinsPJ" => format!("{holder} lets a job have {most} minutes of {resource}"),
        "MinTRESPJ" => format!("{holder} wants a job to have {most} of {resource} at least"),
        _ => format!("{holder} lets {most} of {resource} be taken at once{}", taken("are")),
    }
}

fn minutes(count: u64) -> WallTime {
    WallTime::from_seconds(count.saturating_mul(60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::PendingReason;

    fn limit(holder: LimitHolder, name: &str, resource: &str, most: u64, used: Option<u64>) -> Limit {
        Limit { holder, name: name.to_owned(), resource: resource.to_owned(), most, used }
    }

    #[test]
    fn figures_stand_beside_the_limit_that_a_reason_names() {
        let (qos, account) = (|| "normal".parse().expect("a QOS"), || "atlas".parse().expect("an account"));
        let limits = [
            limit(LimitHolder::PersonInQos(qos()), "MaxJobsPU", "", 8, Some(8)),
            limit(LimitHolder::PersonInAccount(account()), "MaxJobs", "", 3, Some(3)),
            limit(LimitHolder::Account(account()), "GrpTRESMins", "gres/gpu", 600, Some(590)),
            limit(LimitHolder::Account(account()), "GrpTRESMins", "cpu", 900, Some(1)),
            limit(LimitHolder::Qos(qos()), "MaxWallPJ", "", 720, None),
            limit(LimitHolder::PersonInQos(qos()), "MaxTRESPU", "gres/gpu", 32, Some(16)),
            limit(LimitHolder::PersonInAccount(account()), "GrpJobs", "", 5, None),
            limit(LimitHolder::AccountAbove(account()), "GrpWall", "", 60, Some(59)),
        ];
        for (code, expected) in [
            ("QOSMaxJobsPerUserLimit", vec!["QOS `normal`, for each person, lets 8 jobs run at once; 8 run"]),
            ("AssocMaxJobsLimit", vec!["account `atlas`, for you, lets 3 jobs run at once; 3 run"]),
            ("AssocGrpGRESMinutes", vec!["account `atlas` has 600 minutes of gres/gpu; 590 are used"]),
            ("QOSMaxWallDurationPerJobLimit", vec!["QOS `normal` lets a job run for 12:00:00 at most"]),
            ("QOSMaxGRESPerUser", vec!["QOS `normal`, for each person, lets 32 of gres/gpu be taken at once; 16 are"]),
            ("AssocGrpJobsLimit", vec!["account `atlas`, for you, lets 5 jobs run at once"]),
            (
                "AssocGrpWallLimit",
                vec![
                    "account `atlas`, for all accounts below it, lets its jobs run for 01:00:00 together; 59 minutes are used",
                ],
            ),
            ("QOSGrpNodeLimit", vec![]),
        ] {
            let reason = PendingReason::of(code).limit.expect("a limit");
            assert_eq!(sentences(reason, &limits, None), expected, "{code}");
        }
    }

    #[test]
    fn where_the_scheduler_does_not_count_the_queue_does() {
        let limits = [limit(LimitHolder::PersonInQos("normal".parse().expect("a QOS")), "MaxJobsPU", "", 8, None)];
        let reason = PendingReason::of("QOSMaxJobsPerUserLimit").limit.expect("a limit");
        let running = Some(RunningJobs { in_qos: 7, in_account: 1 });
        let told = sentences(reason, &limits, running);
        assert_eq!(told, ["QOS `normal`, for each person, lets 8 jobs run at once; 7 run"]);
    }
}
