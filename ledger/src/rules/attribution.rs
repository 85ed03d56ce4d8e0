//! Who pays for a run: its hold, else the most specific binding that covers it, else the most specific rule, else nobody yet.
//! A hold is a run's where its stamp is believed (`stamp.rs`).

use crate::{Binding, Hold, HoldId, ObservedPending, ObservedRun, SettledRun, UnattributedReason};
use model::{AccountName, Amount, PartitionName, Price, ProjectName, SiteName, Timestamp, Unit, UserName};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::cmp::Ordering;

/// What attribution looks at, of a run, a running job, a waiting one or one that is planned.
#[derive(Clone, Copy, Debug)]
pub struct Spender<'a> {
    /// Where.
    pub site: &'a SiteName,
    /// Charged to.
    pub account: Option<&'a AccountName>,
    /// In which partition, by Slurm's name.
    pub partition: Option<&'a PartitionName>,
    /// Whose.
    pub user: &'a UserName,
    /// What people wrote into it; of a run that has ended alone.
    pub words: Option<Words<'a>>,
    /// The instant by which bindings are chosen: the start, or the observation of what has not started.
    pub at: Timestamp,
}

/// What rules go by.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// Where it was told to work, where that is known.
    pub work_directory: Option<&'a str>,
    /// What it is called.
    pub name: &'a str,
}

impl<'a> Spender<'a> {
    pub(crate) fn of_run(settled: &'a SettledRun) -> Self {
        let run = &settled.run;
        Self {
            site: &run.key.site,
            account: run.account.as_ref(),
            partition: run.partition.as_ref(),
            user: &run.user,
            words: Some(Words { work_directory: run.work_directory.as_deref(), name: &run.name }),
            at: run.started_at,
        }
    }

    pub(crate) fn of_running(run: &'a ObservedRun, at: Timestamp) -> Self {
        let (account, partition) = (run.account.as_ref(), run.partition.as_ref());
        Self { site: &run.key.site, account, partition, user: &run.user, words: None, at }
    }

    pub(crate) fn of_pending(pending: &'a ObservedPending, site: &'a SiteName, at: Timestamp) -> Self {
        let (account, partition) = (pending.account.as_ref(), pending.partition.as_ref());
        Self { site, account, partition, user: &pending.user, words: None, at }
    }
}

/// A charge to a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) project: ProjectName,
    pub(crate) unit: Unit,
    pub(crate) amount: Amount,
    pub(crate) hold: Option<HoldId>,
    /// Whether a rule found the project.
    pub(crate) is_by_rule: bool,
}

/// What attribution finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attribution {
    Charged(Charge),
    Unattributed(UnattributedReason),
}

impl Attribution {
    /// Whether both find the same budget, or one in the same unit that has no price.
    pub(crate) fn leads_where(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Charged(one), Self::Charged(other)) => (&one.project, &one.unit) == (&other.project, &other.unit),
            (
                Self::Unattributed(UnattributedReason::NotPriced(one)),
                Self::Unattributed(UnattributedReason::NotPriced(other)),
            ) => one == other,
            _ => false,
        }
    }
}

/// Attributes a price, where it is known. `hold` is the one that the stamp names, where this ledger has it and the stamp is
/// believed: [`Hold::is_drawn_by`].
pub(crate) fn attribute<'a>(
    spender: Spender<'_>,
    price: Option<&Price>,
    hold: Option<&Hold>,
    bindings: impl IntoIterator<Item = &'a Binding>,
) -> Attribution {
    let (project, unit, hold, is_by_rule) = match hold {
        Some(hold) => (&hold.project, &hold.unit, Some(hold.id), false),
        None => match paying(spender, price, bindings) {
            Ok(Some(binding)) => (&binding.project, &binding.unit, None, binding.is_rule()),
            Ok(None) => return Attribution::Unattributed(UnattributedReason::NotBound),
            Err(RulesDisagree) => return Attribution::Unattributed(UnattributedReason::RulesDisagree),
        },
    };
    match price.and_then(|price| price.in_unit(unit)) {
        Some(amount) => {
            let (project, unit) = (project.clone(), unit.clone());
            Attribution::Charged(Charge { project, unit, amount, hold, is_by_rule })
        }
        None => Attribution::Unattributed(UnattributedReason::NotPriced(unit.clone())),
    }
}

/// The charge of a run where it stands already, as long as a binding of that budget covers it: a correction changes how much is
/// paid, and not by whom. Else a second budget would take over each run that is read or priced anew.
pub(crate) fn stay<'a>(
    spender: Spender<'_>,
    price: Option<&Price>,
    (project, unit): (&ProjectName, &Unit),
    bindings: impl IntoIterator<Item = &'a Binding>,
) -> Option<Charge> {
    let is_its = |binding: &&Binding| binding.project == *project && binding.unit == *unit && covers(binding, spender);
    let binding = bindings.into_iter().find(is_its)?;
    let amount = price?.in_unit(unit)?;
    let (project, unit) = (project.clone(), unit.clone());
    Some(Charge { project, unit, amount, hold: None, is_by_rule: binding.is_rule() })
}

/// Two rules of different projects say equally much.
struct RulesDisagree;

/// The binding that counts: the one that names most of person, account and partition; among equals person goes before
/// account before partition, then a unit in which there is a price, then the later start, then the later made. A rule counts
/// only where no other binding covers; of several the one that names most, then the deeper directory, then the longer name.
pub fn payer<'a>(
    spender: Spender<'_>,
    price: &Price,
    bindings: impl IntoIterator<Item = &'a Binding>,
) -> Option<&'a Binding> {
    paying(spender, Some(price), bindings).ok().flatten()
}

/// Whose run it is while nobody knows its price; rules, which need more than that, are left out.
pub(super) fn would_pay<'a>(spender: Spender<'_>, bindings: &'a [Binding]) -> Option<&'a Binding> {
    paying(spender, None, bindings).ok().flatten()
}

fn paying<'a>(
    spender: Spender<'_>,
    price: Option<&Price>,
    bindings: impl IntoIterator<Item = &'a Binding>,
) -> Result<Option<&'a Binding>, RulesDisagree> {
    let has_price = |binding: &Binding| price.is_some_and(|price| price.in_unit(&binding.unit).is_some());
    let covering = bindings.into_iter().enumerate().filter(|(_, binding)| covers(binding, spender));
    let mut best: Option<(Weight, &Binding)> = None;
    let mut is_disputed = false;
    for (number, binding) in covering {
        let weight = ((rank(binding), has_price(binding)), (binding.from, number));
        let Some((known, other)) = &best else {
            best = Some((weight, binding));
            continue;
        };
        match weight.0.cmp(&known.0) {
            Ordering::Less => continue,
            Ordering::Equal => is_disputed |= binding.is_rule() && binding.project != other.project,
            Ordering::Greater => is_disputed = false,
        }
        if weight.1 > known.1 || weight.0 > known.0 {
            best = Some((weight, binding));
        }
    }
    if is_disputed { Err(RulesDisagree) } else { Ok(best.map(|(_, binding)| binding)) }
}

/// What a binding says and whether there is a price for it, and what decides between those that are alike in that.
type Weight = ((Rank, bool), (Timestamp, usize));

/// Whether it is no rule, how many parts it names, which ones, and how exactly.
type Rank = (bool, u8, [bool; 4], usize, usize);

/// How much a binding says. Of two rules that say equally much none counts, where they name different projects: who pays is
/// not guessed.
fn rank(binding: &Binding) -> Rank {
    let named = [
        binding.user.is_some(),
        binding.account.is_some(),
        binding.partition.is_some(),
        binding.work_directory.is_some(),
        binding.name.is_some(),
    ];
    let [user, account, partition, directory, _] = named;
    let depth = binding.work_directory.as_ref().map_or(0, model::DirectoryPrefix::depth);
    let literals = binding.name.as_ref().map_or(0, model::Pattern::literals);
    let count = named.iter().map(|is_named| u8::from(*is_named)).sum();
    (!binding.is_rule(), count, [user, account, partition, directory], depth, literals)
}

fn covers(binding: &Binding, spender: Spender<'_>) -> bool {
    let is_dated = binding.from <= spender.at && binding.to.is_none_or(|to| spender.at < to);
    binding.site == *spender.site
        && is_dated
        && binding.account.as_ref().is_none_or(|account| spender.account.is_some_and(|own| is_slurms(account, own)))
        && binding.partition.as_ref().is_none_or(|partition| Some(partition) == spender.partition)
        && binding.user.as_ref().is_none_or(|user| is_same_user(user, spender.user))
        && (!binding.is_rule() || spender.words.is_some_and(|words| covers_words(binding, words)))
}

/// Whether both name the same account: Slurm keeps accounts in lower case, however they are written to it.
pub(super) fn is_slurms(account: &AccountName, own: &AccountName) -> bool {
    own.as_str().eq_ignore_ascii_case(account.as_str())
}

/// Whether a run's user is this one, as it is written or as Slurm keeps it: in lower case unless a site has `PreserveCaseUser`.
pub(super) fn is_same_user(name: &UserName, own: &UserName) -> bool {
    let (name, own) = (name.as_str(), own.as_str());
    name == own || (name.eq_ignore_ascii_case(own) && !own.bytes().any(|letter| letter.is_ascii_uppercase()))
}

/// An account as Slurm keeps it.
fn folded(account: &AccountName) -> Cow<'_, AccountName> {
    if !account.as_str().bytes().any(|letter| letter.is_ascii_uppercase()) {
        return Cow::Borrowed(account);
    }
    account.as_str().to_ascii_lowercase().parse().map_or(Cow::Borrowed(account), Cow::Owned)
}

fn covers_words(binding: &Binding, words: Words<'_>) -> bool {
    let is_there = |path: &str| binding.work_directory.as_ref().is_none_or(|directory| directory.covers(path));
    let is_below = words.work_directory.map_or(binding.work_directory.is_none(), is_there);
    is_below && binding.name.as_ref().is_none_or(|pattern| pattern.matches(words.name))
}

/// Bindings by the account they name, so that a run is compared with few of them.
#[derive(Debug, Default)]
pub(crate) struct BindingsByAccount {
    any: Vec<Binding>,
    named: FxHashMap<AccountName, Vec<Binding>>,
}

impl BindingsByAccount {
    /// Those that may cover runs of an account. Of equals, the one that was made later still comes later: two equals name
    /// the same account, or none.
    pub(crate) fn of(&self, account: Option<&AccountName>) -> impl Iterator<Item = &Binding> {
        self.any
            .iter()
            .chain(account.and_then(|account| self.named.get(folded(account).as_ref())).into_iter().flatten())
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Binding> {
        self.any.iter().chain(self.named.values().flatten())
    }
}

impl FromIterator<Binding> for BindingsByAccount {
    fn from_iter<T: IntoIterator<Item = Binding>>(bindings: T) -> Self {
        let mut by_account = Self::default();
        for binding in bindings {
            match &binding.account {
                None => by_account.any.push(binding),
                Some(account) => by_account.named.entry(folded(account).into_owned()).or_default().push(binding),
            }
        }
        by_account
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ChargeRule, Tariff, TariffId, Tres, WallTime, price};

    fn name<T: std::str::FromStr<Err = model::NameError>>(text: &str) -> T {
        text.parse().expect("a name")
    }

    /// `user account partition project unit from to [directory name]`, `-` for absent.
    fn binding(line: &str) -> Binding {
        let words: Vec<&str> = line.split_whitespace().collect();
        let given = |at: usize| words.get(at).copied().filter(|word| *word != "-");
        let instant = |text: &str| Timestamp::from_epoch_seconds(text.parse().expect("a number"));
        Binding {
            site: name("horeka"),
            user: given(0).map(name),
            account: given(1).map(name),
            partition: given(2).map(name),
            work_directory: given(7).map(|text| text.parse().expect("a folder")),
            name: given(8).map(|text| text.parse().expect("a pattern")),
            project: name(words[3]),
            unit: words[4].parse().expect("a unit"),
            from: instant(words[5]),
            to: given(6).map(instant),
        }
    }

    fn h100_hour() -> Price {
        let tariff = Tariff {
            id: TariffId("t".to_owned()),
            site: name("horeka"),
            gpu_class: Some("h100".to_owned().try_into().expect("a class")),
            milli_gpus_per_scheduler_gpu: 1000,
            scheduler_gpus_per_node: None,
            is_exclusive: false,
            charge_class: "h100".to_owned().try_into().expect("a class"),
            charge_rule: ChargeRule::Gpus(1000),
            minimum_seconds: 0,
        };
        let tres = Tres::read("cpu=8,gres/gpu=1,node=1").expect("a list");
        price(&tres, WallTime::from_seconds(3600), &tariff).expect("fits")
    }

    #[test]
    fn the_most_specific_binding_pays() {
        let everything = "- - - site horeka:h100 0 -";
        for (lines, payer) in [
            (vec![], "not bound"),
            (vec![everything], "site"),
            (vec![everything, "- hk - account horeka:h100 0 -"], "account"),
            (vec!["- hk - account horeka:h100 0 -", everything], "account"),
            (vec!["ada - - person horeka:h100 0 -", "- hk - account horeka:h100 0 -"], "person"),
            (vec!["ada - - person horeka:h100 0 -", "- hk gpu both horeka:h100 0 -"], "both"),
            (vec![everything, "- HK - account horeka:h100 0 -"], "account"),
            (vec!["Ada - - person horeka:h100 0 -"], "person"),
            (vec!["bob - - person horeka:h100 0 -"], "not bound"),
            (vec!["- other - account horeka:h100 0 -"], "not bound"),
            (vec!["- hk - over horeka:h100 0 100"], "not bound"),
            (vec!["- hk - future horeka:h100 101 -"], "not bound"),
            (vec!["- hk - on-time horeka:h100 100 101"], "on-time"),
            (vec!["- hk - older horeka:h100 0 -", "- hk - newer horeka:h100 50 -"], "newer"),
            (vec!["- hk - first horeka:h100 0 -", "- hk - second horeka:h100 0 -"], "second"),
            (vec!["- hk - h100 horeka:h100 0 -", "- hk - a100 horeka:a100 0 -"], "h100"),
            (vec!["- hk - a100 horeka:a100 0 -"], "not priced in horeka:a100"),
            (vec![everything, "- hk - a100 horeka:a100 0 -"], "not priced in horeka:a100"),
            (vec!["- - - rule horeka:h100 0 - /p/scratch/atlas -"], "rule"),
            (vec!["- - - rule horeka:h100 0 - /p/scratch/atla -"], "not bound"),
            (vec!["- - - rule horeka:h100 0 - - llm-*"], "rule"),
            (vec!["- - - rule horeka:h100 0 - /p/scratch eval-*"], "not bound"),
            (vec!["ada - - rule horeka:h100 101 - - llm-*"], "not bound"),
            (vec![everything, "ada hk gpu rule horeka:h100 0 - /p/scratch llm-*"], "site"),
            (vec!["- - - deep horeka:h100 0 - /p/scratch/atlas -", "- - - wide horeka:h100 0 - /p/scratch -"], "deep"),
            (vec!["- - - long horeka:h100 0 - - llm-7*", "- - - short horeka:h100 0 - - llm*"], "long"),
            (vec!["ada - - person horeka:h100 0 - - l*", "- - - rule horeka:h100 0 - - llm-7b"], "person"),
            (vec!["- - - one horeka:h100 0 - - llm*", "- - - two horeka:h100 0 - - *-7b"], "disputed"),
            (vec!["- - - one horeka:h100 0 - - llm*", "- - - one horeka:h100 5 - - *-7b"], "one"),
            (
                vec![
                    "- - - one horeka:h100 0 - - llm*",
                    "- - - two horeka:h100 0 - - *-7b",
                    "- - - clear horeka:h100 0 - - llm-7b",
                ],
                "clear",
            ),
        ] {
            let bindings: Vec<Binding> = lines.iter().map(|line| binding(line)).collect();
            let (site, user, account, partition) = (name("horeka"), name("ada"), name("hk"), name("gpu"));
            let at = Timestamp::from_epoch_seconds(100);
            let words = Some(Words { work_directory: Some("/p/scratch/atlas/runs"), name: "llm-7b" });
            let (account, partition) = (Some(&account), Some(&partition));
            let spender = Spender { site: &site, user: &user, account, partition, words, at };
            assert_eq!(found(attribute(spender, Some(&h100_hour()), None, &bindings)), payer, "{lines:?}");
            let reversed = found(attribute(spender, Some(&h100_hour()), None, bindings.iter().rev()));
            let is_by_order = payer == "second";
            assert!(is_by_order || reversed == payer, "{lines:?} the other way round: {reversed}");
        }
    }

    fn found(attribution: Attribution) -> String {
        match attribution {
            Attribution::Charged(charge) => charge.project.to_string(),
            Attribution::Unattributed(UnattributedReason::NotBound) => "not bound".to_owned(),
            Attribution::Unattributed(UnattributedReason::RulesDisagree) => "disputed".to_owned(),
            Attribution::Unattributed(UnattributedReason::NotPriced(unit)) => format!("not priced in {unit}"),
        }
    }

    #[test]
    fn what_is_not_known_of_a_run_follows_no_rule() {
        let bindings =
            [binding("- - - rule horeka:h100 0 - /p/scratch -"), binding("- - - rule horeka:h100 0 - - llm-*")];
        let (site, user) = (name("horeka"), name("ada"));
        let spender = Spender {
            site: &site,
            user: &user,
            account: None,
            partition: None,
            words: None,
            at: Timestamp::from_epoch_seconds(100),
        };
        for (words, payer) in [
            (None, "not bound"),
            (Some(Words { work_directory: None, name: "" }), "not bound"),
            (Some(Words { work_directory: None, name: "llm-1" }), "rule"),
            (Some(Words { work_directory: Some("/p/scratch"), name: "" }), "rule"),
        ] {
            let spender = Spender { words, ..spender };
            assert_eq!(found(attribute(spender, Some(&h100_hour()), None, &bindings)), payer, "{words:?}");
        }
    }
}
