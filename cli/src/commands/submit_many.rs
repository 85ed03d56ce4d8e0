//! `pakt submit` of several jobs: one line for each, one sum of what is held, and every failure.

use super::{
    Context,
    asked::with_costs,
    other_ledgers,
    submit::{self, Anew, Arguments, TaskOptions},
};
use crate::{
    failure::Failure,
    output::{Answer, Table, hold, mistake_text},
    wiring::{self, Decision},
};
use jobs::{
    JobsError,
    job_file::{JobFile, Mistake},
    ledger_marks::meet_other_ledgers,
    submit::{
        Arrays, ManyAnswer, ManySubmission, Member, MemberOutcome, Over, SubmitAnswer, SubmitOutcome, submit_many,
    },
};
use model::{Amount, Factors, SchedulerJobId, SiteChoice, Unit};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Submits them.
pub(super) async fn run(arguments: &Arguments, files: Vec<JobFile>, context: &Context) -> Result<Answer, Failure> {
    let nothing = "nothing was submitted";
    if arguments.watch {
        let why = format!("`--watch` watches one job, and these are {}", files.len());
        return Err(Failure::usage(nothing, why, "submit them, and `pakt watch JOB` watches one of them"));
    }
    let Some(first) = files.first() else {
        return Err(Failure::usage(nothing, "no file holds a job", "name a job file"));
    };
    let wanted = first.spec.site.clone();
    if let Some(other) = files.iter().find(|file| file.spec.site != wanted) {
        let (first, other) = (first.source.path.display(), other.source.path.display());
        let why = format!("`{first}` and `{other}` name different sites, and one call goes to one");
        return Err(Failure::usage(nothing, why, "submit those of each site in a call of their own"));
    }
    if wanted == SiteChoice::Any && wiring::has_choice(&context.general, &context.configuration)? {
        let why = "they may run at any site, and a site is chosen for one job at a time";
        return Err(Failure::usage(nothing, why, "name a site in them, or with `--site`"));
    }
    let house = context.house_to_submit(Some(&wanted)).await?;
    let over = match arguments.anew {
        Anew { again: true, .. } => Over::Again,
        Anew { rest: true, .. } => Over::LeaveOut,
        Anew { .. } => Over::Ask,
    };
    let arrays = match arguments.arrays {
        TaskOptions { no_array: true, .. } => Arrays::None,
        TaskOptions { at_once, .. } => Arrays::Wanted { at_once },
    };
    let answer = submit_many(&house, ManySubmission { files, over, anyway: arguments.anyway.clone(), arrays }).await?;
    let mut shown = shown(&answer);
    shown.notes.extend(arguments.arrays.at_once.and_then(|most| at_once(&answer, most)));
    shown.notes.extend(other_ledgers::notes(meet_other_ledgers(&house).await));
    Ok(with_costs(shown, &house, arguments.costs))
}

fn submitted(answer: &ManyAnswer) -> impl Iterator<Item = &SubmitAnswer> {
    answer.members.iter().filter_map(|member| match &member.outcome {
        MemberOutcome::Submitted(answer) => Some(answer.as_ref()),
        _ => None,
    })
}

fn shown(answer: &ManyAnswer) -> Answer {
    let members = &answer.members;
    let failures: Vec<(&Member, &JobsError)> = members.iter().filter_map(failure).collect();
    let waiting = members.iter().filter(|member| matches!(member.outcome, MemberOutcome::Waits(_))).count();
    let mut notes = notes(answer);
    for (member, error) in &failures {
        notes.push(Failure::said_of_one(&format!("{}: {}", member.path.display(), member.name), error));
    }
    if waiting > 0 {
        notes.push(format!("{waiting} more are held and were not sent; the same command again goes on with them"));
    }
    let json = json!({
        "version": 1,
        "jobs": members.iter().map(member_for_programs).collect::<Vec<_>>(),
        "arrays": arrays(answer).into_iter().map(|(array, tasks)| json!({ "scheduler_job": array, "tasks": tasks })).collect::<Vec<_>>(),
        "held": sums(answer).iter().map(held_for_programs).collect::<Vec<_>>(),
        "advice": answer.advice.iter().map(|(project, advice)| json!({ "project": project, "advice": advice })).collect::<Vec<_>>(),
    });
    let code = Failure::code_of_several(failures.iter().map(|(_, error)| *error));
    Answer::new(text(answer), json).with_notes(notes).with_code(code)
}

/// What `--at-once` does not limit.
fn at_once(answer: &ManyAnswer, most: u32) -> Option<String> {
    let arrays = arrays(answer);
    let alone = submitted(answer).filter(|answer| is_new(answer)).count() - arrays.values().sum::<usize>();
    let each = (arrays.len() > 1).then(|| format!("{most} tasks of each of the {} arrays run at once", arrays.len()));
    let others = (alone > 0).then(|| format!("{alone} of the jobs are in no array, and not limited"));
    let said: Vec<String> = each.into_iter().chain(others).collect();
    (!said.is_empty()).then(|| format!("note: {}", said.join("; ")))
}

fn failure(member: &Member) -> Option<(&Member, &JobsError)> {
    match &member.outcome {
        MemberOutcome::Failed(error) => Some((member, error)),
        _ => None,
    }
}

/// A line for each job, and what they come to.
fn text(answer: &ManyAnswer) -> String {
    let mut table = Table::new(&["job", "scheduler", "name", "file", ""]);
    for Member { path, name, outcome } in &answer.members {
        let (id, scheduler_job, word) = match outcome {
            MemberOutcome::Submitted(answer) => {
                (answer.id.to_string(), answer.scheduler_job.to_string(), word(answer.outcome))
            }
            MemberOutcome::LeftOut => (String::new(), String::new(), "is over, left out"),
            MemberOutcome::Failed(_) => (String::new(), String::new(), "failed"),
            MemberOutcome::Waits(id) => (id.to_string(), String::new(), "held, not sent"),
        };
        table.row([id, scheduler_job, name.to_string(), path.display().to_string(), word.to_owned()]);
    }
    let new = submitted(answer).filter(|answer| is_new(answer)).count();
    let held: Vec<String> = sums(answer).iter().map(held_in_words).collect();
    let held = if held.is_empty() { "nothing".to_owned() } else { held.join(", ") };
    let all = answer.members.len();
    let as_tasks = match arrays(answer).len() {
        0 => String::new(),
        1 => ", as tasks of 1 array".to_owned(),
        several => format!(", as tasks of {several} arrays"),
    };
    let tasks = arrays(answer).values().sum::<usize>();
    let as_tasks = if tasks < new && tasks > 0 { format!(", {tasks} of them{}", &as_tasks[1..]) } else { as_tasks };
    format!("{}\n{new} of {all} jobs submitted now{as_tasks}; held for them: {held}\n", table.text())
}

/// The arrays that were made now, and of how many tasks.
fn arrays(answer: &ManyAnswer) -> BTreeMap<SchedulerJobId, usize> {
    let mut arrays = BTreeMap::new();
    let new = submitted(answer).filter(|answer| is_new(answer)).map(|answer| answer.scheduler_job);
    for id in new.filter(|id| id.task().is_some()) {
        *arrays.entry(id.whole()).or_default() += 1;
    }
    arrays
}

const fn word(outcome: SubmitOutcome) -> &'static str {
    match outcome {
        SubmitOutcome::New => "submitted",
        SubmitOutcome::Resumed => "submitted, begun before",
        SubmitOutcome::Already => "was submitted before",
    }
}

fn is_new(answer: &SubmitAnswer) -> bool {
    answer.outcome != SubmitOutcome::Already
}

/// What is held in a unit for the jobs that were submitted now, and how it comes about: of each kind of job a product.
struct Held<'a> {
    unit: &'a Unit,
    amount: Amount,
    products: Vec<Factors>,
}

/// The most products that a line tells.
const MOST_PRODUCTS: usize = 4;

fn sums(answer: &ManyAnswer) -> Vec<Held<'_>> {
    let new = || submitted(answer).filter(|answer| is_new(answer));
    let mut by_unit: BTreeMap<&Unit, Vec<(Amount, Option<Factors>)>> = BTreeMap::new();
    for (answer, (unit, amount)) in new().filter_map(|answer| Some((answer, answer.hold.as_ref()?))) {
        by_unit.entry(unit).or_default().push((*amount, answer.factors));
    }
    // The ledger has the sum of them already, so that there is one.
    let held = by_unit.into_iter().filter_map(|(unit, jobs)| {
        let amount = Amount::sum(jobs.iter().map(|(amount, _)| *amount)).ok()?;
        Some(Held { unit, amount, products: products(jobs.into_iter().map(|(_, factors)| factors)) })
    });
    held.collect()
}

/// The products of several jobs, alike ones together, in the order in which they come; none where one of them has none.
fn products(factors: impl Iterator<Item = Option<Factors>>) -> Vec<Factors> {
    let mut kinds: Vec<(Factors, usize)> = Vec::new();
    for factors in factors {
        let Some(factors) = factors else { return Vec::new() };
        match kinds.iter_mut().find(|(kind, _)| *kind == factors) {
            Some((_, jobs)) => *jobs += 1,
            None => kinds.push((factors, 1)),
        }
    }
    kinds.into_iter().map(|(kind, jobs)| kind.times(jobs)).collect::<Option<_>>().unwrap_or_default()
}

fn held_in_words(held: &Held<'_>) -> String {
    let sum = hold(held.unit, held.amount);
    if held.products.is_empty() || held.products.len() > MOST_PRODUCTS {
        return sum;
    }
    let products: Vec<String> = held.products.iter().map(|factors| factors.in_words_of(held.unit)).collect();
    format!("{sum} = {}", products.join(" + "))
}

fn held_for_programs(held: &Held<'_>) -> Value {
    json!({ "unit": held.unit, "amount": held.amount, "products": held.products })
}

/// What is to be said beside the lines; what holds for several jobs is said once.
fn notes(answer: &ManyAnswer) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    let mut say = |note: String| {
        if !notes.contains(&note) {
            notes.push(note);
        }
    };
    once_each(submitted(answer).flat_map(|answer| &answer.doubts)).into_iter().for_each(&mut say);
    for answer in submitted(answer) {
        answer.no_hold.iter().for_each(|why| say(format!("note: held for some of them: nothing: {why}")));
        answer.drift.iter().for_each(|drift| say(format!("note: changed by the site: {drift}")));
        answer.notes.iter().for_each(|note| say(format!("note: {note}")));
    }
    for (project, advice) in &answer.advice {
        if advice.is_known() && advice.decision != Decision::Allow {
            say(format!("{} (project {project}, all new jobs together)", submit::said(advice)));
        }
    }
    notes
}

/// Each doubt where it was found first, and how many jobs more it is about.
fn once_each<'a>(doubts: impl Iterator<Item = &'a Mistake>) -> Vec<String> {
    let mut found: Vec<(&Mistake, usize)> = Vec::new();
    for doubt in doubts {
        match found.iter_mut().find(|(first, _)| first.finding == doubt.finding) {
            Some((_, more)) => *more += 1,
            None => found.push((doubt, 0)),
        }
    }
    let told = |(doubt, more): (&Mistake, usize)| {
        let text = mistake_text(doubt);
        if more == 0 { text } else { format!("{text}  (the same of {more} more)\n") }
    };
    found.into_iter().map(told).collect()
}

fn member_for_programs(member: &Member) -> Value {
    let (path, name) = (&member.path, &member.name);
    match &member.outcome {
        MemberOutcome::Submitted(answer) => {
            json!({ "file": path, "name": name, "result": "submitted", "job": submit::for_programs(answer) })
        }
        MemberOutcome::LeftOut => json!({ "file": path, "name": name, "result": "left-out" }),
        MemberOutcome::Waits(id) => json!({ "file": path, "name": name, "result": "held", "id": id }),
        MemberOutcome::Failed(error) => json!({
            "file": path, "name": name, "result": "failed",
            "error": Failure::of_one(error),
        }),
    }
}
