//! Tables for people: no lines, columns apart, numbers to the right.

use comfy_table::{Cell, CellAlignment, presets};

/// A table.
pub(crate) struct Table {
    rows: comfy_table::Table,
    columns: Vec<String>,
    right: Vec<usize>,
}

impl Table {
    /// A table with these columns.
    pub(crate) fn new(columns: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        Self { rows: table, columns: columns.iter().map(|&name| name.to_owned()).collect(), right: Vec::new() }.headed()
    }

    /// Sets columns (from 0) to the right.
    #[must_use]
    pub(crate) fn right(mut self, columns: &[usize]) -> Self {
        self.right = columns.to_vec();
        self.headed()
    }

    fn headed(mut self) -> Self {
        let header = self.columns.iter().enumerate().map(|(at, name)| {
            let cell = Cell::new(name);
            if self.right.contains(&at) { cell.set_alignment(CellAlignment::Right) } else { cell }
        });
        self.rows.set_header(header.collect::<Vec<_>>());
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().enumerate().map(|(at, text)| {
            let cell = Cell::new(text.replace(['\n', '\t'], " "));
            if self.right.contains(&at) { cell.set_alignment(CellAlignment::Right) } else { cell }
        });
        self.rows.add_row(cells.collect::<Vec<_>>());
    }

    /// The table as text, one line a row.
    pub(crate) fn text(&self) -> String {
        self.rows.lines().map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(&line).trim_end())).collect()
    }
}
