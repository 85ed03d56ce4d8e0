//! What is posted at once and what is posted one by one: other ways to read and to write, the same rules and the same books.
//!
//! A post that is long is written with many rows to a statement (16 and 4 on a file), in pieces of COPY (512 on a server), with a
//! second thread that hashes and packs (from 256 runs on); and what it says of one run twice it reads from its own memory. One
//! command alone does nothing of that, and one about holds goes yet another way.

use crate::alike::are_alike;
use crate::support::*;
use ledger::{
    Adjust, AmendHold, Binding, Command, LedgerErrorKind, NewCeiling, NewGrant, NewOpening, ObservedRun, Outcome,
    Reattribute, Refund, RunPrice, SettleOutcome, SettledRun, SiteZone,
};
use model::{AmountError, BaseState, Charge, EvidenceClass, JobState, Price, Principal, TariffId, WallTime, Window};
use std::collections::BTreeSet;
use std::sync::Arc;

const DAY: i64 = 86_400;
/// Those that are in the books before.
const EARLIER: u64 = 60;
/// Holds that are there before; runs have the stamps of some more.
const HOLDS: u32 = 24;
const JOBS: u64 = 32;
/// With these the sum of all that was used has room for all runs but the largest ones.
const HUGE_RUNS: u64 = 63;
/// More than any way of writing takes at once.
const AT_ONCE: u64 = 512;

/// Random numbers that a seed repeats (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }

    fn amount(&mut self, most: u64) -> i64 {
        i64::try_from(self.below(most)).expect("small")
    }

    fn hold(&mut self) -> u32 {
        u32::try_from(self.below(JOBS)).expect("small")
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let place = self.below(all.len() as u64);
        all[usize::try_from(place).expect("small")]
    }
}

/// The run of a number as it was first read: whose, how long and for how much follows from the number. Many go over a midnight.
fn a_run(number: u64) -> SettledRun {
    let mut chance = Chance(number);
    let (long, ended_at) = (60 + chance.amount(108_000), NOW - 600 - chance.amount(3_000_000));
    let mut settled = foreign(number, 100 + chance.amount(2_000));
    let run = &mut settled.run;
    run.user = match chance.below(6) {
        0 => name("bob"),
        1 => name("carol"),
        // People whom nobody has met before, in between.
        2 => name(&format!("guest{}", number / 100)),
        _ => name("ada"),
    };
    run.account = chance
        .one_of(&["hai", "hai", "hai", "hai", "hai", "hai", "vision", "vision", "mystery", "odd", ""])
        .parse()
        .ok();
    run.partition = chance.one_of(&["booster", "develbooster", ""]).parse().ok();
    run.state = JobState::of(chance.one_of(&[BaseState::Completed, BaseState::Failed, BaseState::Timeout]));
    run.stamp = (chance.below(3) == 0).then(|| stamp(chance.hold()));
    run.sluid = number.is_multiple_of(3).then(|| format!("s{number}"));
    run.name = format!("train-{}", chance.below(9));
    run.evidence = chance.one_of(&[EvidenceClass::SelfRead, EvidenceClass::SelfRead, EvidenceClass::CoordinatorRead]);
    (run.started_at, run.ended_at, run.observed_at) = (at(ended_at - long), Some(at(ended_at)), at(NOW - 300));
    run.elapsed = WallTime::from_seconds(u64::try_from(long).expect("forwards"));
    run.raw = format!("{number}|{}|{long}", run.name);
    if number.is_multiple_of(17) {
        settled.price = RunPrice::Unknown("no tariff for its partition".to_owned());
    }
    settled
}

/// A reading: of most runs the first, of others another one.
fn a_reading(chance: &mut Chance, runs: &mut u64) -> Command {
    let number = 1 + chance.below(*runs);
    let mut known = a_run(number);
    let kind = chance.below(24);
    match kind {
        0 | 1 => {}
        2 | 3 => known = read_at(known, chance.amount(200)),
        4 => known.price = RunPrice::Known(price(100 + chance.amount(2_000))),
        5 => {
            // It went on for longer than it was said, and cost more.
            let later = known.run.ended_at.map(|ended_at| ended_at.plus_seconds(120));
            known.run.ended_at = later;
            known.price = RunPrice::Known(price(2_100 + chance.amount(500)));
            known = read_at(known, chance.amount(200));
        }
        6 => {
            known.run.state = JobState::of(BaseState::NodeFail);
            known = read_at(known, -10_000);
            known.run.ended_at = Some(at(NOW - 12_000)).max(Some(known.run.started_at));
            known.run.elapsed = WallTime::from_seconds(1);
        }
        7 => {
            known.run.account = Some(name("vision"));
            known = read_at(known, 250);
        }
        8 => known = contradictory(known, chance),
        _ => {
            *runs += 1;
            known = a_run(*runs);
        }
    }
    settle(known)
}

/// A row that contradicts itself, another one, or what numbers can say; or that has the SLUID of a run, if there is one, under another
/// id or another submit time: that of another job is rejected.
fn contradictory(mut settled: SettledRun, chance: &mut Chance) -> SettledRun {
    match chance.below(6) {
        0 => settled.run.ended_at = None,
        1 => (settled.run.ended_at, settled.run.observed_at) = (Some(at(NOW + 400)), at(NOW + 400)),
        2 => settled.run.sluid = Some(format!("s{}", 3 * (1 + chance.below(EARLIER / 3)))),
        3 => settled = huge(read_at(settled, 100)),
        4 => {
            settled.run.key.submitted_at = settled.run.key.submitted_at.plus_seconds(7);
            settled = read_at(settled, 200);
        }
        _ => {
            settled.run.key = run_key(1_000_000 + chance.below(1_000));
            settled = read_at(settled, 200);
        }
    }
    settled
}

/// So large that one more than [`HUGE_RUNS`] does not fit.
fn huge(settled: SettledRun) -> SettledRun {
    let gpu = Some(Charge { unit: gh200(), amount: milli(i64::MAX / 64) });
    SettledRun { price: RunPrice::Known(Price { gpu, node: None, site: None, ..price(1) }), ..settled }
}

/// What people and machines do in between.
fn anything(chance: &mut Chance, runs: &mut u64) -> Command {
    let number = 1 + chance.below(*runs);
    match chance.below(20) {
        0 | 1 => hold(chance.hold(), chance.amount(3_000)),
        2 => Command::Amend(AmendHold {
            id: hold_id(chance.hold()),
            ceiling: NewCeiling::Wanted(milli(chance.amount(3_000))),
        }),
        3 => {
            let ceiling = NewCeiling::Seen { rest: milli(chance.amount(2_000)), why: "another limit".to_owned() };
            Command::Amend(AmendHold { id: hold_id(chance.hold()), ceiling })
        }
        4 | 5 => close(chance.hold()),
        6 | 7 => Command::Refund(Refund {
            run: run_key(number),
            amount: (chance.below(2) == 0).then(|| milli(1 + chance.amount(90))),
            reason: "node failed".to_owned(),
        }),
        8 => Command::Adjust(Adjust {
            key: format!("a{}", chance.below(6)),
            project: atlas(),
            unit: gh200(),
            amount: milli(-17),
            at: at(NOW - DAY),
            reason: "counted twice by the site".to_owned(),
        }),
        9 => {
            let tariff = TariffId(format!("jupiter/booster/2026-11@{:04}", chance.below(9_999)));
            let price = RunPrice::Known(Price { tariff, ..price(100 + chance.amount(900)) });
            Command::Reprice(Arc::new(SettledRun { price, ..a_run(number) }))
        }
        10 => grant(&format!("g{}", chance.below(6)), 5_000),
        11 => {
            let started_at = Some(at(NOW - 2_000));
            let run = ObservedRun { started_at, ..running(2_000_000 + number, Some(stamp(chance.hold())), 5, 90) };
            observe(NOW - chance.amount(900), vec![run], vec![])
        }
        12 => Command::Expire(None),
        13 => cursor("user:ada", NOW - chance.amount(900)),
        14 => Command::Bind(Binding { account: Some(name("mystery")), ..binding() }),
        _ => a_reading(chance, runs),
    }
}

/// Some 1,200 commands.
fn commands(seed: u64) -> Vec<Command> {
    let (mut chance, mut runs) = (Chance(seed), EARLIER);
    // Nothing here reads lists of the tables: all of it is written in one piece.
    let mut all: Vec<Command> = (0..900).map(|_| a_reading(&mut chance, &mut runs)).collect();
    assert!(runs - EARLIER > AT_ONCE, "seed {seed}: {runs} runs");
    all.extend((0..230).map(|_| anything(&mut chance, &mut runs)));
    let window = Window { from: at(NOW - 10 * DAY), to: at(NOW) };
    all.push(Command::Reattribute(Reattribute { site: name("jupiter"), window }));
    all.push(Command::Erase(Principal { user: name("carol"), site: Some(name("jupiter")) }));
    all.extend((0..70).map(|_| a_reading(&mut chance, &mut runs)));
    all
}

/// With budgets that pay for some accounts, holds, an opening, a grant that is over, and some runs.
async fn prepared() -> Desk {
    let desk = Desk::in_memory_with(&counted_from(1));
    let borealis = || name("borealis");
    let over = Window { from: at(NOW - 60 * DAY), to: at(NOW - 10 * DAY) };
    let bound = |account: &str, project, unit: &str| {
        Command::Bind(Binding { account: Some(name(account)), project, unit: name(unit), ..binding() })
    };
    let rule = Binding { account: None, name: Some(name("train-4")), project: borealis(), ..binding() };
    let mut commands = vec![
        Command::SetZone(SiteZone { site: name("jupiter"), zone: name("Europe/Berlin") }),
        grant("base", i64::MAX - 1_000_000_000),
        Command::Grant(NewGrant { window: over, ..new_grant("over", 300_000) }),
        Command::Grant(NewGrant { project: borealis(), ..new_grant("borealis", 1_000_000) }),
        bound("hai", atlas(), "jupiter:gh200"),
        bound("vision", borealis(), "jupiter:gh200"),
        bound("odd", atlas(), "jupiter:h100"),
        Command::Bind(rule),
        Command::Opening(NewOpening { project: borealis(), ..new_opening(70_000, NOW - 20 * DAY) }),
        enforce(true),
    ];
    commands.extend((0..HOLDS).map(|number| hold(number, 250 * i64::from(number))));
    desk.post(&commands).await;
    desk.post(&(1..=EARLIER).map(|number| settle(a_run(number))).collect::<Vec<_>>()).await;
    let largest = |number| settle(huge(ended(foreign(3_000_000 + number, 1), NOW - 5 * DAY)));
    desk.post(&(0..HUGE_RUNS).map(largest).collect::<Vec<_>>()).await;
    desk
}

/// Posts each by itself; what is refused would take a whole post along, and is left out of it.
async fn one_by_one(desk: &Desk, commands: Vec<Command>) -> (Vec<Command>, Vec<Outcome>) {
    use LedgerErrorKind::{Conflict, Invalid, UnknownHold};
    let (mut done, mut outcomes) = (Vec::new(), Vec::new());
    for command in commands {
        match desk.try_post(std::slice::from_ref(&command)).await {
            Ok(outcome) => {
                outcomes.extend(outcome);
                done.push(command);
            }
            Err(error) => assert!(matches!(error.kind, Conflict | Invalid | UnknownHold), "{command:?}: {error:?}"),
        }
    }
    (done, outcomes)
}

/// An outcome in a word or two.
fn word(outcome: &Outcome) -> String {
    let shown = format!("{outcome:?}");
    let mut words = shown.split(|letter: char| !letter.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    let word = words.next().unwrap_or_default().to_owned();
    if word == "Settled" { words.next().unwrap_or_default().to_owned() } else { word }
}

/// Of how many runs the raw rows lie in one chunk, at most: those were written in one piece.
fn most_written_at_once(desk: &Desk) -> u64 {
    let select = |runs: &str| {
        format!("SELECT max(together) FROM (SELECT count(*) AS together FROM {runs} GROUP BY raw_chunk) AS chunks")
    };
    if let Some(database) = &desk.database {
        return database.sql(&select("pakt.runs")).expect("read").parse().expect("a number");
    }
    let file = rusqlite::Connection::open(desk.path()).expect("opened");
    let most = file.query_row(&select("runs"), [], |row| row.get::<_, i64>(0)).expect("read");
    u64::try_from(most).expect("a number")
}

#[tokio::test]
async fn what_is_posted_at_once_comes_to_what_it_comes_to_one_by_one() {
    let seed = 20_261_026;
    let (single, bulk) = (prepared().await, prepared().await);
    let (commands, alone) = one_by_one(&single, commands(seed)).await;
    let at_once = bulk.post(&commands).await;
    assert!(commands.len() > 1_100, "seed {seed}: {} are not refused", commands.len());
    for ((command, alone), at_once) in commands.iter().zip(&alone).zip(&at_once) {
        assert_eq!(alone, at_once, "seed {seed}: {command:?}");
    }
    let words: BTreeSet<String> = alone.iter().map(word).collect();
    for expected in [
        "New",
        "Same",
        "Stale",
        "Corrected",
        "Priced",
        "Covered",
        "Unattributed",
        "NotPriced",
        "Rejected",
        "Held",
        "Amended",
        "Closed",
        "StaysOpen",
        "Refunded",
        "Adjusted",
        "Expired",
        "Reattributed",
        "Erased",
        "Bound",
    ] {
        assert!(words.contains(expected), "seed {seed}: nothing was {expected}: {words:?}");
    }
    assert!(most_written_at_once(&single) <= HUGE_RUNS && most_written_at_once(&bulk) > AT_ONCE);
    let shown = bulk.shown_entries().await;
    assert!(shown.iter().any(|entry| entry.starts_with("overrun")), "nothing went beyond its hold");
    let does_not_fit = SettleOutcome::Rejected { reason: AmountError::Overflow.to_string() };
    assert!(alone.contains(&Outcome::Settled(does_not_fit)), "everything fitted");
    assert_eq!(
        are_alike(&single, &bulk, NOW).await,
        ["proposals", "coverage", "figures of sites", "imports", "bundles"]
    );
    bulk.verify().await;
}

on_postgres_too! { what_is_posted_at_once_comes_to_what_it_comes_to_one_by_one }
