//! The price of a run, or why there is none.

use ledger::RunPrice;
use model::{PartitionName, Run, Tres, price};
use sites::{Site, tariff_for};

/// What Slurm writes where a number is not set or has no limit: `NO_VAL` and `INFINITE` of slurm.h, in 32 and 64 bits.
const NO_NUMBERS: [u64; 4] = [0xffff_fffe, 0xffff_ffff, u64::MAX - 1, u64::MAX];

/// The price of a run at a site, by what it was allocated.
pub(crate) fn price_of(site: &Site, run: &Run) -> RunPrice {
    if let Some(what) = uncountable(&run.allocated) {
        return RunPrice::Unknown(format!("its row has no number of {what}"));
    }
    let Some(tariff) = tariff_for(site, run.partition.as_ref(), &run.allocated) else {
        return RunPrice::Unknown(no_tariff(site, run.partition.as_ref()));
    };
    match price(&run.allocated, run.elapsed, &tariff) {
        Ok(price) => RunPrice::Known(price),
        Err(error) => RunPrice::Unknown(error.to_string()),
    }
}

fn no_tariff(site: &Site, partition: Option<&PartitionName>) -> String {
    let partition = partition.map_or("no partition".to_owned(), |name| format!("partition `{name}`"));
    format!("the profile of `{}` has no tariff for {partition}", site.name())
}

/// What is counted by a number that stands for none.
pub(super) fn uncountable(tres: &Tres) -> Option<&'static str> {
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
