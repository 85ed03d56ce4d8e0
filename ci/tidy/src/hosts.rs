//! The hosts that this machine fetches packages from, as its own configuration names them. They are a fact of one
//! machine and must not get into the repository; because they differ from machine to machine, they are read, not listed.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// Variables whose value is, or holds, the address of a registry or of the proxy before it.
const VARIABLES: [&str; 8] = [
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "GOPROXY",
    "npm_config_registry",
    "https_proxy",
    "HTTPS_PROXY",
];

/// Hosts anybody may name: the home of public source code, and this machine itself.
const PUBLIC_HOSTS: [&str; 3] = ["github.com", "localhost", "127.0.0.1"];

/// The hosts named by this machine's configuration of cargo, pip and npm, by files and by variables.
pub fn configured_hosts() -> BTreeSet<String> {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let cargo_home = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let files = [
        cargo_home.join("config.toml"),
        cargo_home.join("config"),
        PathBuf::from("/etc/pip.conf"),
        home.join(".config/pip/pip.conf"),
        home.join(".pip/pip.conf"),
        home.join(".npmrc"),
    ];
    // A file that is absent or closed to this user configures nothing for this user.
    let written = files.iter().filter_map(|file| std::fs::read_to_string(file).ok());
    let set = VARIABLES.iter().filter_map(|name| std::env::var(name).ok());
    let registries = std::env::vars()
        .filter(|(name, _)| name.starts_with("CARGO_REGISTRIES_") || name.starts_with("CARGO_SOURCE_"))
        .map(|(_, value)| value);
    let text = written.chain(set).chain(registries).collect::<Vec<_>>().join("\n");
    hosts_in(&text)
}

/// The hosts of all web addresses in a text, without user, password and port; the public ones left out.
pub fn hosts_in(text: &str) -> BTreeSet<String> {
    text.split("://")
        .skip(1)
        .map(|rest| {
            let end = rest.find(|sign: char| sign.is_whitespace() || "/\"'?#,|".contains(sign)).unwrap_or(rest.len());
            let authority = &rest[..end];
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            host.split_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase()
        })
        .filter(|host| host.contains('.') && !PUBLIC_HOSTS.contains(&host.as_str()))
        .collect()
}
