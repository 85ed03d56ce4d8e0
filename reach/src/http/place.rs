//! Where a server that speaks HTTP is.

use crate::Address;
use hyper::Uri;
use std::{fmt, path::PathBuf};

/// A server that speaks HTTP: `https://host/path`, `http://127.0.0.1:6820` or `unix:/run/socket`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpPlace {
    pub(super) address: Address,
    /// Whom the certificate has to name; none where nothing is encrypted.
    pub(super) certified: Option<String>,
    /// What stands in the header `Host`.
    pub(super) host: String,
    /// What comes before every path; without a slash at its end.
    pub(super) prefix: String,
    text: String,
}

impl HttpPlace {
    /// Reads one. What would cross a network in plain text is refused, because a token goes along.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
            if !path.is_absolute() {
                return Err("the path of a socket is absolute".to_owned());
            }
            let address = Address::Unix(path);
            let (host, prefix) = ("localhost".to_owned(), String::new());
            return Ok(Self { address, certified: None, host, prefix, text: text.to_owned() });
        }
        let uri: Uri = text.parse().map_err(|error| format!("it is no URL: {error}"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("write `https://host`, `http://127.0.0.1:port` or `unix:/path`".to_owned());
        };
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err("neither a name with `@` nor a question belongs into it".to_owned());
        }
        // Brackets are how a URL writes a number with colons.
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let (certified, usual_port) = match scheme {
            "https" => (Some(host.clone()), 443),
            "http" if is_loopback(&host) => (None, 80),
            "http" => {
                return Err(format!(
                    "`{host}` is another machine, and a token would go there in plain text: write `https://`, or reach \
                     it by a tunnel (`ssh -L`) and name 127.0.0.1"
                ));
            }
            _ => return Err(format!("`{scheme}` is neither http nor https")),
        };
        Ok(Self {
            address: Address::Tcp(host, authority.port_u16().unwrap_or(usual_port)),
            certified,
            host: authority.as_str().to_owned(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
            text: text.to_owned(),
        })
    }

    /// Whether only this machine's file system leads there.
    pub const fn is_socket(&self) -> bool {
        matches!(self.address, Address::Unix(_))
    }
}

impl fmt::Display for HttpPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|number: std::net::IpAddr| number.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let tcp = |host: &str, port| Address::Tcp(host.to_owned(), port);
        for (text, address, is_encrypted, prefix) in [
            ("https://rest.example.org", tcp("rest.example.org", 443), true, ""),
            ("https://rest.example.org:6820/slurm-api/", tcp("rest.example.org", 6820), true, "/slurm-api"),
            ("http://127.0.0.1:6820", tcp("127.0.0.1", 6820), false, ""),
            ("http://[::1]:6820/", tcp("::1", 6820), false, ""),
            ("http://localhost", tcp("localhost", 80), false, ""),
            ("unix:/run/slurmrestd.socket", Address::Unix("/run/slurmrestd.socket".into()), false, ""),
            ("unix:///run/slurmrestd.socket", Address::Unix("/run/slurmrestd.socket".into()), false, ""),
        ] {
            let place = HttpPlace::parse(text).expect(text);
            assert_eq!((&place.address, place.certified.is_some()), (&address, is_encrypted), "{text}");
            assert_eq!((place.prefix.as_str(), place.to_string().as_str()), (prefix, text));
        }
    }

    #[test]
    fn what_is_no_place_or_would_show_a_token_is_refused() {
        for (text, why) in [
            ("http://rest.example.org", "plain text"),
            ("http://127.0.0.1.example.org", "plain text"),
            ("ftp://127.0.0.1", "neither http nor https"),
            ("https://ada:secret@rest.example.org", "`@`"),
            ("https://rest.example.org/?x=1", "question"),
            ("unix:run/socket", "absolute"),
            ("rest.example.org:6820", "write `https://host`"),
            ("/run/socket", "write `https://host`"),
            ("", "no URL"),
        ] {
            let error = HttpPlace::parse(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
