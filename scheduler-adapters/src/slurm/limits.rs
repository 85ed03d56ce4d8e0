//! `scontrol show assoc_mgr -o`: limits with what is taken of them, as the controller counts them now.
//!
//! A record is a line of `Key=value` words; a limit is `most(used)`, `N(used)` where none is set, and lists of resources
//! have one of them each. Limits of each person and each account of a QOS stand in braces behind their names.

use crate::{Limit, LimitHolder};
use model::{AccountName, QosName, UserName};

/// Whose limits are wanted.
pub(super) struct Wanted<'a> {
    pub(super) user: &'a UserName,
    pub(super) account: Option<&'a AccountName>,
    pub(super) qos: &'a [QosName],
}

/// What begins the limits of each account and each person in the record of a QOS (22.05 to 25.11).
const BLOCKS: [&str; 2] = ["Account Limits=", "User Limits="];

/// The limits that are set, in the order of the answer. The error says that it is no such answer.
pub(super) fn read_limits(text: &str, wanted: &Wanted<'_>) -> Result<Vec<Limit>, String> {
    if !text.contains("Association Manager") {
        return Err("the answer does not begin as one".to_owned());
    }
    let user_id = text.lines().find_map(|line| id_of(line, wanted.user));
    let mut limits = Vec::new();
    for line in text.lines() {
        if line.starts_with("ClusterName=") {
            read_association(line, wanted, &mut limits);
        } else if let Some(qos) = line.strip_prefix("QOS=") {
            read_qos(qos, wanted, user_id, &mut limits);
        }
    }
    Ok(limits)
}

/// The limits that an account above a job's shares out among all below it, in the order of the answer. Those of each job and of
/// each person are the lower accounts' own, where they have none themselves: Slurm hands them down.
pub(super) fn read_limits_above(text: &str, account: &AccountName) -> Vec<Limit> {
    let mut limits = Vec::new();
    for line in text.lines().filter(|line| is_of_account(line, account)) {
        read_words(line, &LimitHolder::AccountAbove(account.clone()), &mut limits);
    }
    limits.retain(|limit| limit.name.starts_with("Grp"));
    limits
}

/// The account that an account is below, of `ParentAccount=faculty(9)` in its own record; none for the uppermost, and where the
/// record may not be seen.
pub(super) fn account_above(text: &str, account: &AccountName) -> Option<AccountName> {
    let line = text.lines().find(|line| is_of_account(line, account))?;
    word_of(line, "ParentAccount=")?.split('(').next()?.parse().ok()
}

/// Whether a line is the record of an account itself, and not of a person in it.
fn is_of_account(line: &str, account: &AccountName) -> bool {
    line.starts_with("ClusterName=")
        && word_of(line, "Account=") == Some(account.as_str())
        && word_of(line, "UserName=") == Some("")
}

/// The number of a person, of `UserName=ada(1001)` in an association of theirs.
fn id_of<'line>(line: &'line str, user: &UserName) -> Option<&'line str> {
    let (name, id) = word_of(line, "UserName=")?.split_once('(')?;
    (name == user.as_str()).then(|| id.trim_end_matches(')'))
}

fn word_of<'line>(line: &'line str, key: &str) -> Option<&'line str> {
    line.split_whitespace().find_map(|word| word.strip_prefix(key))
}

fn read_association(line: &str, wanted: &Wanted<'_>, limits: &mut Vec<Limit>) {
    let Some(account) = wanted.account.filter(|account| word_of(line, "Account=") == Some(account.as_str())) else {
        return;
    };
    let holder = match word_of(line, "UserName=").unwrap_or_default() {
        "" => LimitHolder::Account(account.clone()),
        user if user.split('(').next() == Some(wanted.user.as_str()) => LimitHolder::PersonInAccount(account.clone()),
        _ => return,
    };
    read_words(line, &holder, limits);
}

fn read_qos(text: &str, wanted: &Wanted<'_>, user_id: Option<&str>, limits: &mut Vec<Limit>) {
    let name = text.split(['(', ' ']).next().unwrap_or_default();
    let Some(qos) = wanted.qos.iter().find(|qos| qos.as_str() == name) else { return };
    let own = BLOCKS.iter().filter_map(|block| text.find(block)).min().unwrap_or(text.len());
    read_words(&text[..own], &LimitHolder::Qos(qos.clone()), limits);
    let is_account = |name: &str| wanted.account.is_some_and(|account| account.as_str() == name);
    let is_person = |name: &str| {
        let (name, id) = name.split_once('(').map_or((name, name), |(name, id)| (name, id.trim_end_matches(')')));
        name == wanted.user.as_str() || user_id == Some(id)
    };
    for braces in text[own..].split('}') {
        let Some((head, words)) = braces.split_once('{') else { continue };
        let head = head.trim_end_matches('=');
        let name = head.split(['=', ' ', ',']).next_back().unwrap_or_default();
        if words.contains("PA=") && is_account(name) {
            read_words(words, &LimitHolder::AccountInQos(qos.clone()), limits);
        } else if words.contains("PU=") && is_person(name) {
            read_words(words, &LimitHolder::PersonInQos(qos.clone()), limits);
        }
    }
}

/// The limits among the words of a record: those whose names begin as limits do, and which are set.
fn read_words(text: &str, holder: &LimitHolder, limits: &mut Vec<Limit>) {
    for (name, value) in text.split_whitespace().filter_map(|word| word.split_once('=')) {
        if !["Grp", "Max", "Min"].iter().any(|begin| name.starts_with(begin)) || name == "MinPrioThresh" {
            continue;
        }
        let parts = value.split(',').filter(|part| !part.is_empty());
        for part in parts {
            let (resource, amount) = part.rsplit_once('=').unwrap_or(("", part));
            let (most, used) = amount.split_once('(').map_or((amount, ""), |(most, used)| (most, used));
            let Ok(most) = most.parse() else { continue };
            let used = used.trim_end_matches(')').split('.').next().and_then(|used| used.parse().ok());
            let (name, resource) = (name.to_owned(), resource.to_owned());
            limits.push(Limit { holder: holder.clone(), name, resource, most, used });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<Limit>, String> {
        let (user, account) = ("pakt-ada".parse().expect("a user"), "atlas".parse().expect("an account"));
        let qos = ["normal".parse().expect("a QOS")];
        read_limits(text, &Wanted { user: &user, account: Some(&account), qos: &qos })
    }

    fn shown(limits: &[Limit]) -> Vec<(String, &str, u64, Option<u64>)> {
        let holder = |limit: &Limit| match &limit.holder {
            LimitHolder::Qos(_) => "qos",
            LimitHolder::PersonInQos(_) => "person in qos",
            LimitHolder::AccountInQos(_) => "account in qos",
            LimitHolder::Account(_) => "account",
            LimitHolder::AccountAbove(_) => "account above",
            LimitHolder::PersonInAccount(_) => "person",
        };
        limits
            .iter()
            .map(|limit| (format!("{} {}", holder(limit), limit.name), limit.resource.as_str(), limit.most, limit.used))
            .collect()
    }

    #[test]
    fn recorded_limits_are_read_with_what_is_taken() {
        let limits = read(include_str!("../../tests/fixtures/slurm-22.05/scontrol-show-assoc-mgr.txt")).expect("one");
        let expected = [
            ("account GrpJobs", "", 5, Some(1)),
            ("account GrpTRESMins", "gres/gpu", 600, Some(0)),
            ("qos GrpTRESMins", "gres/gpu", 60_000, Some(0)),
            ("qos MaxWallPJ", "", 720, None),
            ("person in qos MaxJobsPU", "", 8, Some(1)),
            ("person in qos MaxTRESPU", "gres/gpu", 32, Some(16)),
        ];
        let expected = expected.map(|(name, resource, most, used)| (name.to_owned(), resource, most, used));
        assert_eq!(shown(&limits), expected);
    }

    #[test]
    fn an_account_above_shares_out_its_own_and_names_the_next() {
        let text = "Current Association Manager state\n\
                    ClusterName=j Account=faculty UserName= ParentAccount=root(1) GrpJobs=1(1) GrpTRES=cpu=N(0),gres/gpu=8(4) MaxJobs=3\n\
                    ClusterName=j Account=faculty UserName=pakt-ada(1001) ParentAccount= GrpJobs=7(0)\n\
                    ClusterName=j Account=root UserName= ParentAccount= GrpJobs=N(1)\n";
        let [faculty, root] = ["faculty", "root"].map(|name| name.parse().expect("an account"));
        let expected = [("account above GrpJobs", "", 1, Some(1)), ("account above GrpTRES", "gres/gpu", 8, Some(4))];
        let expected = expected.map(|(name, resource, most, used)| (name.to_owned(), resource, most, used));
        assert_eq!(shown(&read_limits_above(text, &faculty)), expected);
        assert_eq!(read_limits_above(text, &root), []);
        assert_eq!((account_above(text, &faculty), account_above(text, &root)), (Some(root), None));
        assert_eq!(account_above("Association Manager\n", &faculty), None, "it may not be seen");
    }

    #[test]
    fn a_person_is_known_by_name_where_a_release_writes_one() {
        let text = "Current Association Manager state\nQOS=normal(1) GrpJobs=N(1) User Limits= pakt-ada(1001)={MaxJobsPU=8(8)} pakt-ben(1002)={MaxJobsPU=3(2)}\n";
        assert_eq!(shown(&read(text).expect("one")), [("person in qos MaxJobsPU".to_owned(), "", 8, Some(8))]);
        assert!(read("slurm_load_assoc_mgr error\n").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "(ClusterName=j|Account=atlas|UserName=pakt-ada\\(1|QOS=normal|User Limits=|Max[A-Z]{1,4}=|Grp|[0-9]{1,25}|[ \n,={}()]|.){0,60}") {
            drop(read(&format!("Association Manager\n{text}")));
        }

        #[test]
        fn any_bytes_are_answered_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut text = b"Association Manager\nQOS=normal".to_vec();
            text.extend(bytes);
            drop(read(&String::from_utf8_lossy(&text)));
        }
    }
}
