//! `scontrol show config`, `scontrol show partition` and `sinfo`: what a cluster says about itself.

use crate::{
    AdapterError, AdapterErrorKind, ClusterFacts, NodeGroup, PartitionFacts,
    slurm::{
        SlurmCommands,
        call::Tool,
        columns::Identity,
        rows::{Delimiter, Table},
        values,
    },
};
use model::{AccountName, ClusterName};
use slurm_messages::Question;
use std::collections::BTreeMap;

const NODE_FIELDS: [&str; 7] = ["PartitionName", "Nodes", "NodeAIOT", "CPUs", "Memory", "Gres", "Features"];

impl SlurmCommands {
    /// Three questions to the controller and three to accounting; without the latter the facts are still useful.
    pub(super) async fn describe_cluster(&self) -> Result<ClusterFacts, AdapterError> {
        let config = settings(&self.ask(Tool::Scontrol, &["show", "config"]).await?);
        let delimiter = Delimiter::fresh();
        let format: Vec<String> = NODE_FIELDS.iter().map(|field| format!("{field}:{}", delimiter.as_str())).collect();
        let nodes = self.ask(Tool::Sinfo, &["-O", &format.join(",")]).await?;
        let groups = read_groups(&nodes, &delimiter)?;
        let accounting = match self.accounting_facts().await {
            Ok(facts) => Some(facts),
            Err(error) => match error.kind {
                AdapterErrorKind::AccountingDown | AdapterErrorKind::Unsupported => None,
                _ => return Err(error),
            },
        };
        let setting = |name: &str| config.get(name).map_or("", String::as_str);
        let list = |name: &str| words(setting(name));
        Ok(ClusterFacts {
            cluster: cluster_of(&config)?,
            version: setting("SLURM_VERSION").to_owned(),
            partitions: self.partitions(&groups).await?,
            accounting,
            min_job_age: seconds(setting("MinJobAge")),
            max_array_size: setting("MaxArraySize").parse().ok(),
            tracks_gpus: list("AccountingStorageTRES")
                .iter()
                .any(|tres| tres == "gres/gpu" || tres.starts_with("gres/gpu:")),
            stores_comments: list("AccountingStoreFlags").iter().any(|flag| flag == "job_comment"),
            private_data: list("PrivateData"),
            enforced: list("AccountingStorageEnforce"),
            has_submit_filter: !list("JobSubmitPlugins").is_empty(),
            observed_at: self.clock.now(),
        })
    }
}

impl SlurmCommands {
    pub(super) async fn partitions(&self, groups: &[(String, NodeGroup)]) -> Result<Vec<PartitionFacts>, AdapterError> {
        match self.native_table(Question::Partitions, Tool::Scontrol).await {
            Some(table) => {
                let table = table?;
                table
                    .by_column()
                    .map(|row| read_partition(&row, groups).map_err(|reason| unreadable(&reason)))
                    .collect()
            }
            None => read_partitions(&self.ask(Tool::Scontrol, &["show", "partition", "-o"]).await?, groups),
        }
    }
}

/// The cluster's name and release in the text of `scontrol show config`.
pub(super) fn identity(text: &str) -> Result<Identity, AdapterError> {
    let config = settings(text);
    let version = config.get("SLURM_VERSION").cloned().unwrap_or_default();
    Ok(Identity { cluster: cluster_of(&config)?, version })
}

/// One more than the largest index of an array (`MaxArraySize`), by the same text; none where it does not say.
pub(super) fn max_array_size(text: &str) -> Option<u32> {
    settings(text).get("MaxArraySize")?.parse().ok()
}

/// Whether the queue hides the jobs of others (`PrivateData`), by the text of `scontrol show config`; none where it does not say.
pub(super) fn hides_jobs(text: &str) -> Option<bool> {
    settings(text).get("PrivateData").map(|list| words(list).iter().any(|word| word == "jobs" || word == "all"))
}

fn cluster_of(config: &BTreeMap<String, String>) -> Result<ClusterName, AdapterError> {
    let name = config.get("ClusterName").map_or("", String::as_str);
    name.parse().map_err(|error| unreadable("ClusterName").with("cause", error))
}

fn unreadable(what: &str) -> AdapterError {
    AdapterError::new(AdapterErrorKind::Unreadable, Tool::Scontrol.doing()).with("what", what)
}

/// `Name   = value` lines.
fn settings(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

/// A comma-separated list; `(null)` and `none` are empty.
fn words(text: &str) -> Vec<String> {
    let is_word = |word: &&str| !values::is_absent(word) && !word.eq_ignore_ascii_case("none");
    text.split(',').map(str::trim).filter(is_word).map(str::to_owned).collect()
}

/// `300 sec`.
fn seconds(text: &str) -> Option<model::WallTime> {
    text.split_whitespace().next()?.parse().ok().map(model::WallTime::from_seconds)
}

/// Reads `scontrol show partition -o`: one line each, `Key=value` words.
fn read_partitions(text: &str, groups: &[(String, NodeGroup)]) -> Result<Vec<PartitionFacts>, AdapterError> {
    let lines = text.lines().filter(|line| line.starts_with("PartitionName="));
    let pairs = lines.map(|line| line.split_whitespace().filter_map(|word| word.split_once('=')).collect());
    pairs.map(|pairs| read_partition(&pairs, groups).map_err(|reason| unreadable(&reason))).collect()
}

fn read_partition(pairs: &BTreeMap<&str, &str>, groups: &[(String, NodeGroup)]) -> Result<PartitionFacts, String> {
    let value = |key: &str| pairs.get(key).copied().unwrap_or_default();
    let name: model::PartitionName = values::name(value("PartitionName"), "partition")?.ok_or("no partition name")?;
    let accounts = match value("AllowAccounts") {
        "" | "ALL" => None,
        list => Some(words(list).iter().map(|name| parse_account(name)).collect::<Result<_, _>>()?),
    };
    let own = groups.iter().filter(|(partition, _)| partition == name.as_str());
    Ok(PartitionFacts {
        is_default: value("Default") == "YES",
        is_up: value("State") == "UP",
        max_time: values::length(value("MaxTime"), "MaxTime")?,
        default_time: values::length(value("DefaultTime"), "DefaultTime")?,
        max_nodes: value("MaxNodes").parse().ok(),
        qos: values::name(value("QoS"), "QoS")?,
        allowed_accounts: accounts,
        is_exclusive: value("OverSubscribe").starts_with("EXCLUSIVE"),
        tres: values::tres(value("TRES"), "TRES")?,
        nodes: values::number(value("TotalNodes"), "TotalNodes")?,
        groups: own.map(|(_, group)| group.clone()).collect(),
        name,
    })
}

fn parse_account(name: &str) -> Result<AccountName, String> {
    name.parse().map_err(|error| format!("AllowAccounts: {error}"))
}

/// Reads `sinfo`: nodes of one kind in one partition a row.
fn read_groups(text: &str, delimiter: &Delimiter) -> Result<Vec<(String, NodeGroup)>, AdapterError> {
    let table = Table::read(text, delimiter, NODE_FIELDS.len(), "PARTITION", Tool::Sinfo.doing())?;
    let groups = table.rows.iter().map(|row| read_group(row));
    groups
        .collect::<Result<_, _>>()
        .map_err(|reason| AdapterError::new(AdapterErrorKind::Unreadable, Tool::Sinfo.doing()).with("cause", reason))
}

fn read_group(row: &[String]) -> Result<(String, NodeGroup), String> {
    let at = |field: &str| {
        let place = NODE_FIELDS.iter().position(|known| *known == field);
        place.and_then(|place| row.get(place)).map_or("", |value| value.trim())
    };
    // Allocated, idle, other, total.
    let idle = at("NodeAIOT").split('/').nth(1).unwrap_or_default();
    let group = NodeGroup {
        nodes: values::number(at("Nodes"), "nodes")?,
        idle_nodes: values::number(idle, "idle nodes")?,
        cpus: least(at("CPUs"), "CPUs")?,
        memory_mib: u64::from(least(at("Memory"), "memory")?),
        gres: Some(at("Gres")).filter(|gres| !values::is_absent(gres)).unwrap_or_default().to_owned(),
        features: words(at("Features")),
    };
    Ok((at("PartitionName").to_owned(), group))
}

/// `512`, or `512+` where the nodes of a row differ: the least.
fn least(text: &str, what: &str) -> Result<u32, String> {
    values::number(text.trim_end_matches('+'), what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::GpuCount;
    use proptest::prelude::*;

    #[test]
    fn recorded_configuration_of_two_releases() {
        for (text, version) in [
            (
                include_str!("../../tests/fixtures/slurm-22.05/scontrol-show-config.txt"),
                include_str!("../../tests/fixtures/slurm-22.05/version.txt"),
            ),
            (
                include_str!("../../tests/fixtures/slurm-25.11/scontrol-show-config.txt"),
                include_str!("../../tests/fixtures/slurm-25.11/version.txt"),
            ),
        ] {
            let config = settings(text);
            // `sinfo --version` of the same cluster: `slurm-wlm 22.05.8`.
            assert_eq!(Some(config["SLURM_VERSION"].as_str()), version.split_whitespace().nth(1));
            assert_eq!(cluster_of(&config).expect("a name").as_str(), "jupiter");
            assert_eq!(words(&config["AccountingStorageEnforce"]), ["associations", "limits", "qos"]);
            assert!(words(&config["AccountingStorageTRES"]).contains(&"gres/gpu".to_owned()));
            assert_eq!(words(&config["AccountingStoreFlags"]), [""; 0]);
            assert_eq!(words(&config["PrivateData"]), [""; 0]);
            assert_eq!(seconds(&config["MinJobAge"]).map(model::WallTime::seconds), Some(300));
        }
    }

    #[test]
    fn recorded_partitions_of_two_releases() {
        let group = NodeGroup {
            nodes: 4,
            idle_nodes: 2,
            cpus: 288,
            memory_mib: 860_000,
            gres: "gpu:gh200:4".to_owned(),
            features: Vec::new(),
        };
        for text in [
            include_str!("../../tests/fixtures/slurm-22.05/scontrol-show-partition.txt"),
            include_str!("../../tests/fixtures/slurm-25.11/scontrol-show-partition.txt"),
        ] {
            let groups = [("booster".to_owned(), group.clone()), ("other".to_owned(), group.clone())];
            let partitions = read_partitions(text, &groups).expect("as recorded");
            let [booster] = partitions.as_slice() else { panic!("one partition: {partitions:?}") };
            assert_eq!((booster.name.as_str(), booster.nodes, booster.groups.len()), ("booster", 4, 1));
            assert!(booster.is_default && booster.is_up && booster.is_exclusive);
            assert_eq!(booster.max_time.map(model::WallTime::seconds), Some(86_400));
            assert_eq!((booster.default_time, booster.max_nodes, &booster.allowed_accounts), (None, None, &None));
            assert_eq!(booster.tres.gpus(), GpuCount::Tracked(16));
        }
    }

    #[test]
    fn nodes_are_grouped_by_kind() {
        let text = "PARTITION|NODES|NODES(A/I/O/T)|CPUS|MEMORY|GRES|AVAIL_FEATURES|\n\
                    booster|4|1/2/1/4|288|860000+|gpu:gh200:4(S:0-3)|gpu,gh200|\n\
                    cpu|2|0/2/0/2|64|256000|(null)|(null)|\n";
        let groups = read_groups(text, &Delimiter::recorded("|")).expect("a header");
        assert_eq!(groups[0].1.features, ["gpu", "gh200"]);
        assert_eq!((groups[0].1.idle_nodes, groups[0].1.memory_mib), (2, 860_000));
        assert_eq!((groups[1].0.as_str(), groups[1].1.gres.as_str()), ("cpu", ""));
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "(PartitionName=|[A-Za-z]{1,9}=|[0-9:/-]{1,6}|[ \n,|]|.){0,60}") {
            drop((read_partitions(&text, &[]), identity(&text), read_groups(&text, &Delimiter::recorded("|"))));
        }
    }
}
