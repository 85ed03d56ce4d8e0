//! Which budget pays: of the project's bindings here, the one that settlement would choose for such a run.

use crate::{
    error::{Gravity, JobsError},
    house::House,
    ledger_view::{Bound, LedgerView},
    nearest::nearest,
};
use ledger::{Binding, Book, Spender, payer};
use model::{
    AccountName, Balance, Completeness, Finding, PartitionName, Price, ProjectName, SiteName, Timestamp, Unit,
};
use std::{collections::BTreeSet, sync::Arc};

/// A settlement counts as fresh for a day: cron settles every hour, and a person who asks for the balance daily.
const FRESH_SECONDS: i64 = 86_400;

/// Who can make the books complete.
const WHO_READS: &str = "a coordinator of the account reads them with `pakt settle --all-users`, or what the site says is \
                         noted with `pakt ledger open --from-site`; `pakt balance` says what is missing";

/// What brings runs a price.
const WHO_PRICES: &str = "add their tariff to the site's profile, and `pakt settle` charges them; `pakt ledger unattributed` \
                          lists them";

/// The ledger's view of a job that is about to be planned.
pub(crate) enum Funding {
    /// It answers.
    Known(Budgets),
    /// There is no ledger.
    NoLedger,
    /// The ledger does not answer; the words say why.
    Unreachable(String),
}

/// The bindings that say something about a job, of its own project and of the others.
pub(crate) struct Budgets {
    view: Arc<LedgerView>,
    book: Arc<dyn Book>,
    project: ProjectName,
    account: Option<AccountName>,
    /// Of every project, for this site, this person and now.
    bindings: Arc<[Binding]>,
}

/// Who is charged for a job of some account, partition and price.
pub(crate) enum Payer<'a> {
    /// Its own project, from the ledger, in this unit.
    Own(&'a Arc<dyn Book>, &'a Unit),
    /// Another one: it is for its account, whatever project the job names.
    Other(&'a Binding),
    /// Nobody yet.
    Nobody,
}

/// What the ledger says about jobs of `project` at `site`, of this person and now; `account` is the one that the job
/// names.
pub(crate) async fn funding(
    house: &House,
    project: &ProjectName,
    site: &SiteName,
    account: Option<&AccountName>,
) -> Result<Funding, JobsError> {
    funding_in(&LedgerView::of(site), house, project, account).await
}

/// The same, for one of many jobs that see the ledger alike.
pub(crate) async fn funding_in(
    view: &Arc<LedgerView>,
    house: &House,
    project: &ProjectName,
    account: Option<&AccountName>,
) -> Result<Funding, JobsError> {
    Ok(match view.bound(house).await? {
        Bound::NoLedger => Funding::NoLedger,
        Bound::Unreachable(why) => Funding::Unreachable(why.clone()),
        Bound::By(book, bindings) => Funding::Known(Budgets {
            view: Arc::clone(view),
            book: Arc::clone(book),
            project: project.clone(),
            account: account.cloned(),
            bindings: Arc::clone(bindings),
        }),
    })
}

/// Whether a binding is for this person at a site at this time.
pub(crate) fn is_for(house: &House, site: &SiteName, now: Timestamp, binding: &Binding) -> bool {
    // Rules are for runs that have ended.
    binding.site == *site
        && !binding.is_rule()
        && binding.from <= now
        && binding.to.is_none_or(|to| now < to)
        && binding.user.as_ref().is_none_or(|user| *user == house.principal.user)
}

impl Funding {
    /// The Slurm account of the project's bindings, for a job that names none; a mistake of the job where they name
    /// several.
    pub(crate) fn account(&self) -> Result<Option<AccountName>, Finding> {
        let Self::Known(budgets) = self else { return Ok(None) };
        let own = budgets.own();
        let accounts: BTreeSet<&AccountName> = own.iter().filter_map(|binding| binding.account.as_ref()).collect();
        if accounts.len() < 2 {
            return Ok(accounts.first().map(|account| (*account).clone()));
        }
        let names = accounts.iter().map(|account| format!("`{account}`")).collect::<Vec<_>>().join(", ");
        Err(Finding::error(
            "scheduler.account",
            format!("the ledger binds project `{}` to several Slurm accounts here: {names}", budgets.project),
            "name the one that pays: `scheduler: { account: NAME }`",
        ))
    }
}

impl Budgets {
    /// The bindings of the job's project.
    fn own(&self) -> Vec<&Binding> {
        let account = self.account.as_ref();
        let is_own = |binding: &&Binding| {
            binding.project == self.project
                && (account.is_none() || binding.account.is_none() || binding.account.as_ref() == account)
        };
        self.bindings.iter().filter(is_own).collect()
    }

    /// Who is charged for a job of this account, partition and price. The project that the job names goes before others.
    pub(crate) fn payer(
        &self,
        house: &House,
        account: Option<&AccountName>,
        partition: Option<&PartitionName>,
        price: &Price,
    ) -> Payer<'_> {
        let spender = Spender {
            site: self.view.site(),
            account,
            partition,
            user: &house.principal.user,
            words: None,
            at: house.clock.now(),
        };
        match (payer(spender, price, self.own()), payer(spender, price, self.bindings.as_ref())) {
            (Some(own), _) => Payer::Own(&self.book, &own.unit),
            (None, Some(other)) if other.project != self.project => Payer::Other(other),
            (None, _) => Payer::Nobody,
        }
    }

    /// Why nothing is held for the job, where its project does not pay; `other` is who is charged instead.
    pub(crate) fn why_not(&self, other: Option<&Binding>) -> String {
        let (Self { project, account, .. }, site) = (self, self.view.site());
        let account = account.as_ref().map_or_else(String::new, |account| format!(" that account `{account}` spends"));
        let mut why = if self.own().is_empty() {
            format!("the ledger has no budget of project `{project}` at `{site}`{account}")
        } else {
            format!("no budget of project `{project}` at `{site}` is for this account and partition")
        };
        if let Some(other) = other {
            why.push_str(&format!("; {} is charged to project `{}`", other.covers(), other.project));
        } else if let Some(near) = self.nearest_project() {
            why.push_str(&format!("; did you mean `{near}`?"));
        }
        why
    }

    /// Refuses a job that names a project without a budget here while an enforced one would be charged for it: without a
    /// hold that budget could be overdrawn.
    pub(crate) async fn refuse_unheld(&self, house: &House, what: &str, other: &Binding) -> Result<(), JobsError> {
        let balances = self.view.balances(house, &self.book, &other.project).await?;
        if !balances.iter().any(|balance| balance.unit == other.unit && balance.is_enforced) {
            return Ok(());
        }
        let why = format!("{}, and that budget is enforced", self.why_not(Some(other)));
        let next = format!("write `project: {}`, or name an account that `{}` spends", other.project, self.project);
        Err(JobsError::new(Gravity::Refused, what, why, next))
    }

    /// Doubts about what the budget calls free.
    pub(crate) async fn doubts(&self, house: &House, unit: &Unit) -> Result<Vec<Finding>, JobsError> {
        let balances = self.view.balances(house, &self.book, &self.project).await?;
        let Some(balance) = balances.iter().find(|balance| balance.unit == *unit) else { return Ok(Vec::new()) };
        Ok(self.doubt_of_age(house, balance).into_iter().chain(self.doubt_of_coverage(balance)).collect())
    }

    /// A doubt where nobody read everybody's runs: others may have used what it calls free.
    fn doubt_of_coverage(&self, balance: &Balance) -> Option<Finding> {
        // Before anything was read at all, that is no news: whoever looks at the balance reads their own runs first.
        (balance.running_as_of.is_some() && !balance.completeness.is_known()).then(|| {
            let (why, next) = match balance.completeness {
                Completeness::Unpriced => ("runs of it have no price yet", WHO_PRICES),
                _ => ("not everybody's runs were read", WHO_READS),
            };
            let said = format!("nobody knows what is free of the budget of `{}`: {why}", self.project);
            Finding::warning("project", said, next)
        })
    }

    /// A doubt where a budget is enforced and was settled long ago: what ran since then may have used what it calls free.
    fn doubt_of_age(&self, house: &House, balance: &Balance) -> Option<Finding> {
        let settled_at = balance.running_as_of.filter(|_| balance.is_enforced);
        settled_at.filter(|at| house.clock.now().seconds_since(*at) > FRESH_SECONDS).map(|at| {
            Finding::warning(
                "project",
                format!("the budget of `{}` is enforced, and was last settled at {at}", self.project),
                "`pakt balance` settles it; a line for cron stands in docs/guides/operator.md",
            )
        })
    }

    /// The project with a budget here whose name is nearest to the one that the job names.
    fn nearest_project(&self) -> Option<&str> {
        let known: BTreeSet<&str> = self.bindings.iter().map(|binding| binding.project.as_str()).collect();
        let known: Vec<&str> = known.into_iter().filter(|known| *known != self.project.as_str()).collect();
        nearest(self.project.as_str(), &known)
    }
}
