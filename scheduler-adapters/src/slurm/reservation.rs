//! `scontrol show reservation -o`: nodes that are set aside, for maintenance or for somebody.

use crate::{
    Reservation,
    slurm::values::{self, is_absent},
};
use model::Window;
use std::collections::BTreeMap;

/// Reads one line each, `Key=value` words; a line that cannot be read is the error.
pub(super) fn read_reservations(text: &str) -> Result<Vec<Reservation>, String> {
    text.lines().filter(|line| line.starts_with("ReservationName=")).map(read_reservation).collect()
}

fn read_reservation(line: &str) -> Result<Reservation, String> {
    let pairs: BTreeMap<&str, &str> = line.split_whitespace().filter_map(|word| word.split_once('=')).collect();
    let value = |key: &str| pairs.get(key).copied().filter(|value| !is_absent(value)).unwrap_or_default();
    let list = |key: &str| value(key).split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let instant = |key: &str| values::instant(value(key), key)?.ok_or_else(|| format!("{key}: there is none"));
    Ok(Reservation {
        name: value("ReservationName").to_owned(),
        period: Window { from: instant("StartTime")?, to: instant("EndTime")? },
        nodes: value("Nodes").to_owned(),
        node_count: value("NodeCnt").parse().ok(),
        partition: values::name(value("PartitionName"), "partition")?,
        flags: list("Flags"),
        users: list("Users"),
        accounts: list("Accounts"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_recorded_maintenance_is_read() {
        let text = include_str!("../../tests/fixtures/slurm-22.05/scontrol-show-reservation.txt");
        let found = read_reservations(text).expect("as recorded");
        let [maintenance] = found.as_slice() else { panic!("one: {found:?}") };
        assert!(maintenance.is_maintenance() && maintenance.has_all_nodes());
        assert_eq!((maintenance.name.as_str(), maintenance.node_count), ("maint_1", Some(4)));
        let seconds = maintenance.period.to.seconds_since(maintenance.period.from);
        assert_eq!((seconds, maintenance.partition.as_ref()), (7200, None));
        assert_eq!(
            (maintenance.users.as_slice(), maintenance.nodes.as_str()),
            (["root".to_owned()].as_slice(), "jpbo-001-[01-04]")
        );
    }

    #[test]
    fn none_is_none_and_a_time_that_is_none_is_told() {
        assert_eq!(read_reservations("No reservations in the system\n"), Ok(Vec::new()));
        let told = read_reservations("ReservationName=x StartTime=soon EndTime=1795718243\n").expect_err("no time");
        assert!(told.contains("StartTime: `soon`"), "{told}");
        assert!(read_reservations("ReservationName=x StartTime=1795718243\n").is_err(), "no end");
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "(ReservationName=|StartTime=|EndTime=|[A-Za-z]{1,9}=|[0-9:/-]{1,6}|[ \n,]|.){0,60}") {
            drop(read_reservations(&text));
        }

        #[test]
        fn any_bytes_are_answered_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut text = b"ReservationName=".to_vec();
            text.extend(bytes);
            drop(read_reservations(&String::from_utf8_lossy(&text)));
        }
    }
}
