//! Trackable resources: accounting writes their numbers, people read their names.

use crate::calls::{Accounting, CallError};
use std::collections::HashMap;

/// `TRES_NODE` of `slurmdb.h`, fixed in all releases.
const NODES: u32 = 4;
/// `TRES_MEM`, whose counts are MiB.
const MEMORY: u32 = 2;

/// `NO_VAL64`: a count from here on was never set, or has no limit.
const NO_COUNT: u64 = u64::MAX - 1;

/// The names of this cluster's resources.
pub(crate) struct Resources(HashMap<u32, String>);

impl Resources {
    pub(crate) fn ask(accounting: &Accounting) -> Result<Self, CallError> {
        let found = accounting.resources()?;
        let named = found.records().into_iter().map(|resource| {
            let (kind, name) = (resource.text(|resource| resource.type_), resource.text(|resource| resource.name));
            let shown = if name.is_empty() { kind.into_owned() } else { format!("{kind}/{name}") };
            (resource.id, shown)
        });
        Ok(Self(named.collect()))
    }

    /// A list of numbers, `1=288,4=1,1001=4`, in names and in their order: `cpu=288,gres/gpu=4,node=1`. A number that
    /// accounting has no name for stays a number.
    pub(crate) fn named(&self, list: &str) -> String {
        let mut named: Vec<String> = counts(list)
            .map(|(id, count)| {
                let unit = if id == MEMORY { "M" } else { "" };
                let name = self.0.get(&id).cloned().unwrap_or_else(|| id.to_string());
                format!("{name}={count}{unit}")
            })
            .collect();
        named.sort_unstable();
        named.join(",")
    }

    /// The nodes in a list of numbers.
    pub(crate) fn nodes(list: &str) -> u64 {
        counts(list).find(|(id, _)| *id == NODES).map_or(0, |(_, count)| count)
    }
}

fn counts(list: &str) -> impl Iterator<Item = (u32, u64)> {
    list.split(',').filter_map(|part| {
        let (id, count) = part.split_once('=')?;
        Some((id.parse().ok()?, count.parse().ok().filter(|count| *count < NO_COUNT)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn resources() -> Resources {
        let names = [(1, "cpu"), (2, "mem"), (4, "node"), (5, "billing"), (1001, "gres/gpu")];
        Resources(names.into_iter().map(|(id, name)| (id, name.to_owned())).collect())
    }

    #[test]
    fn numbers_become_names() {
        let named = resources().named("1=288,2=860000,3=18446744073709551614,4=1,5=288,1001=4,77=3");
        assert_eq!(named, "77=3,billing=288,cpu=288,gres/gpu=4,mem=860000M,node=1");
        assert_eq!((Resources::nodes("1=288,4=12"), Resources::nodes("")), (12, 0));
        assert_eq!(resources().named(""), "");
    }

    proptest! {
        #[test]
        fn any_list_is_answered_without_panic(list in "([0-9]{1,22}|[,=x]){0,12}") {
            drop((resources().named(&list), Resources::nodes(&list)));
        }
    }
}
