//! `pakt ledger policy`

use crate::commands::Context;
use crate::{failure::Failure, output::Answer};
use jobs::policy::{KnownPolicy, PolicyWish, policy};
use model::{ProjectName, Unit};
use serde_json::json;

/// What a programme lets a project do with its time.
#[derive(Debug, clap::Args)]
pub struct PolicyArguments {
    /// Its name: hard-stop, soft, monthly-jsc, fixed-term, nhr-quarterly, none
    #[arg(long = "policy", value_name = "NAME")]
    pub name: Option<String>,
    /// How far a soft one may be spent, in percent of the grant
    #[arg(long)]
    pub percent: Option<u32>,
    /// What the site does when a fixed term or a quarter is used up: stops, low-priority, unknown
    #[arg(long, value_name = "WHAT")]
    pub used_up: Option<String>,
}

impl From<PolicyArguments> for PolicyWish {
    fn from(PolicyArguments { name, percent, used_up }: PolicyArguments) -> Self {
        Self { name, percent, used_up }
    }
}

/// Arguments of `ledger policy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Policy {
    /// Whose budget
    pub project: ProjectName,
    /// In which unit
    #[arg(long)]
    pub unit: Unit,
    /// The policy; without it the present one is shown
    #[command(flatten)]
    pub wish: PolicyArguments,
}

/// Shows or sets it.
pub(super) async fn run(arguments: Policy, context: &Context) -> Result<Answer, Failure> {
    let Policy { project, unit, wish } = arguments;
    let is_asked = wish.name.is_none();
    let house = if is_asked { context.house_of_ledger().await? } else { context.house().await? };
    let known = policy(&house, &project, &unit, &wish.into()).await?;
    let text = match &known.policy {
        Some(_) => format!("{project} in {unit}: {}\n", shown(&known)),
        None => {
            format!("{project} in {unit}: nobody has said which policy it has; a grant is one amount until its end\n")
        }
    };
    let json = json!({ "version": 1, "project": project, "unit": unit, "policy": known.policy, "zone": known.zone,
                       "is_new": known.is_new });
    Ok(Answer::new(text, json))
}

/// A policy with the zone of its days.
pub(super) fn shown(known: &KnownPolicy) -> String {
    let KnownPolicy { policy, zone, .. } = known;
    policy.map_or_else(String::new, |policy| format!("{policy}; days of {zone}"))
}
