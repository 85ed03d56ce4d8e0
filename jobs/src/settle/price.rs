//! The price of a run, or why there is none.

use crate::known::near_partition;
use ledger::{Command, MOST_OF_ONE, RunPrice, SettledRun};
use model::{PartitionName, Price, Run, Tariff, Tres, counted, price};
use sites::{Site, tariff_for};
use std::sync::Arc;

/// What Slurm writes where a number is not set or has no limit: `NO_VAL` and `INFINITE` of slurm.h, in 32 and 64 bits.
const NO_NUMBERS: [u64; 4] = [0xffff_fffe, 0xffff_ffff, u64::MAX - 1, u64::MAX];

/// The price of a run at a site, by what it was allocated.
pub(crate) fn price_of(site: &Site, run: &Run) -> RunPrice {
    Pricer::at(site).price(run)
}

/// Prices the runs of a site. It keeps the last tariffs: of a month's runs most have one of few.
pub(crate) struct Pricer<'a> {
    site: &'a Site,
    known: Vec<Known>,
}

/// The tariff of an allocation in a partition, or why there is none.
struct Known {
    /// How many tariffs had given way to another when it started.
    changes: usize,
    partition: Option<PartitionName>,
    allocated: Tres,
    tariff: Result<Tariff, String>,
}

impl<'a> Pricer<'a> {
    const MOST: usize = 32;

    pub(crate) const fn at(site: &'a Site) -> Self {
        Self { site, known: Vec::new() }
    }

    /// The command that takes a run which has ended into the books.
    pub(crate) fn settlement(&mut self, run: Run) -> Command {
        let price = self.price(&run);
        Command::Settle(Arc::new(SettledRun { run, price }))
    }

    pub(crate) fn price(&mut self, run: &Run) -> RunPrice {
        let changes = self.site.tariff_changes_until(run.started_at);
        let is_its = |known: &Known| {
            known.changes == changes && known.partition == run.partition && known.allocated == run.allocated
        };
        let place = self.known.iter().position(is_its).unwrap_or_else(|| {
            if self.known.len() == Self::MOST {
                self.known.remove(0);
            }
            let (partition, allocated) = (run.partition.clone(), run.allocated.clone());
            self.known.push(Known { tariff: tariff_of(self.site, run), changes, partition, allocated });
            self.known.len() - 1
        });
        let tariff = match &self.known[place].tariff {
            Ok(tariff) => tariff,
            Err(why) => return RunPrice::Unknown(why.clone()),
        };
        match price(&run.allocated, run.elapsed, tariff) {
            Ok(price) => RunPrice::Known(price),
            Err(error) => RunPrice::Unknown(error.to_string()),
        }
    }
}

fn tariff_of(site: &Site, run: &Run) -> Result<Tariff, String> {
    if let Some(fault) = fault(&run.allocated) {
        return Err(fault);
    }
    let partition = run.partition.as_ref();
    tariff_for(site, partition, &run.allocated, run.started_at).ok_or_else(|| no_tariff(site, partition))
}

/// Why nothing can have been given to a job, or be given to it, in such numbers.
pub(super) fn fault(tres: &Tres) -> Option<String> {
    if let Some(what) = uncountable(tres) {
        return Some(format!("its row has no number of {what}"));
    }
    let (gpus, nodes) = too_many_gpus(tres)?;
    Some(format!("its row has {} on {}, more than there can be", counted(gpus, "GPU"), counted(nodes, "node")))
}

/// No node has more GPUs, split as they may be: seven parts of 16 are 112.
const MOST_GPUS_A_NODE: u64 = 1024;

/// GPUs and nodes of an allocation that nobody can have had: a row that is damaged, or made up.
fn too_many_gpus(allocated: &Tres) -> Option<(u64, u64)> {
    let (gpus, nodes) = (allocated.gpus_total?, allocated.nodes?);
    (gpus > nodes.saturating_mul(MOST_GPUS_A_NODE)).then_some((gpus, nodes))
}

fn no_tariff(site: &Site, partition: Option<&PartitionName>) -> String {
    let near = partition.and_then(|name| near_partition(site, name));
    let near = near.map_or_else(String::new, |near| format!("; the nearest that it knows is `{near}`"));
    let partition = partition.map_or("no partition".to_owned(), |name| format!("partition `{name}`"));
    format!("the profile of `{}` has no tariff for {partition}{near}", site.name())
}

/// Whether a price is more than any machine's: no book takes it.
pub(super) fn is_beyond_any_site(price: &Price) -> bool {
    [&price.gpu, &price.node, &price.site].into_iter().flatten().any(|charge| charge.amount > MOST_OF_ONE)
}

/// What is counted by a number that stands for none.
fn uncountable(tres: &Tres) -> Option<&'static str> {
    let is_none = |count: Option<u64>| count.is_some_and(|count| NO_NUMBERS.contains(&count));
    let by_type = tres.gpus_by_type.values().any(|count| is_none(Some(*count)));
    let counts = [
        (is_none(tres.gpus_total) || by_type, "GPUs"),
        (is_none(tres.nodes), "nodes"),
        (is_none(tres.cpus), "CPUs"),
        (is_none(tres.memory_mib), "MiB"),
    ];
    counts.into_iter().find(|(is_uncountable, _)| *is_uncountable).map(|(_, what)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpus_that_no_node_has_have_no_price() {
        for (tres, expected) in [
            ("cpu=288,gres/gpu=4,node=1", None),
            ("cpu=288,gres/gpu=2048,node=2", None),
            ("cpu=288,gres/gpu=2049,node=2", Some((2049, 2))),
            ("cpu=288,gres/gpu=99999999999,node=1", Some((99_999_999_999, 1))),
            ("cpu=288,gres/gpu=5", None),
        ] {
            assert_eq!(too_many_gpus(&Tres::read(tres).expect(tres)), expected, "{tres}");
        }
    }

    #[test]
    fn numbers_that_stand_for_none_count_nothing() {
        for (tres, what) in [
            ("cpu=288,gres/gpu=4,node=1", None),
            ("cpu=288,gres/gpu=4294967294,node=1", Some("GPUs")),
            ("cpu=288,gres/gpu:gh200=4294967295,node=1", Some("GPUs")),
            ("cpu=288,gres/gpu=4,node=4294967294", Some("nodes")),
            ("cpu=18446744073709551614,node=1", Some("CPUs")),
            ("", None),
        ] {
            assert_eq!(uncountable(&Tres::read(tres).expect(tres)), what, "{tres}");
        }
    }
}
