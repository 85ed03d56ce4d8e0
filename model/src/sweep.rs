//! A sweep: many starts of one program, each with values of its own, as one job.

use crate::{Evaluation, EvaluationStart, Follows, JobId, LinkNumber, ParameterName};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The cells of a job, and how its links work through them. Which link has which cell is fixed with the sweep, but where it follows
/// a chain: there each link takes what is new.
///
/// Of an evaluation a cell is a start of the program, which tells of several points: a model, and each of its tasks.
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
    /// How it evaluates; none where its program does whatever it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<Evaluation>,
    /// The chain whose checkpoints it evaluates as they come; its cells are known once they are there. None where they are with the sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Follows>,
    /// The job whose missing cells these are; none where they were not asked for before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<JobId>,
}

/// What is wanted of a sweep: a cell, or of an evaluation one task of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The place of its cell, from 0.
    pub cell: usize,
    /// What it is called, and its values.
    pub values: Vec<(String, String)>,
}

impl Point {
    /// The task of a point of an evaluation.
    pub fn task(&self) -> Option<&str> {
        self.values.iter().rev().find(|(name, _)| name == "task").map(|(_, value)| value.as_str())
    }
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

    /// What a cell of an evaluation is about; none of another sweep.
    pub fn start_of(&self, cell: usize) -> Option<EvaluationStart<'_>> {
        self.evaluation.as_ref()?;
        EvaluationStart::of(self.cells.get(cell)?)
    }

    /// How many points a cell tells of.
    pub fn points_of(&self, cell: usize) -> usize {
        self.start_of(cell).map_or(1, |start| start.tasks.len())
    }

    /// How many points there are.
    pub fn point_count(&self) -> usize {
        (0..self.cells.len()).map(|cell| self.points_of(cell)).sum()
    }

    /// All points, in the order of their cells.
    pub fn points(&self) -> impl Iterator<Item = Point> {
        (0..self.cells.len()).flat_map(|cell| self.points_at(cell))
    }

    fn points_at(&self, cell: usize) -> Vec<Point> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let Some(start) = self.start_of(cell) else {
            let values = self.parameters.iter().zip(&self.cells[cell]);
            return vec![Point { cell, values: values.map(|(name, value)| pair(name.as_str(), value)).collect() }];
        };
        let step = start.step.map(|step| pair("step", &step.to_string()));
        let of_model: Vec<_> = [pair("model", start.model)].into_iter().chain(step).collect();
        let point =
            |task: &&str| Point { cell, values: of_model.iter().cloned().chain([pair("task", task)]).collect() };
        start.tasks.iter().map(point).collect()
    }

    /// As it is once these checkpoints were taken, which are steps and paths in their order; only of one that follows a chain.
    #[must_use]
    pub fn with_checkpoints<'a>(&self, taken: impl IntoIterator<Item = (u64, &'a str)>) -> Self {
        let Some(follows) = &self.follows else { return self.clone() };
        let starts = |(step, path): (u64, &str)| {
            // Of a model's path the node expands dollars.
            let model = path.replace('$', "$$");
            let start = |tasks: &String| vec![model.clone(), step.to_string(), tasks.clone()];
            follows.tasks.iter().map(start).collect::<Vec<_>>()
        };
        Self { cells: taken.into_iter().flat_map(starts).collect(), ..self.clone() }
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
            evaluation: None,
            follows: None,
            continues: None,
        }
    }

    fn title(point: &Point) -> String {
        point.values.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_points_of_an_evaluation_are_the_tasks_of_each_of_its_starts() {
        let cells = [["7b", "100", "sums,words"], ["7b", "", "sums"]];
        let evaluation = Sweep {
            cells: cells.map(|cell| cell.map(str::to_owned).to_vec()).to_vec(),
            evaluation: Some(Evaluation { harness: crate::Harness::Command, serve: None }),
            ..sweep(0, 1)
        };
        let told: Vec<(usize, String)> = evaluation.points().map(|point| (point.cell, title(&point))).collect();
        let said = [(0, "model=7b step=100 task=sums"), (0, "model=7b step=100 task=words"), (1, "model=7b task=sums")];
        assert_eq!(told, said.map(|(cell, title)| (cell, title.to_owned())));
        assert_eq!((evaluation.point_count(), evaluation.points().next().expect("one").task()), (3, Some("sums")));
        let plain = sweep(2, 1);
        let titles: Vec<String> = plain.points().map(|point| title(&point)).collect();
        assert_eq!(titles, ["lr=1e-4 seed=0", "lr=1e-4 seed=1"]);
    }

    #[test]
    fn the_cells_of_one_that_follows_are_the_checkpoints_that_were_taken() {
        let follows = Follows {
            chain: "train".to_owned(),
            job: None,
            tasks: ["sums,words", "maths"].map(str::to_owned).into(),
            every: None,
        };
        let evaluation = Some(Evaluation { harness: crate::Harness::Command, serve: None });
        let none = Sweep { follows: Some(follows), evaluation, ..sweep(0, 1) };
        assert_eq!(none.with_checkpoints([]).point_count(), 0);
        let two = none.with_checkpoints([(10, "/a/10"), (20, "/$b")]);
        let titles: Vec<_> = two.points().map(|point| (point.cell, title(&point))).collect();
        let said = [
            (0, "model=/a/10 step=10 task=sums"),
            (0, "model=/a/10 step=10 task=words"),
            (1, "model=/a/10 step=10 task=maths"),
            (2, "model=/$$b step=20 task=sums"),
            (2, "model=/$$b step=20 task=words"),
            (3, "model=/$$b step=20 task=maths"),
        ];
        assert_eq!(titles, said.map(|(cell, title)| (cell, title.to_owned())));
        assert_eq!(sweep(2, 1).with_checkpoints([(10, "/a")]), sweep(2, 1), "its cells are its own");
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
