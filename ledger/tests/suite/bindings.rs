//! Bindings: two that contradict each other, their end, and the runs that were charged by a wrong one.

use crate::support::*;
use ledger::{Binding, Command, Effect, LedgerErrorKind, Outcome, Paid, Reattribute, SettleOutcome, Unbind};
use model::{ProjectName, Window};

fn other() -> ProjectName {
    name("borealis")
}

fn to_other() -> Binding {
    Binding { project: other(), ..binding() }
}

fn unbind(number: u64, to: i64) -> Command {
    Command::Unbind(Unbind { number, to: at(to) })
}

fn reattribute(from: i64, to: i64) -> Command {
    Command::Reattribute(Reattribute { site: name("jupiter"), window: Window { from: at(from), to: at(to) } })
}

/// Charged to each of the two projects.
async fn used(desk: &Desk) -> [i64; 2] {
    let balances = desk.book.balances(&ledger::BalanceQuery::default(), now()).await.expect("read");
    let of = |project: &ProjectName| {
        let found = balances.iter().find(|balance| balance.project == *project && balance.unit == gh200());
        found.map_or(0, |balance| balance.used.milli())
    };
    [of(&atlas()), of(&other())]
}

#[tokio::test]
async fn two_projects_cannot_pay_for_the_same_runs() {
    let desk = Desk::new();
    desk.post(&[Command::Bind(Binding { to: Some(at(100)), ..binding() })]).await;
    desk.post(&[Command::Bind(Binding { from: at(200), ..binding() })]).await;
    for (binding, is_refused) in [
        (to_other(), true),
        (Binding { from: at(99), to: Some(at(100)), ..to_other() }, true),
        (Binding { from: at(150), ..to_other() }, true),
        (Binding { from: at(100), to: Some(at(200)), ..to_other() }, false),
        (Binding { unit: name("jupiter:core"), ..to_other() }, false),
        (Binding { partition: Some(name("booster")), ..to_other() }, false),
        (Binding { account: None, ..to_other() }, false),
    ] {
        let posted = desk.try_post(&[Command::Bind(binding.clone())]).await;
        let kind = posted.err().map(|error| error.kind);
        assert_eq!(kind, is_refused.then_some(LedgerErrorKind::Conflict), "{binding:?}");
    }
}

#[tokio::test]
async fn a_binding_ends_once_and_at_the_earliest_end() {
    let desk = Desk::new();
    desk.post(&[Command::Bind(Binding { from: at(100), ..binding() })]).await;
    for (number, to, expected) in [
        (9, 300, Err(LedgerErrorKind::Invalid)),
        (1, 99, Err(LedgerErrorKind::Invalid)),
        (1, 300, Ok(Effect::Done)),
        (1, 300, Ok(Effect::AlreadyDone)),
        (1, 400, Err(LedgerErrorKind::Conflict)),
        (1, 200, Ok(Effect::Done)),
        (1, 100, Ok(Effect::Done)),
    ] {
        let answer = desk.try_post(&[unbind(number, to)]).await.map_err(|error| error.kind);
        assert_eq!(answer, expected.map(|effect| vec![Outcome::Unbound(effect)]), "{number} at {to}");
        if let Ok(Effect::Done) = answer.map(|_| Effect::Done) {
            let records = desk.book.bindings().await.expect("read");
            assert_eq!((records[0].number, records[0].terms.to, &records[0].recorded_by), (1, Some(at(to)), &ada()));
        }
    }
    // What was taken back from its beginning is in nobody's way.
    desk.post(&[Command::Bind(to_other())]).await;
    desk.post(&[grant("g1", 1000)]).await;
    desk.settle(foreign(1, 60)).await;
    assert_eq!(used(&desk).await, [0, 60]);
}

#[tokio::test]
async fn runs_that_a_wrong_binding_charged_move_to_the_right_project() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(to_other()), hold(1, 100)]).await;
    desk.settle(foreign(1, 60)).await;
    desk.settle(foreign(2, 7)).await;
    desk.settle(ours(3, 30, 1)).await;
    let mut early = foreign(4, 500);
    early.run.started_at = at(NOW - 50);
    desk.settle(early).await;
    assert_eq!(used(&desk).await, [30, 567]);

    desk.post(&[unbind(1, 0), Command::Bind(binding())]).await;
    assert_eq!(used(&desk).await, [30, 567], "what was charged stays until somebody decides");
    let before = desk.entries().await.len();
    assert_eq!(desk.post(&[reattribute(NOW, NOW + 1000)]).await, [Outcome::Reattributed(2)]);
    assert_eq!(used(&desk).await, [97, 500], "what a hold paid and what started earlier stay");
    let moved = desk.shown_entries().await.split_off(before);
    assert_eq!(moved, ["reattribute 60", "reattribute 60", "reattribute 7", "reattribute 7"]);
    assert_eq!(desk.post(&[reattribute(NOW, NOW + 1000)]).await, [Outcome::Reattributed(0)], "done twice it is once");
    assert_eq!(desk.settle(foreign(1, 60)).await, SettleOutcome::Same);
    desk.verify().await;
}

#[tokio::test]
async fn runs_that_nobody_pays_for_any_more_are_unattributed_again() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    desk.settle(foreign(1, 60)).await;
    desk.post(&[unbind(1, 0), reattribute(0, NOW + 1000)]).await;
    assert_eq!(used(&desk).await, [0, 0]);
    assert_eq!(desk.book.unattributed_count().await, Ok(1));
    let refused = desk.try_post(&[reattribute(5, 5)]).await.expect_err("an empty window");
    assert_eq!(refused.kind, LedgerErrorKind::Invalid);
    desk.verify().await;
}

fn rule(words: &str) -> Binding {
    let mut words = words.split_whitespace();
    let (project, directory, pattern) = (words.next(), words.next(), words.next());
    Binding {
        account: None,
        project: name(project.expect("a project")),
        work_directory: directory.filter(|text| *text != "-").map(|text| text.parse().expect("a folder")),
        name: pattern.map(|text| text.parse().expect("a pattern")),
        ..binding()
    }
}

/// A run of this name in this directory, in an account that nothing binds.
fn found(number: u64, amount: i64, directory: Option<&str>, job: &str) -> ledger::SettledRun {
    let mut settled = foreign(number, amount);
    settled.run.account = Some(name("guests"));
    settled.run.work_directory = directory.map(str::to_owned);
    job.clone_into(&mut settled.run.name);
    settled
}

#[tokio::test]
async fn rules_find_who_pays_for_what_no_binding_covers() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), hold(1, 100)]).await;
    desk.settle(found(1, 1, Some("/p/scratch/atlas/runs"), "eval")).await;
    desk.settle(found(2, 2, None, "llm-7b")).await;
    desk.settle(found(3, 4, Some("/p/home/ada"), "eval")).await;
    desk.settle(found(4, 8, None, "llm-7b|x")).await;
    assert_eq!(desk.book.unattributed_count().await, Ok(4));
    desk.post(&[Command::Bind(rule("atlas /p/scratch/atlas")), Command::Bind(rule("borealis - llm-*"))]).await;
    assert_eq!(used(&desk).await, [1, 10], "what was unattributed is charged at once");
    // A binding of the account goes before them, and so does the stamp.
    desk.post(&[Command::Bind(binding())]).await;
    let mut of_account = found(5, 16, Some("/p/scratch/atlas"), "llm-7b");
    of_account.run.account = Some(name("hai"));
    desk.settle(of_account).await;
    let mut stamped = found(6, 32, None, "llm-7b");
    stamped.run.stamp = Some(stamp(1));
    desk.settle(stamped).await;
    assert_eq!(used(&desk).await, [49, 10]);
    // The stores keep what rules need: charged once more, nothing moves.
    assert_eq!(desk.post(&[reattribute(0, NOW + 1000)]).await, [Outcome::Reattributed(0)]);
    desk.post(&[unbind(1, 0), reattribute(0, NOW + 1000)]).await;
    assert_eq!(used(&desk).await, [48, 10]);
    assert_eq!(desk.book.unattributed_count().await, Ok(2));
    desk.post(&[Command::Bind(rule("borealis /p/scratch"))]).await;
    assert_eq!(used(&desk).await, [48, 11], "its directory is known still");
    desk.verify().await;
}

#[tokio::test]
async fn rules_that_say_equally_much_leave_a_run_to_nobody() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(rule("atlas - llm-*"))]).await;
    let same = desk.try_post(&[Command::Bind(rule("borealis - llm-*"))]).await.expect_err("the same runs");
    assert_eq!(same.kind, LedgerErrorKind::Conflict);
    desk.post(&[Command::Bind(rule("borealis - *eval"))]).await;
    desk.post(&[Command::Bind(rule("borealis - *a-eval"))]).await;
    assert_eq!(desk.settle(found(1, 1, None, "llm-b-eval")).await, SettleOutcome::Unattributed);
    let reasons = desk.book.unattributed().await.expect("read");
    assert_eq!(reasons[0].reason, ledger::UnattributedReason::RulesDisagree);
    desk.settle(found(2, 2, None, "llm-a-eval")).await;
    assert_eq!(used(&desk).await, [0, 2], "the longer name says more");
}

#[tokio::test]
async fn what_a_rule_found_of_an_erased_person_stays() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(rule("atlas - llm-*")), Command::Bind(rule("atlas /p/scratch"))])
        .await;
    let of_eve = |number, amount, directory, job| {
        let mut settled = found(number, amount, directory, job);
        settled.run.user = name("evelyne");
        settled
    };
    desk.settle(of_eve(1, 10, None, "llm-7b")).await;
    desk.settle(of_eve(2, 5, Some("/p/scratch/evelyne"), "train")).await;
    let eve = model::Principal { user: name("evelyne"), site: Some(name("jupiter")) };
    assert_eq!(desk.post(&[Command::Erase(eve)]).await, [Outcome::Erased(Some(2))]);
    assert_eq!(desk.post(&[reattribute(0, NOW + 1000)]).await, [Outcome::Reattributed(0)]);
    desk.settle(read_at(of_eve(2, 7, Some("/p/scratch/evelyne"), "train"), 300)).await;
    assert_eq!(used(&desk).await, [17, 0]);
    desk.verify().await;
    // The binding of an account moves them like any other.
    let bind = Binding { account: Some(name("guests")), ..to_other() };
    desk.post(&[Command::Bind(bind), reattribute(0, NOW + 1000)]).await;
    assert_eq!(used(&desk).await, [0, 17]);
}

#[tokio::test]
async fn a_second_budget_takes_over_no_run_that_is_read_or_priced_anew() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    desk.settle(foreign(1, 60)).await;
    desk.settle(foreign(2, 7)).await;
    // The account spends another unit, too, and a run counts in both.
    desk.post(&[Command::Bind(Binding { unit: name("jupiter:core"), ..to_other() })]).await;
    desk.settle(read_at(foreign(1, 50), 300)).await;
    desk.post(&[Command::Reprice(std::sync::Arc::new(foreign(2, 9)))]).await;
    assert_eq!(used(&desk).await, [59, 0]);
    let units = desk.book.balances(&ledger::BalanceQuery::default(), now()).await.expect("read");
    assert!(units.iter().all(|balance| balance.unit == gh200() || balance.used == milli(0)), "{units:?}");
    // Whoever moves them says so.
    desk.post(&[reattribute(NOW, NOW + 1000)]).await;
    assert_eq!(used(&desk).await, [0, 0]);
    desk.verify().await;
}

/// A person's own budget is in a unit of another kind of node: it has no price for what ran here, and takes nothing over.
#[tokio::test]
async fn a_second_budget_without_a_price_takes_no_run_from_the_one_that_pays() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    desk.settle(foreign(1, 60)).await;
    desk.settle(foreign(2, 7)).await;
    let of_ada =
        Binding { account: Some(name("hai")), user: Some(name("ada")), unit: name("jupiter:a100"), ..to_other() };
    desk.post(&[Command::Bind(of_ada)]).await;
    let paid = |amount| Paid { project: atlas(), unit: gh200(), amount: milli(amount) };
    let corrected = desk.settle(read_at(foreign(1, 50), 300)).await;
    assert_eq!(corrected, SettleOutcome::Corrected { before: Some(paid(60)), after: Some(paid(50)) });
    desk.post(&[Command::Reprice(std::sync::Arc::new(foreign(2, 9)))]).await;
    assert_eq!(used(&desk).await, [59, 0]);
    // What is read for the first time goes by the bindings of today.
    assert!(matches!(desk.settle(foreign(3, 5)).await, SettleOutcome::NotPriced { .. }));
    desk.verify().await;
}

/// Whoever pays for a partition pays for what is found to have run there, whichever reading comes first.
#[tokio::test]
async fn a_correction_goes_where_its_facts_say_in_any_order() {
    let of_large = Binding { partition: Some(name("large")), ..to_other() };
    let mut corrected = read_at(foreign(1, 50), 300);
    corrected.run.partition = Some(name("large"));
    for readings in [vec![foreign(1, 60), corrected.clone()], vec![corrected.clone(), foreign(1, 60)]] {
        let desk = Desk::new();
        desk.post(&[grant("g1", 1000), Command::Bind(binding()), Command::Bind(of_large.clone())]).await;
        for reading in readings {
            desk.settle(reading).await;
        }
        assert_eq!(used(&desk).await, [0, 50]);
        desk.verify().await;
    }
}

#[tokio::test]
async fn an_account_is_bound_in_any_case_of_letters() {
    let desk = Desk::new();
    let loud = Binding { account: Some(name("HAI")), ..binding() };
    desk.post(&[grant("1", 1_000), Command::Bind(loud)]).await;
    assert!(matches!(desk.settle(foreign(1, 100)).await, SettleOutcome::New { .. }), "Slurm writes `hai`");
    let later = Binding { project: name("borealis"), ..binding() };
    let error = desk.try_post(&[Command::Bind(later)]).await.expect_err("the same account");
    assert!(error.why.contains("two cannot pay"), "{error}");
}

on_postgres_too! {
    an_account_is_bound_in_any_case_of_letters,
    a_correction_goes_where_its_facts_say_in_any_order,
    a_second_budget_takes_over_no_run_that_is_read_or_priced_anew,
    a_second_budget_without_a_price_takes_no_run_from_the_one_that_pays,
    rules_find_who_pays_for_what_no_binding_covers,
    rules_that_say_equally_much_leave_a_run_to_nobody,
    two_projects_cannot_pay_for_the_same_runs,
    a_binding_ends_once_and_at_the_earliest_end,
    runs_that_a_wrong_binding_charged_move_to_the_right_project,
    runs_that_nobody_pays_for_any_more_are_unattributed_again,
}
