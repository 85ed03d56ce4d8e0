//! The address that a repository was fetched from, without who fetched it and by which secret.

use super::status::shown;

/// Schemes whose addresses name a place and nothing else.
const SCHEMES: [&str; 7] = ["file", "ftp", "ftps", "git", "http", "https", "ssh"];

/// The address of the repository's usual remote, out of `git config -z --get-regexp '^remote\..*\.url$'`: that of `origin`,
/// else the first. None where there is none, or it is of a kind that may hold anything.
pub(super) fn usual(bytes: &[u8]) -> Option<String> {
    let entries = bytes.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let entries: Vec<(String, String)> = entries
        .filter_map(|entry| entry.split_once('\n').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    let origin = entries.iter().find(|(name, _)| name == "remote.origin.url");
    without_credentials(&origin.or(entries.first())?.1)
}

/// An address without its user's name, password, query and fragment. `git@host:path` keeps its name: it is that of the service.
pub(super) fn without_credentials(address: &str) -> Option<String> {
    let Some((scheme, rest)) = address.split_once("://") else { return of_host_or_path(address) };
    if !SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return None;
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Some(shown(format!("{scheme}://{host}{path}").as_bytes()))
}

/// `git@host:path`, `host:path` or a path on this machine; `helper::anything` is none.
fn of_host_or_path(address: &str) -> Option<String> {
    if address.starts_with(['/', '.', '~']) {
        return Some(shown(address.as_bytes()));
    }
    let (place, path) = address.split_once(':')?;
    let (user, host) = place.split_once('@').map_or((None, place), |(user, host)| (Some(user), host));
    let is_plain = |text: &str| {
        !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-._".contains(letter))
    };
    let is_address = is_plain(host) && user.is_none_or(is_plain) && !path.starts_with(':') && !path.contains('@');
    is_address.then(|| shown(format!("{place}:{path}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_keeps_its_place_and_nothing_of_who_fetched_it() {
        for (address, kept) in [
            ("https://ada:token@gitlab.example.org/atlas/lm.git", Some("https://gitlab.example.org/atlas/lm.git")),
            ("https://gitlab.example.org/lm.git?private_token=x#y", Some("https://gitlab.example.org/lm.git")),
            ("https://a@b:c@host/lm", Some("https://host/lm")),
            ("ssh://ada@host:22/lm", Some("ssh://host:22/lm")),
            ("git@github.com:atlas/lm.git", Some("git@github.com:atlas/lm.git")),
            ("host:lm", Some("host:lm")),
            ("/data/lm", Some("/data/lm")),
            ("../lm", Some("../lm")),
            ("ext::sh -c 'secret'", None),
            ("a:b@host:lm", None),
            ("s3+token://key@host/x", None),
            ("lm", None),
            ("", None),
        ] {
            assert_eq!(without_credentials(address).as_deref(), kept, "{address}");
        }
    }

    #[test]
    fn origin_goes_before_the_others() {
        let both = b"remote.fork.url\nhttps://host/fork\0remote.origin.url\nhttps://host/lm\0";
        assert_eq!(usual(both).as_deref(), Some("https://host/lm"));
        assert_eq!(usual(&both[..34]).as_deref(), Some("https://host/fork"));
        assert_eq!(usual(b""), None);
    }

    proptest! {
        #[test]
        fn no_secret_of_a_web_address_is_kept(
            user in "[a-z:@]{0,6}", secret in "SECRET[a-z@:%]{0,6}", host in "[a-z.]{1,8}", path in "[a-z/]{0,8}", scheme in "https?|ssh|HTTPS"
        ) {
            for address in [
                format!("{scheme}://{user}{secret}@{host}/{path}"),
                format!("{scheme}://{host}/{path}?{secret}"),
                format!("{scheme}://{host}/{path}#{secret}"),
            ] {
                let kept = without_credentials(&address).expect("a known scheme");
                prop_assert!(!kept.contains("SECRET"), "{address} {kept}");
                let is_whole = kept.ends_with(&format!("{host}/{path}"));
                prop_assert!(is_whole);
            }
        }

        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = usual(&bytes);
        }
    }
}
