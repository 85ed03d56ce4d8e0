//! What people enter by hand: `pakt ledger adjust`, `agree`, `delegate`, `hold` and `release`.

use crate::{
    directory::list,
    error::{Gravity, JobsError},
    house::House,
    known::{known_budget, new_project},
    reached::booked,
    withdraw::not_there,
};
use ledger::{
    Adjust, Adjusted, BalanceQuery, Book, CloseHold, CloseReason, Command, Delegate, Effect, Entry, EntryPage, Hold,
    HoldId, NewHold, Outcome, Particulars, Proposal, has_word,
};
use model::{Amount, JobId, Principal, ProjectName, SiteName, Timestamp, Unit, UserName};

/// What is to be adjusted.
#[derive(Clone, Debug)]
pub struct AdjustWish {
    /// Whose.
    pub project: ProjectName,
    /// Of what.
    pub unit: Unit,
    /// What the budget gets; negative where it loses something.
    pub amount: Amount,
    /// When it takes effect.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// Adjusts a budget, or puts the wish down for somebody else to agree to. The answer has its key.
pub async fn adjust(house: &House, wish: AdjustWish) -> Result<(String, Adjusted), JobsError> {
    let what = "nothing was adjusted";
    let book = house.needed_book(what).await?;
    let AdjustWish { project, unit, amount, at, reason } = wish;
    known_budget(house, book.as_ref(), what, &project, &unit).await?;
    // The same in the same words is the same.
    let words = format!("{project}\n{unit}\n{}\n{reason}", amount.milli());
    let key = blake3::hash(words.as_bytes()).to_hex()[..16].to_owned();
    let wish = Adjust { key: key.clone(), project, unit, amount, at, reason };
    match post(house, book.as_ref(), Command::Adjust(wish), what).await? {
        Outcome::Adjusted(adjusted) => Ok((key, adjusted)),
        _ => Err(another_answer(what)),
    }
}

/// Agrees to an adjustment that somebody else wants.
pub async fn agree(house: &House, key: &str) -> Result<Adjusted, JobsError> {
    let what = "nothing was adjusted";
    let book = house.needed_book(what).await?;
    match post(house, book.as_ref(), Command::Agree(key.to_owned()), what).await? {
        Outcome::Adjusted(adjusted) => Ok(adjusted),
        _ => Err(another_answer(what)),
    }
}

/// The adjustments that wait.
pub async fn proposals(house: &House) -> Result<Vec<Proposal>, JobsError> {
    let what = "nothing was listed";
    booked(house.needed_book(what).await?.proposals().await, what)
}

/// What is to be passed on.
#[derive(Clone, Debug)]
pub struct DelegateWish {
    /// Whose.
    pub from: ProjectName,
    /// To whom.
    pub to: ProjectName,
    /// Of what.
    pub unit: Unit,
    /// How much.
    pub amount: Amount,
    /// The number of the grant's decision.
    pub reference: String,
    /// What for.
    pub reason: String,
    /// Whether the other project may be one that the ledger does not know.
    pub is_new_project: bool,
}

/// Passes time on; whether it was entered now.
pub async fn delegate(house: &House, wish: DelegateWish) -> Result<bool, JobsError> {
    let what = "nothing was passed on";
    let book = house.needed_book(what).await?;
    let DelegateWish { from, to, unit, amount, reference, reason, is_new_project } = wish;
    known_budget(house, book.as_ref(), what, &from, &unit).await?;
    new_project(house, book.as_ref(), what, &to, is_new_project).await?;
    let mut grants = booked(book.grants(Some(&from)).await, what)?;
    grants.retain(|grant| grant.terms.unit == unit);
    let Some(grant) = grants.iter().rfind(|grant| grant.terms.reference == reference) else {
        return Err(not_there(what, &from, &unit, &reference, &grants));
    };
    let grant = grant.terms.key.clone();
    let key = format!("{grant}/{to}/{}/{reason}", amount.milli());
    let wish = Delegate { key, from, grant, to, amount, reason };
    match post(house, book.as_ref(), Command::Delegate(wish), what).await? {
        Outcome::Delegated(effect) => Ok(effect == Effect::Done),
        _ => Err(another_answer(what)),
    }
}

/// What is to be reserved.
#[derive(Clone, Debug)]
pub struct HoldWish {
    /// The id of an earlier try, which it repeats.
    pub id: Option<JobId>,
    /// Whose.
    pub project: ProjectName,
    /// Of what.
    pub unit: Unit,
    /// How much.
    pub ceiling: Amount,
    /// What for.
    pub note: String,
    /// Why, whatever is free.
    pub anyway: Option<String>,
}

/// A reservation, and what it did to the budget.
#[derive(Clone, Debug)]
pub struct Reserved {
    /// The hold.
    pub hold: Hold,
    /// By how much the budget is below nothing now; none where it is not.
    pub beyond: Option<Amount>,
}

/// Reserves time for something that no job of Pakt stands for.
pub async fn hold(house: &House, wish: HoldWish) -> Result<Reserved, JobsError> {
    let what = "nothing was reserved";
    let book = house.needed_book(what).await?;
    let HoldWish { id, project, unit, ceiling, note, anyway } = wish;
    if ceiling <= Amount::ZERO {
        let why = "0 hours are nothing that could be reserved";
        return Err(JobsError::usage(what, why, "write how many hours, such as `pakt ledger hold PROJECT 40`"));
    }
    known_budget(house, book.as_ref(), what, &project, &unit).await?;
    let id = HoldId(id.unwrap_or_else(|| house.new_id()));
    let new = NewHold { id, project, unit, ceiling, note, anyway, is_provisional: false, expected: None };
    match post(house, book.as_ref(), Command::Hold(new), what).await? {
        Outcome::Held(hold, _) => Ok(Reserved { beyond: beyond(house, book.as_ref(), &hold).await?, hold }),
        _ => Err(another_answer(what)),
    }
}

/// How far below nothing the budget of a hold is, which stands in any case.
async fn beyond(house: &House, book: &dyn Book, hold: &Hold) -> Result<Option<Amount>, JobsError> {
    let what = "the time is reserved, and the balance was not read";
    let query = BalanceQuery { project: Some(hold.project.clone()), ..BalanceQuery::default() };
    let balances = booked(book.balances(&query, house.clock.now()).await, what)?;
    let Some(balance) = balances.iter().find(|balance| balance.unit == hold.unit) else { return Ok(None) };
    let below = balance.free().and_then(Amount::negated);
    let below = below.map_err(|error| JobsError::new(Gravity::Bug, what, error.to_string(), "please report it"))?;
    Ok((below > Amount::ZERO).then_some(below))
}

/// Ends a reservation that no job needs any more. That of a job here which is not over ends with the job.
pub async fn release(house: &House, id: JobId, of_another: bool) -> Result<Hold, JobsError> {
    let what = "nothing was released";
    let book = house.needed_book(what).await?;
    let jobs = list(&house.state).await?;
    if jobs.iter().any(|job| job.intent.id == id && job.ended.is_none()) {
        let why = format!("job {id} is not over, and its hold ends with it");
        return Err(JobsError::usage(what, why, format!("`pakt cancel {id}` ends the job")));
    }
    let Some(known) = booked(book.hold(HoldId(id)).await, what)? else {
        let why = format!("the ledger has no hold {id}");
        return Err(JobsError::usage(what, why, "`pakt balance` lists the open holds"));
    };
    if known.opened_by.user != house.principal.user && !of_another {
        let why = format!("hold {id} is `{}`'s, whose job may still run", known.opened_by.user);
        return Err(JobsError::usage(
            what,
            why,
            "`--of-another` releases it all the same; a run that comes is charged beyond it",
        ));
    }
    let close = CloseHold { id: HoldId(id), reason: CloseReason::Undone, read_at: None };
    match post(house, book.as_ref(), Command::Close(close), what).await? {
        Outcome::Closed(hold, _) | Outcome::StaysOpen(hold) => Ok(hold),
        _ => Err(another_answer(what)),
    }
}

/// So many entries are looked at together.
const PAGE: u32 = 10_000;

/// So many numbers of entries are told.
const MOST_SHOWN: usize = 10;

/// What was erased of a person.
#[derive(Clone, Debug)]
pub struct Erased {
    /// How many runs are theirs; none where the call only finished an earlier one.
    pub runs: Option<u64>,
    /// The entries in whose notes the name stays.
    pub notes: Vec<u64>,
}

/// Erases a person. Where the name stands in words that are signed, somebody has to say that it may stay there.
pub async fn erase(
    house: &House,
    site: Option<SiteName>,
    user: UserName,
    notes_may_stay: bool,
) -> Result<Erased, JobsError> {
    let what = "nobody was erased";
    let book = house.needed_book(what).await?;
    let notes = notes_with(book.as_ref(), user.as_str()).await?;
    if !notes.is_empty() && !notes_may_stay {
        let shown = notes.iter().take(MOST_SHOWN).map(u64::to_string).collect::<Vec<_>>().join(", ");
        let more = if notes.len() > MOST_SHOWN { ", ..." } else { "" };
        let why =
            format!("the name stands in notes or reasons of {}: {shown}{more}", model::counted(notes.len(), "entry"));
        let next = "what is signed is not changed: say `--notes-stay`, and the name stays in these alone";
        return Err(JobsError::usage(what, why, next));
    }
    let who = Principal { user, site: Some(site.unwrap_or_else(|| house.here.clone())) };
    let outcome = post(house, book.as_ref(), Command::Erase(who.clone()), what).await?;
    let unfinished = "the name is out of every table, and may still stand in freed parts of the file";
    let is_finished = booked(book.finish_erasure().await, unfinished)?;
    match outcome {
        Outcome::Erased(None) if is_finished => Ok(Erased { runs: None, notes }),
        Outcome::Erased(Some(runs)) => Ok(Erased { runs: Some(runs), notes }),
        Outcome::Erased(None) => {
            let why = format!(
                "the ledger knows no `{}` at `{}`",
                who.user,
                who.site.map(|site| site.to_string()).unwrap_or_default()
            );
            Err(JobsError::usage(what, why, "`pakt usage --by person,site` lists those who ran something"))
        }
        _ => Err(another_answer(what)),
    }
}

/// The entries in whose notes and reasons a name stands as a word.
async fn notes_with(book: &dyn Book, name: &str) -> Result<Vec<u64>, JobsError> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let page = EntryPage { after, limit: PAGE };
        let entries = booked(book.entries(page).await, "nobody was erased")?;
        let Some(last) = entries.last() else { return Ok(found) };
        after = last.number;
        let reason = |entry: &Entry| match &entry.particulars {
            Particulars::Terms { anyway: Some(reason), .. } => has_word(reason, name),
            _ => false,
        };
        // An earlier release kept reasons in keys, too.
        let keys = |entry: &Entry| [entry.key.clone(), entry.links.grant.clone()];
        let in_keys = |entry: &Entry| keys(entry).iter().flatten().any(|key| has_word(key, name));
        let is_named = |entry: &&Entry| {
            has_word(&entry.note, name) || reason(entry) || entry.has_words_in_keys() && in_keys(entry)
        };
        let named = entries.iter().filter(is_named);
        found.extend(named.map(|entry| entry.number));
    }
}

pub(crate) async fn post(house: &House, book: &dyn Book, command: Command, what: &str) -> Result<Outcome, JobsError> {
    let posted = book.post(&house.principal, house.clock.now(), std::slice::from_ref(&command)).await;
    booked(posted, what)?.pop().ok_or_else(|| another_answer(what))
}

pub(crate) fn another_answer(what: &str) -> JobsError {
    JobsError::new(Gravity::Bug, what, "the ledger gave another answer", "please report it")
}
