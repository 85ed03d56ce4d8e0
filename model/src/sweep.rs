//! A sweep: many starts of one program, each with values of its own, as one job.

use crate::{LinkNumber, ParameterName};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The cells of a job, and how its links work through them. Which link has which cell is fixed with the sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// The names of its variables, in their order.
    pub parameters: Vec<ParameterName>,
    /// Of each cell the values, one for each parameter.
    pub cells: Vec<Vec<String>>,
    /// How many cells one link works through, from 1.
    pub pack: u32,
    /// How many of them at once, from 1.
    pub side_by_side: u32,
    /// How many links may run at once; none for as many as the site lets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u32>,
}

impl Sweep {
    /// How many links it has: at least one.
    pub fn links(&self) -> LinkNumber {
        let pack = usize::try_from(self.pack.max(1)).unwrap_or(usize::MAX);
        let links = u32::try_from(self.cells.len().div_ceil(pack)).unwrap_or(u32::MAX);
        LinkNumber::new(links).unwrap_or(LinkNumber::FIRST)
    }

    /// The cells of a link, by their places from 0; none of a link that it does not have.
    pub fn cells_of(&self, link: LinkNumber) -> Range<usize> {
        let place = |link: u32| {
            let place = u64::from(link).saturating_mul(u64::from(self.pack.max(1)));
            usize::try_from(place).unwrap_or(usize::MAX).min(self.cells.len())
        };
        place(link.get() - 1)..place(link.get())
    }

    /// The link that works through a cell, by its place from 0.
    pub fn link_of(&self, cell: usize) -> LinkNumber {
        let pack = usize::try_from(self.pack.max(1)).unwrap_or(usize::MAX);
        u32::try_from(cell / pack + 1).ok().and_then(LinkNumber::new).unwrap_or(LinkNumber::FIRST)
    }

    /// A cell in words: `lr=1e-4 seed=2`.
    pub fn title(&self, cell: usize) -> Option<String> {
        let values = self.cells.get(cell)?;
        let pair = |(name, value): (&ParameterName, &String)| format!("{name}={value}");
        Some(self.parameters.iter().zip(values).map(pair).collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sweep(cells: usize, pack: u32) -> Sweep {
        Sweep {
            parameters: ["lr", "seed"].map(|name| name.parse().expect("a name")).into(),
            cells: (0..cells).map(|cell| vec!["1e-4".to_owned(), cell.to_string()]).collect(),
            pack,
            side_by_side: 1,
            at_once: None,
        }
    }

    #[test]
    fn the_last_link_has_what_is_left() {
        let sweep = sweep(7, 3);
        let cells = (1..=4).map(|link| sweep.cells_of(LinkNumber::new(link).expect("not 0"))).collect::<Vec<_>>();
        assert_eq!((sweep.links().get(), cells), (3, vec![0..3, 3..6, 6..7, 7..7]));
        assert_eq!((sweep.title(5).as_deref(), sweep.title(7)), (Some("lr=1e-4 seed=5"), None));
    }

    proptest! {
        #[test]
        fn each_cell_is_of_one_link(cells in 1_usize..400, pack in 1_u32..500) {
            let sweep = sweep(cells, pack);
            let links = (1..=sweep.links().get()).filter_map(LinkNumber::new);
            let worked: Vec<usize> = links.clone().flat_map(|link| sweep.cells_of(link)).collect();
            prop_assert_eq!(worked, (0..cells).collect::<Vec<_>>());
            for link in links {
                prop_assert!(!sweep.cells_of(link).is_empty());
                prop_assert!(sweep.cells_of(link).all(|cell| sweep.link_of(cell) == link));
            }
        }
    }
}
