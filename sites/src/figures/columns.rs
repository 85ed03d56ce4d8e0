//! The head of a table: which column is which, in any order.

use super::{
    figure::FigureError,
    text::{Line, quoted},
};

/// The names of the columns, in lower case, as they stand in the first line.
pub(super) struct Columns {
    names: Vec<String>,
    line: u64,
}

impl Columns {
    /// The head with these cells.
    pub(super) fn of<'a>(line: Line<'_>, cells: impl IntoIterator<Item = &'a str>) -> Self {
        let names = cells.into_iter().map(|cell| cell.trim().to_ascii_lowercase().replace([' ', '-'], "_")).collect();
        Self { names, line: line.number }
    }

    /// The place of the column that goes by one of these names; none where there is none. Two of them are a mistake: which one
    /// is meant would be a guess.
    pub(super) fn place(&self, names: &[&str]) -> Result<Option<usize>, FigureError> {
        let mut found = (0..).zip(&self.names).filter(|(_, name)| names.contains(&name.as_str()));
        let first = found.next();
        match (first, found.next()) {
            (Some(_), Some((_, other))) => {
                let what = format!("two columns say `{}`, the second is `{other}`", names[0]);
                Err(FigureError::new(self.line, what, "keep the one that is meant"))
            }
            (first, _) => Ok(first.map(|(place, _)| place)),
        }
    }

    /// The place of a column that has to be there.
    pub(super) fn needed(&self, names: &[&str]) -> Result<usize, FigureError> {
        self.place(names)?.ok_or_else(|| {
            let known: Vec<String> = self.names.iter().map(|name| quoted(name)).collect();
            let what = format!("there is no column `{}`; the columns are {}", names[0], known.join(", "));
            FigureError::new(self.line, what, "the first line names the columns; print the text with its head")
        })
    }

    /// Refuses a row with more or fewer cells than the head has.
    pub(super) fn check(&self, line: Line<'_>, cells: usize) -> Result<(), FigureError> {
        if cells == self.names.len() {
            return Ok(());
        }
        let what = format!("the line has {cells} cells, and line {} names {} columns", self.line, self.names.len());
        Err(FigureError::new(line.number, what, "give the text as it was printed, with no line cut off"))
    }
}
