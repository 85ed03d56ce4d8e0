//! What reports ask of a ledger that is full.

use super::books::{NEW_YEAR, YEAR_SECONDS, at, is_monthly, open, posted_at, project};
use ledger::{BalanceQuery, Book, KnownAt, UsageField, UsageFilter, UsageQuery, UsageSpan};
use std::error::Error;
use std::io::Write as _;
use std::time::Instant;

/// Asks each question so many times and prints a line for each answer: what was asked, how many rows came, and how many
/// microseconds it took.
pub(crate) async fn measure(projects: u64, repetitions: u64) -> Result<(), Box<dyn Error>> {
    let book = open()?;
    let mut out = std::io::stdout().lock();
    for number in 0..repetitions * 2 {
        let number = number * 7_919 % projects;
        let policy = if is_monthly(number) { "-monthly" } else { "" };
        let query = BalanceQuery { project: Some(project(number)?), ..BalanceQuery::default() };
        let begun = Instant::now();
        let rows = book.balances(&query, posted_at()).await?.len();
        writeln!(out, "balance{policy} {rows} {}", begun.elapsed().as_micros())?;
        // Half a year on, in the middle of what is in the books.
        let middle = at(NEW_YEAR + YEAR_SECONDS / 2);
        let pasts = [
            ("budget", query.clone(), posted_at()),
            ("budget-as-of", BalanceQuery { as_of: Some(middle), ..query.clone() }, middle),
            // All was posted at one time.
            ("budget-known-at", BalanceQuery { known_at: Some(KnownAt::Instant(posted_at())), ..query }, posted_at()),
        ];
        for (asked, query, now) in pasts {
            let begun = Instant::now();
            let rows = book.budgets(&query, now).await?.len();
            writeln!(out, "{asked}{policy} {rows} {}", begun.elapsed().as_micros())?;
        }
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
