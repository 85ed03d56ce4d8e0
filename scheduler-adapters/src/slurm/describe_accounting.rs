//! `sacctmgr`: limits and associations. Its names hold no `|`, which it forbids itself, so its own tables are safe.

use crate::{
    AccountingFacts, AdapterError, AdapterErrorKind, Association, QosFacts,
    slurm::{SlurmCommands, call::Tool, values},
};
use model::WallTime;
use slurm_messages::Question;
use std::collections::{BTreeMap, BTreeSet};

const QOS: &str = "format=Name,MaxWall,MaxTRESPU,GrpTRESMins,MaxJobsPU,MaxSubmitPU";
const ASSOCIATION: &str = "format=Account,User,Partition,QOS,DefaultQOS,MaxWall,GrpTRESMins,MaxSubmitJobs";

impl SlurmCommands {
    /// All QOS, the person's associations on this cluster, and those of the accounts they name.
    pub(super) async fn accounting_facts(&self) -> Result<AccountingFacts, AdapterError> {
        let facts = match self.native_accounting_facts().await {
            Some(facts) => facts,
            None => self.told_accounting_facts().await,
        };
        facts.map(in_one_order)
    }

    /// The same by the command.
    async fn told_accounting_facts(&self) -> Result<AccountingFacts, AdapterError> {
        let user = format!("user={}", self.user().await?);
        let cluster = format!("cluster={}", self.cluster().await?);
        let qos = self.ask(Tool::Sacctmgr, &["-P", "show", "qos", QOS]).await?;
        let own = self.ask(Tool::Sacctmgr, &["-P", "show", "assoc", "where", &user, &cluster, ASSOCIATION]).await?;
        let mut associations = read(&own, read_association)?;
        let names: BTreeSet<&str> = associations.iter().map(|found| found.account.as_str()).collect();
        if !names.is_empty() {
            let accounts = format!("account={}", names.into_iter().collect::<Vec<_>>().join(","));
            let arguments = ["-P", "show", "assoc", "where", &accounts, "user=", &cluster, ASSOCIATION];
            let theirs = self.ask(Tool::Sacctmgr, &arguments).await?;
            associations.extend(read(&theirs, read_association)?.into_iter().filter(|found| found.user.is_none()));
        }
        Ok(AccountingFacts { qos: read(&qos, read_qos)?, associations })
    }
}

impl SlurmCommands {
    /// The same by the library.
    async fn native_accounting_facts(&self) -> Option<Result<AccountingFacts, AdapterError>> {
        self.helper.as_ref()?;
        let user = match self.user().await {
            Ok(user) => user.to_string(),
            Err(error) => return Some(Err(error)),
        };
        let qos = self.native_table(Question::Qos, Tool::Sacctmgr).await?;
        let associations = self.native_table(Question::Associations { user }, Tool::Sacctmgr).await?;
        let both = qos.and_then(|qos| {
            let unreadable = |reason: String| {
                AdapterError::new(AdapterErrorKind::Unreadable, Tool::Sacctmgr.doing()).with("cause", reason)
            };
            let associations = associations?;
            Ok(AccountingFacts {
                qos: qos.by_column().map(|row| read_qos(&row)).collect::<Result<_, _>>().map_err(unreadable)?,
                associations: associations
                    .by_column()
                    .map(|row| read_association(&row))
                    .collect::<Result<_, _>>()
                    .map_err(unreadable)?,
            })
        });
        Some(both)
    }
}

/// The order means nothing, and each way has its own.
fn in_one_order(mut facts: AccountingFacts) -> AccountingFacts {
    facts.qos.sort_by(|left, right| left.name.cmp(&right.name));
    facts.associations.iter_mut().for_each(|found| found.qos.sort());
    // A person's own in front of those of whole accounts.
    let place = |found: &Association| (found.user.is_none(), found.account.clone(), found.partition.clone());
    facts.associations.sort_by_key(place);
    facts
}

type Row<'text> = BTreeMap<&'text str, &'text str>;

/// Reads a table whose first line with a `|` names the columns.
fn read<Item>(text: &str, read: impl Fn(&Row<'_>) -> Result<Item, String>) -> Result<Vec<Item>, AdapterError> {
    let unreadable =
        |reason: String| AdapterError::new(AdapterErrorKind::Unreadable, Tool::Sacctmgr.doing()).with("cause", reason);
    let mut lines = text.lines().filter(|line| line.contains('|'));
    let titles: Vec<&str> =
        lines.next().ok_or_else(|| unreadable("the answer has no header row".to_owned()))?.split('|').collect();
    lines
        .map(|line| {
            let values: Vec<&str> = line.split('|').collect();
            if values.len() != titles.len() {
                return Err(unreadable(format!("`{line}` has not the columns of its header")));
            }
            read(&titles.iter().copied().zip(values).collect()).map_err(unreadable)
        })
        .collect()
}

fn read_qos(row: &Row<'_>) -> Result<QosFacts, String> {
    let at = |title: &str| row.get(title).copied().unwrap_or_default();
    Ok(QosFacts {
        name: values::name(at("Name"), "QOS")?.ok_or("a QOS without name")?,
        max_time: limit(at("MaxWall"))?,
        max_tres_per_user: at("MaxTRESPU").to_owned(),
        group_tres_minutes: at("GrpTRESMins").to_owned(),
        max_jobs_per_user: at("MaxJobsPU").parse().ok(),
        max_submitted_jobs_per_user: at("MaxSubmitPU").parse().ok(),
    })
}

fn read_association(row: &Row<'_>) -> Result<Association, String> {
    let at = |title: &str| row.get(title).copied().unwrap_or_default();
    let qos = at("QOS").split(',').filter(|name| !name.is_empty());
    Ok(Association {
        account: values::name(at("Account"), "account")?.ok_or("an association without account")?,
        user: values::name(at("User"), "user")?,
        partition: values::name(at("Partition"), "partition")?,
        qos: qos.map(|name| name.parse().map_err(|error| format!("QOS: {error}"))).collect::<Result<_, _>>()?,
        default_qos: values::name(at("Def QOS"), "default QOS")?,
        max_time: limit(at("MaxWall"))?,
        group_tres_minutes: at("GrpTRESMins").to_owned(),
        max_submitted_jobs: at("MaxSubmit").parse().ok(),
    })
}

fn limit(text: &str) -> Result<Option<WallTime>, String> {
    values::length(text, "MaxWall")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn recorded_limits_of_two_releases() {
        for (qos, associations) in [
            (
                include_str!("../../tests/fixtures/slurm-22.05/sacctmgr-qos.txt"),
                include_str!("../../tests/fixtures/slurm-22.05/sacctmgr-assoc.txt"),
            ),
            (
                include_str!("../../tests/fixtures/slurm-25.11/sacctmgr-qos.txt"),
                include_str!("../../tests/fixtures/slurm-25.11/sacctmgr-assoc.txt"),
            ),
        ] {
            let qos = read(qos, read_qos).expect("as recorded");
            assert_eq!(qos.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), ["normal", "lowprio"]);
            assert_eq!((qos[0].max_time, qos[0].max_jobs_per_user), (None, None));
            let associations = read(associations, read_association).expect("as recorded");
            let accounts: Vec<_> =
                associations.iter().map(|found| (found.account.as_str(), found.user.is_some())).collect();
            assert_eq!(accounts, [("root", false), ("root", true), ("hfmi", false), ("hfmi", true)]);
            assert_eq!(associations[3].qos[0].as_str(), "normal");
        }
    }

    #[test]
    fn limits_are_read() {
        let text =
            "Name|MaxWall|MaxTRESPU|GrpTRESMins|MaxJobsPU|MaxSubmitPU\nlong|2-00:00:00|node=4|gres/gpu=600|8|100\n";
        let qos = read(text, read_qos).expect("a header").remove(0);
        assert_eq!(qos.max_time.map(WallTime::seconds), Some(172_800));
        assert_eq!((qos.max_jobs_per_user, qos.max_submitted_jobs_per_user), (Some(8), Some(100)));
        assert_eq!((qos.max_tres_per_user.as_str(), qos.group_tres_minutes.as_str()), ("node=4", "gres/gpu=600"));
        assert!(read("", read_qos).is_err());
        assert!(read("Name|MaxWall\nlong\n|x|\n", read_qos).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "(Name|Account|\\||\n|[a-z0-9:-]){0,60}") {
            drop((read(&text, read_qos), read(&text, read_association)));
        }
    }
}
