//! `sacctmgr show user withcoord` and `sacctmgr show configuration`: what accounting shows to the person who asks.
//!
//! `sacct` shows an ordinary person everybody's runs unless `PrivateData` of slurmdbd.conf(5) has `jobs`; then it shows their own,
//! those of accounts that they coordinate, and all of them to operators and administrators.

use crate::{
    AdapterError, AdapterErrorKind, Rights,
    slurm::{SlurmCommands, call::Tool, values},
};
use model::AccountName;
use std::collections::BTreeSet;

const USER: &str = "format=User,AdminLevel,Coord";
/// The line behind which the settings of the accounting database stand; those before it are the controller's.
const DATABASE: &str = "SlurmDBD configuration:";

impl SlurmCommands {
    /// What the person may see; none where accounting does not say.
    pub(super) async fn own_rights(&self) -> Result<Option<Rights>, AdapterError> {
        let user = self.user().await?.to_string();
        let name = format!("name={user}");
        let text = self.ask(Tool::Sacctmgr, &["-n", "-P", "show", "user", &name, "withcoord", USER]).await?;
        let Some((is_operator, accounts)) = read_user(&text, &user).map_err(unreadable)? else { return Ok(None) };
        if is_operator {
            return Ok(Some(Rights::Everybody));
        }
        let text = self.ask(Tool::Sacctmgr, &["show", "configuration"]).await?;
        Ok(match hides_jobs(&text) {
            Some(false) => Some(Rights::Everybody),
            Some(true) => Some(Rights::Accounts(accounts)),
            None => None,
        })
    }
}

fn unreadable(reason: String) -> AdapterError {
    AdapterError::new(AdapterErrorKind::Unreadable, Tool::Sacctmgr.doing()).with("cause", reason)
}

/// Whether a person is an operator, and which accounts they coordinate; none where accounting does not know them.
fn read_user(text: &str, user: &str) -> Result<Option<(bool, BTreeSet<AccountName>)>, String> {
    let row = text.lines().map(|line| line.split('|').collect::<Vec<_>>());
    let Some(values) = row.into_iter().find(|values| values.len() == 3 && values[0] == user) else { return Ok(None) };
    let is_operator = ["operator", "administrator"].iter().any(|level| values[1].eq_ignore_ascii_case(level));
    let names = values[2].split(',').map(str::trim).filter(|name| !name.is_empty());
    let accounts: Result<Vec<Option<AccountName>>, String> = names.map(|name| values::name(name, "account")).collect();
    Ok(Some((is_operator, accounts?.into_iter().flatten().collect())))
}

/// Whether the accounting database hides jobs; none where it does not say.
fn hides_jobs(text: &str) -> Option<bool> {
    let mut lines = text.lines().skip_while(|line| line.trim() != DATABASE);
    let setting = lines.find_map(|line| line.split_once('=').filter(|(name, _)| name.trim() == "PrivateData"));
    setting.map(|(_, hidden)| hidden.split(',').any(|word| word.trim().eq_ignore_ascii_case("jobs")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn operators_and_coordinators_are_told_from_members() {
        let shown = |text: &str| {
            let read = read_user(text, "cleo").expect("a table")?;
            Some((read.0, read.1.iter().map(ToString::to_string).collect::<Vec<_>>().join("+")))
        };
        for (text, expected) in [
            ("cleo|None|hai,other\n", Some((false, "hai+other"))),
            ("cleo|None|\n", Some((false, ""))),
            ("cleo|Operator|\n", Some((true, ""))),
            ("Welcome|to\ncleo|Administrator|hai\n", Some((true, "hai"))),
            ("ada|Administrator|hai\n", None),
            ("", None),
        ] {
            assert_eq!(shown(text), expected.map(|(level, accounts)| (level, accounts.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_the_database_hides_counts_and_not_what_the_controller_hides() {
        let text = |controller: &str, database: &str| {
            format!(
                "Configuration data as of now\nPrivateData            = {controller}\n\nSlurmDBD configuration:\n{database}"
            )
        };
        for (controller, database, expected) in [
            ("jobs", "PrivateData            = jobs,usage,users\n", Some(true)),
            ("jobs", "AuthType               = auth/munge\nPrivateData            = none\n", Some(false)),
            ("none", "PrivateData            = accounts,jobs\n", Some(true)),
            ("none", "PrivateData            = accounts\n", Some(false)),
            ("jobs", "", None),
        ] {
            assert_eq!(hides_jobs(&text(controller, database)), expected, "{controller} {database}");
        }
        assert_eq!(hides_jobs("PrivateData = jobs\n"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "(cleo|\\||PrivateData|SlurmDBD configuration:|=|\n|[a-z, ]){0,60}") {
            drop((read_user(&text, "cleo"), hides_jobs(&text)));
        }
    }
}
