//! slurmrestd, as the configuration names it.

use crate::{
    configuration::{Configuration, SlurmRest},
    failure::Failure,
};
use reach::http::HttpPlace;
use scheduler_adapters::{RestConfiguration, TokenSource};

/// The server and its token; none where none is configured.
pub(super) fn configured(configuration: &Configuration) -> Result<Option<RestConfiguration>, Failure> {
    let Some(SlurmRest { url, token_file, token_command }) = &configuration.file.slurm_rest else { return Ok(None) };
    let mistake = |why: String, next: &str| Failure::usage("`slurm_rest` cannot be used", why, next);
    let places = "write `url: https://host:port`, `http://127.0.0.1:port` or `unix:/path/of/the/socket`";
    let url = url.as_deref().ok_or_else(|| mistake("it names no `url`".to_owned(), places))?;
    let place = HttpPlace::parse(url).map_err(|why| mistake(why, places))?;
    let token = match (token_file, token_command) {
        (Some(_), Some(_)) => {
            let next = "write `token_file` or `token_command`";
            return Err(mistake("it names a file and a command for one token".to_owned(), next));
        }
        (Some(file), None) => Some(TokenSource::File(configuration.expanded(file, "slurm_rest.token_file")?)),
        (None, Some(words)) if words.first().is_none_or(String::is_empty) => {
            return Err(mistake("`token_command` is empty".to_owned(), "write `token_command: [scontrol, token]`"));
        }
        (None, Some(words)) => Some(TokenSource::Command(words.clone())),
        (None, None) if place.is_socket() => None,
        (None, None) => {
            let next = "write `token_file: ~/.slurm-token` or `token_command: [scontrol, token]`";
            return Err(mistake(format!("a server at {place} wants a token"), next));
        }
    };
    Ok(Some(RestConfiguration { place, token }))
}
