//! Step 10 of the tables, the same of both stores: which holds were open at an instant, without a look at those that were not. A
//! hold of more than a week has an index of its own: the others that were open then are closed within a week, or open still.

pub(crate) const OF_BOTH: &str = "
CREATE INDEX closed_holds ON holds (project, closed_at, opened_at) WHERE closed_at IS NOT NULL;
CREATE INDEX long_holds ON holds (project, closed_at, opened_at) WHERE closed_at - opened_at > 604800;
";
