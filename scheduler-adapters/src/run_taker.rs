//! Who takes the runs of an answer as they are read.

use crate::{RejectedRow, RunAnswer, RunBatch};
use async_trait::async_trait;
use model::Run;

/// Takes the rows of an answer one by one.
#[async_trait]
pub trait RunTaker: Send {
    /// Learns the names of the values in a raw row, in order. It is called before the first row.
    fn learn_fields(&mut self, fields: &[String]);

    /// Takes a run. Nothing more is read until this returns, and whoever is asked waits meanwhile, so that it may take as
    /// long as a post into a ledger takes.
    async fn take(&mut self, run: Run);

    /// Takes a row that could not be read.
    fn reject(&mut self, row: RejectedRow);
}

/// Keeps them all.
#[derive(Default)]
pub(crate) struct KeptRuns {
    runs: Vec<Run>,
    rejected: Vec<RejectedRow>,
    fields: Vec<String>,
}

#[async_trait]
impl RunTaker for KeptRuns {
    fn learn_fields(&mut self, fields: &[String]) {
        self.fields = fields.to_vec();
    }

    async fn take(&mut self, run: Run) {
        self.runs.push(run);
    }

    fn reject(&mut self, row: RejectedRow) {
        self.rejected.push(row);
    }
}

impl KeptRuns {
    /// The runs together with the answer that they came with.
    pub(crate) fn with_answer(self, answer: RunAnswer) -> RunBatch {
        let Self { runs, rejected, fields } = self;
        let RunAnswer { cluster, coverage, observed_at } = answer;
        RunBatch { cluster, runs, rejected, coverage, fields, observed_at }
    }
}
