//! What reports ask of a ledger that is full.

use super::books::{open, posted_at, project};
use ledger::{BalanceQuery, Book, UsageField, UsageFilter, UsageQuery, UsageSpan};
use std::error::Error;
use std::io::Write as _;
use std::time::Instant;

/// Asks each question so many times and prints a line for each answer: what was asked, how many rows came, and how many
/// microseconds it took.
pub(crate) async fn measure(projects: u64, repetitions: u64) -> Result<(), Box<dyn Error>> {
    let book = open()?;
    let mut out = std::io::stdout().lock();
    for number in 0..repetitions {
        let project = project(number * 7_919 % projects)?;
        let query = BalanceQuery { project: Some(project), ..BalanceQuery::default() };
        let begun = Instant::now();
        let rows = book.balances(&query, posted_at()).await?.len();
        writeln!(out, "balance {rows} {}", begun.elapsed().as_micros())?;
        let begun = Instant::now();
        let rows = book.budgets(&query, posted_at()).await?.len();
        writeln!(out, "budget {rows} {}", begun.elapsed().as_micros())?;
    }
    for _ in 0..repetitions {
        let begun = Instant::now();
        let rows = book.balances(&BalanceQuery::default(), posted_at()).await?.len();
        writeln!(out, "all-balances {rows} {}", begun.elapsed().as_micros())?;
        let begun = Instant::now();
        let rows = usage(&*book).await?;
        writeln!(out, "usage {rows} {}", begun.elapsed().as_micros())?;
    }
    for _ in 0..repetitions.min(3) {
        let begun = Instant::now();
        let verified = book.verify().await?;
        if let Some(finding) = verified.findings.first() {
            return Err(format!("the ledger is not whole: {finding}").into());
        }
        writeln!(out, "verify {} {}", verified.entries, begun.elapsed().as_micros())?;
    }
    Ok(())
}

/// Twelve months of every project.
async fn usage(book: &dyn Book) -> Result<usize, Box<dyn Error>> {
    let span = UsageSpan::Days { from: "2026-01-01".parse()?, to: "2027-01-01".parse()? };
    let by = vec![UsageField::Month, UsageField::Project];
    let query = UsageQuery { span, known_at: None, filter: UsageFilter::default(), by };
    Ok(book.usage(&query).await?.len())
}
