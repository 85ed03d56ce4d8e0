//! `pakt ledger init`, `grant`, `open`, `statement`: what was given, and what became of it.

use crate::{
    bind::{Spender, binding},
    coverage::Selection,
    error::{Gravity, JobsError},
    exceeded::{ExceededOpening, exceeded},
    house::House,
    known::{known_project, known_unit, near_project, new_project},
    known_at::known_by_now,
    policy::{KnownPolicy, PolicyWish, with_grant},
    reached::{booked, reached},
    read_by::{ReadBy, read_by},
};
use ledger::{
    BalanceQuery, Binding, Book, Command, Effect, Gap, GivenLot, Grant, KnownAt, NewGrant, NewOpening, Outcome,
    SetPolicy, check_grant,
};
use model::{Amount, ProgrammeName, ProjectName, Statement, Timestamp, Unit, Window};
use serde::Serialize;

/// What was granted, and which Slurm accounts spend it.
#[derive(Clone, Debug)]
pub struct GrantWish {
    /// To whom.
    pub project: ProjectName,
    /// By whom.
    pub programme: ProgrammeName,
    /// In which unit.
    pub unit: Unit,
    /// How much.
    pub amount: Amount,
    /// For which time.
    pub window: Window,
    /// The number of the decision; the same number again is the same grant.
    pub reference: String,
    /// Its parts, each with its time, where the decision names them; in any order.
    pub lots: Vec<GivenLot>,
    /// What spends it.
    pub spent_by: Spender,
    /// Whether the project is meant to be new, however much its name is like another.
    pub is_new_project: bool,
    /// The policy that the budget gets; the profile of the site says where this does not.
    pub policy: PolicyWish,
}

/// Makes the ledger; one that is there already is left as it is. Whether it was made now.
pub async fn init(house: &House) -> Result<bool, JobsError> {
    let place = house.books.place();
    let what = format!("no ledger was made at `{}`", place.display());
    make_folder(house, &what).await?;
    booked(house.books.create().await, &what)
}

/// Makes the folder of a ledger that lies in a file. A place on a server has the shape of a path, too, and is none.
pub(crate) async fn make_folder(house: &House, what: &str) -> Result<(), JobsError> {
    let place = house.books.place();
    let Some(folder) = place.parent().filter(|_| house.books.is_at_hand()) else { return Ok(()) };
    reached(house.own_files.create_directories(folder, house.state.mode()).await, what)
}

/// What became of a grant.
#[derive(Clone, Debug)]
pub struct Granted {
    /// Whether it was entered now; it stands there already otherwise.
    pub is_new: bool,
    /// The binding that was made with it.
    pub binding: Option<Binding>,
    /// The policy of the budget, and whether it was set with the grant.
    pub policy: KnownPolicy,
    /// Grants of the budget under other numbers that stand over a part of the same time: one decision may be there twice.
    pub beside: Vec<GrantBeside>,
}

/// A grant that stands beside another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantBeside {
    /// The number of its decision.
    pub reference: String,
    /// How much.
    pub amount: Amount,
    /// When it may be spent.
    pub window: Window,
}

/// Enters a grant and the binding that spends it, in one transaction.
pub async fn grant(house: &House, mut wish: GrantWish) -> Result<Granted, JobsError> {
    let what = "the grant was not entered";
    let book = house.needed_book(what).await?;
    known_unit(house, what, &wish.unit)?;
    new_project(house, book.as_ref(), what, &wish.project, wish.is_new_project).await?;
    let grants = booked(book.grants(Some(&wish.project)).await, what)?;
    wish.lots.sort_by_key(|lot| (lot.period.from, lot.period.to));
    let grant = terms(&wish, &grants);
    let beside = beside(&grant, &grants);
    let stands = grants.iter().any(|known| !known.is_withdrawn() && known.terms == grant);
    refuse_another(what, &grant, grants)?;
    let binding = binding_of(house, book.as_ref(), what, &wish).await?;
    if let Some(binding) = binding.as_ref().filter(|_| stands) {
        return Err(refuse_another_binding(&grant, binding));
    }
    let known = with_grant(house, book.as_ref(), what, (&wish.project, &wish.unit), &wish.policy).await?;
    let mut commands = vec![Command::Grant(grant)];
    commands.extend(binding.clone().map(Command::Bind));
    if let (Some(policy), true) = (known.policy, known.is_new) {
        let (project, unit, zone) = (wish.project.clone(), wish.unit.clone(), known.zone.clone());
        commands.push(Command::SetPolicy(SetPolicy { project, unit, policy, zone }));
    }
    let outcomes = booked(book.post(&house.principal, house.clock.now(), &commands).await, what)?;
    let is_new = outcomes.first() == Some(&Outcome::Granted(Effect::Done));
    let is_set = outcomes.last() == Some(&Outcome::PolicySet(Effect::Done));
    Ok(Granted { is_new, binding, policy: KnownPolicy { is_new: is_set, ..known }, beside })
}

/// The grants of the same budget under other numbers, over a part of the same time.
fn beside(grant: &NewGrant, grants: &[Grant]) -> Vec<GrantBeside> {
    let standing = grants.iter().filter(|known| !known.is_withdrawn()).map(|known| &known.terms);
    let others = standing.filter(|known| known.unit == grant.unit && known.reference != grant.reference);
    let overlaps = |known: &&NewGrant| known.window.from < grant.window.to && grant.window.from < known.window.to;
    let told = |known: &NewGrant| GrantBeside {
        reference: known.reference.clone(),
        amount: known.amount,
        window: known.window,
    };
    others.filter(overlaps).map(told).collect()
}

fn terms(wish: &GrantWish, known: &[Grant]) -> NewGrant {
    let key = key_of(wish, known);
    // One that was withdrawn whole stands in nobody's way: the same number may be entered as it should have been.
    let is_gone = |key: &str| known.iter().any(|known| known.terms.key == key && known.is_withdrawn());
    let again = (2..).map(|times: u64| format!("{key}#{times}"));
    let key = std::iter::once(key.clone()).chain(again).find(|key| !is_gone(key)).unwrap_or(key);
    NewGrant {
        key,
        project: wish.project.clone(),
        programme: wish.programme.clone(),
        unit: wish.unit.clone(),
        amount: wish.amount,
        window: wish.window,
        reference: wish.reference.clone(),
        lots: wish.lots.clone(),
    }
}

/// The key of a grant: of whose it is and of what was typed as its number, which is a person's words. A grant that an earlier release
/// entered keeps the key that has the words.
fn key_of(wish: &GrantWish, known: &[Grant]) -> String {
    let GrantWish { project, unit, reference, .. } = wish;
    let earlier = format!("grant/{project}/{unit}/{reference}");
    let again = format!("{earlier}#");
    if known.iter().any(|known| known.terms.key == earlier || known.terms.key.starts_with(&again)) {
        return earlier;
    }
    let words = format!("{project}\n{unit}\n{reference}");
    format!("grant/{}", &blake3::hash(words.as_bytes()).to_hex()[..KEY_DIGITS])
}

/// So many digits of a digest are a key.
const KEY_DIGITS: usize = 32;

/// Refuses a grant that contradicts itself, or one whose number stands in the ledger with other terms.
fn refuse_another(what: &str, grant: &NewGrant, grants: Vec<Grant>) -> Result<(), JobsError> {
    let standing = grants.into_iter().filter(|known| !known.is_withdrawn());
    let others: Vec<NewGrant> = standing.map(|known| known.terms).collect();
    let Some(known) = others.iter().find(|known| known.key == grant.key) else {
        let faults = check_grant(grant, &grant.lots, &others);
        let why = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        return faults.first().map_or(Ok(()), |first| Err(JobsError::usage(what, why, first.next())));
    };
    if known == grant {
        return Ok(());
    }
    let why = format!(
        "grant `{}` of `{}` is in the ledger with {}, {} to {}, by {}",
        known.reference,
        known.project,
        known.amount.in_hours_of(&known.unit),
        known.window.from,
        known.window.to,
        known.programme
    );
    let next = "a further grant needs a number of its own: `--reference NUMBER`; one that was entered by mistake is taken back: `pakt ledger withdraw`";
    Err(JobsError::usage(what, why, next))
}

/// The same grant again is no news, and says nothing of who spends it: a slip of the pen there would let others charge it.
fn refuse_another_binding(grant: &NewGrant, binding: &Binding) -> JobsError {
    let (reference, project, unit) = (&grant.reference, &grant.project, &grant.unit);
    let why =
        format!("grant `{reference}` of `{project}` is in the ledger, and {} is not charged to it", binding.covers());
    let next =
        format!("`pakt ledger bind {project} --unit {unit}` with the same words lets that be charged, if it is meant");
    JobsError::usage("nothing was entered", why, next)
}

/// The binding that is made with a grant; none where one of the kind stands already, or more is given to a budget that
/// somebody spends already.
async fn binding_of(
    house: &House,
    book: &dyn Book,
    what: &str,
    wish: &GrantWish,
) -> Result<Option<Binding>, JobsError> {
    let now = house.clock.now();
    let records = booked(book.bindings().await, what)?;
    let standing = records.into_iter().map(|record| record.terms).filter(|known| known.to.is_none_or(|to| now < to));
    let mut own = standing.filter(|known| known.project == wish.project && known.unit == wish.unit).peekable();
    if wish.spent_by.is_unsaid() && own.peek().is_some() {
        return Ok(None);
    }
    let binding = binding(house, what, &wish.project, &wish.unit, wish.spent_by.clone(), wish.window.from)?;
    let is_bound = own
        .any(|known| known.from <= binding.from && Binding { from: binding.from, to: binding.to, ..known } == binding);
    Ok((!is_bound).then_some(binding))
}

/// What became of an opening.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    /// What the ledger had of the runs that ended by then.
    pub known: Amount,
    /// What was entered besides.
    pub entered: Amount,
    /// Whether it was entered now; it stands there already otherwise.
    pub is_new: bool,
}

/// Says what was used of a budget until an instant, in all: what the ledger does not know of it is entered.
pub async fn open(
    house: &House,
    project: ProjectName,
    unit: Unit,
    used_before: Amount,
    as_of: Timestamp,
    note: String,
) -> Result<Opened, JobsError> {
    let what = "the opening was not entered";
    let book = house.needed_book(what).await?;
    known_unit(house, what, &unit)?;
    known_project(house, book.as_ref(), what, &project).await?;
    let opening = Command::Opening(NewOpening { project, unit, used_before, since: None, as_of, note });
    let outcomes = booked(book.post(&house.principal, house.clock.now(), &[opening]).await, what)?;
    let Some(Outcome::Opened { known, entered, effect }) = outcomes.first() else {
        return Err(JobsError::new(Gravity::Bug, what, "the ledger gave another answer", "please report it"));
    };
    Ok(Opened { known: *known, entered: *entered, is_new: *effect == Effect::Done })
}

/// A statement, and what may belong into it that nobody read.
pub struct StatementFound {
    /// The statement.
    pub statement: Statement,
    /// The runs that nobody read.
    pub gaps: Vec<Gap>,
    /// On whose word it stands.
    pub read_by: Vec<ReadBy>,
    /// That runs exceed the opening which the budget has now; none of an earlier state of the books, which nobody knows.
    pub exceeded: Vec<ExceededOpening>,
}

/// A project's statement in a unit.
pub async fn statement(
    house: &House,
    project: &ProjectName,
    unit: &Unit,
    window: Window,
    known_at: Option<KnownAt>,
) -> Result<StatementFound, JobsError> {
    let what = "the statement was not read";
    let book = house.needed_book(what).await?;
    known_by_now(house, book.as_ref(), what, known_at).await?;
    let statement = booked(book.statement(project, unit, window, known_at).await, what)?;
    if statement.lines.is_empty() && statement.opening == Amount::ZERO {
        let query = BalanceQuery { project: Some(project.clone()), ..BalanceQuery::default() };
        let known = booked(book.balances(&query, house.clock.now()).await, what)?;
        if !known.iter().any(|balance| balance.unit == *unit) {
            let why = format!("the ledger has no entry of it in {unit}");
            let near = near_project(house, book.as_ref(), what, project).await?;
            let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
            let next = format!("{near}`pakt balance` lists the projects and units it knows");
            return Err(JobsError::usage(format!("project `{project}` has no statement"), why, next));
        }
    }
    let selection =
        Selection { project: Some(project.clone()), unit: Some(unit.clone()), known_at, ..Selection::default() };
    let until_now = Window { to: window.to.min(house.clock.now()), ..window };
    let gaps = selection.gaps(book.as_ref(), what, house.clock.now(), &|_| Ok(until_now)).await?;
    let read_by = read_by(book.as_ref(), what, &selection, &|_| Ok(until_now)).await?;
    let is_its = |of: &ProjectName, in_unit: &Unit| known_at.is_none() && of == project && in_unit == unit;
    let exceeded = exceeded(book.as_ref(), what, is_its).await?;
    Ok(StatementFound { statement, gaps, read_by, exceeded })
}
