//! What `ci/bench` measures of a ledger from inside a process: it does the work and says how long that took; the sums
//! over repetitions are made by the scripts in `ci/lib`.
//!
//! `PAKT_LEDGER` names the ledger, a file's path or `postgres://...`; keys of a server's log lie in the present folder.
//!
//! ```text
//! figures grant PROJECTS [enforced]
//! figures holds PROJECTS CLIENTS PAIRS RATE
//! figures fill PROJECTS RUNS
//! figures reports PROJECTS REPETITIONS
//! ```

mod books;
mod fill;
mod holds;
mod reports;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    match words[..] {
        ["grant", projects] => runtime.block_on(books::grant(projects.parse()?, false)),
        ["grant", projects, "enforced"] => runtime.block_on(books::grant(projects.parse()?, true)),
        ["holds", projects, clients, pairs, rate] => {
            let (projects, clients) = (projects.parse()?, clients.parse()?);
            runtime.block_on(holds::measure(projects, clients, pairs.parse()?, rate.parse()?))
        }
        ["fill", projects, runs] => runtime.block_on(fill::fill(projects.parse()?, runs.parse()?)),
        ["reports", projects, repetitions] => {
            runtime.block_on(reports::measure(projects.parse()?, repetitions.parse()?))
        }
        // Who runs all benchmarks of the workspace names none: there is nothing to measure without a ledger.
        [] => Ok(()),
        _ => Err(format!("no such words: {}", words.join(" ")).into()),
    }
}
