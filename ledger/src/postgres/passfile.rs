//! The file of passwords that PostgreSQL's own programs read (PostgreSQL 15, 34.16, "The Password File").

use crate::records::Result;
use crate::{LedgerError, LedgerErrorKind, Retry};
use postgres::Config;
use postgres::config::Host;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// No list of passwords is longer.
const MOST_BYTES: u64 = 1 << 20;

/// The password of the first line that fits; none where no line does, or where there is no file.
pub(super) fn password_for(config: &Config, file: &Path) -> Result<Option<Vec<u8>>> {
    let metadata = match fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable("the file of passwords cannot be read", file, &error.to_string())),
    };
    if metadata.mode() & 0o077 != 0 {
        let next = format!("mode {:o}; `chmod 600` it", metadata.mode() & 0o777);
        return Err(unusable("others may read the file of passwords", file, &next));
    }
    let mut text = String::new();
    let read = File::open(file).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    read.map_err(|error| unusable("the file of passwords cannot be read", file, &error.to_string()))?;
    Ok(text.lines().find_map(|line| password_in(line, &wanted(config))).map(String::into_bytes))
}

/// Host, port, database and user of a connection.
type Wanted = [Vec<String>; 4];

fn wanted(config: &Config) -> Wanted {
    let hosts = config.get_hosts().iter().flat_map(|host| match host {
        Host::Tcp(name) => vec![name.clone()],
        Host::Unix(folder) => vec![folder.display().to_string(), "localhost".to_owned()],
    });
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let user = config.get_user().unwrap_or_default().to_owned();
    let database = config.get_dbname().map_or_else(|| user.clone(), ToOwned::to_owned);
    [hosts.collect(), vec![port], vec![database], vec![user]]
}

/// The password of a line, where its four first fields fit.
fn password_in(line: &str, wanted: &Wanted) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = fields(line).into_iter();
    let fit = wanted.iter().all(|wanted| fields.next().is_some_and(|field| field == "*" || wanted.contains(&field)));
    fields.next().filter(|_| fit)
}

/// The fields of a line: separated by `:`, with `\` before a `:` or `\` that is meant as itself.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        let meant = match letter {
            ':' if fields.len() < 5 => {
                fields.push(String::new());
                continue;
            }
            '\\' => letters.next().unwrap_or('\\'),
            other => other,
        };
        if let Some(field) = fields.last_mut() {
            field.push(meant);
        }
    }
    fields
}

fn unusable(why: &str, file: &Path, system: &str) -> LedgerError {
    LedgerError::new(LedgerErrorKind::NotPermitted, Retry::Never, why)
        .with_fact("passwords", &file.display())
        .with_fact("system", &system)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let config: Config = "postgres://ada@127.0.0.1:5433/books".parse().expect("a URL");
        for (text, expected) in [
            ("127.0.0.1:5433:books:ada:one", Some("one")),
            ("# 127.0.0.1:5433:books:ada:no\n*:*:*:ada:two\n*:*:*:*:three", Some("two")),
            ("127.0.0.1:5432:books:ada:no\nother:5433:books:ada:no", None),
            (r"*:*:*:*:a\:b\\c", Some(r"a:b\c")),
            ("*:*:*:*:a:b", Some("a:b")),
            ("*:*:*", None),
            ("", None),
        ] {
            let found = text.lines().find_map(|line| password_in(line, &wanted(&config)));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
        let over_a_socket: Config = "postgres://ada@/books?host=/run/pg".parse().expect("a URL");
        let found = password_in("localhost:5432:books:ada:four", &wanted(&over_a_socket));
        assert_eq!(found.as_deref(), Some("four"));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("passwords");
        let config: Config = "postgres://ada@127.0.0.1/books".parse().expect("a URL");
        assert_eq!(password_for(&config, &file), Ok(None));
        fs::write(&file, "*:*:*:*:one").expect("written");
        for (mode, is_read) in [(0o600, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("set");
            let found = password_for(&config, &file);
            assert_eq!(found.is_ok(), is_read, "{mode:o}: {found:?}");
        }
    }
}
