//! The digest of a container image. Reading twenty gigabytes takes half a minute, so it is read once: what was found stands in
//! a file of the person's, by the image's path, size, dates and inode.

use super::{
    digest::sha256,
    record::{Image, ImageDigest},
    remote,
};
use crate::{error::JobsError, house::House};
use model::{Sha256, Timestamp};
use reach::Command;
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, time::Duration};

/// The largest image that is read, in bytes.
const LARGEST: u64 = 32 * 1024 * 1024 * 1024;
const TIME_LIMIT: Duration = Duration::from_mins(10);
const SHORT: usize = 64 * 1024;

/// What was found of an image, as it is kept.
#[derive(Serialize, Deserialize)]
struct Known {
    /// What it was found for.
    of: String,
    sha256: Sha256,
}

/// Size, dates, device and inode of a file.
struct Facts {
    bytes: u64,
    modified_at: Timestamp,
    /// All of it as text.
    all: String,
}

/// An image as it is written down: of an address no more than of a repository's, and its digest.
fn told(named: &str) -> String {
    let Some((scheme, rest)) = named.split_once("://") else { return named.to_owned() };
    if let Some(address) = remote::without_credentials(named) {
        return address;
    }
    // `docker://NAME:TOKEN@HOST/IMAGE@sha256:…`: who fetches it stands in front of the host, a digest behind the image.
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = if path.is_empty() { authority } else { authority.rsplit_once('@').map_or(authority, |(_, host)| host) };
    format!("{scheme}://{host}{path}")
}

/// Looks at the image that a job names; `path` is the file that is meant, where it is one and this machine can tell.
pub(super) async fn look(house: &House, named: &str, path: Option<PathBuf>) -> Result<Image, JobsError> {
    let bare = |digest| Image { named: told(named), path: None, bytes: None, modified_at: None, digest };
    if named.contains("://") {
        let digest = named.rsplit_once("@sha256:").and_then(|(_, digest)| digest.parse().ok());
        let why = || "its address names no digest, and what lies there may change".to_owned();
        return Ok(bare(digest.map_or_else(|| ImageDigest::NotTaken(why()), ImageDigest::Sha256)));
    }
    let Some(path) = path else {
        return Ok(bare(ImageDigest::NotTaken("only the node knows which file that is".to_owned())));
    };
    let image = bare(ImageDigest::NotTaken("it is not there, or cannot be read from here".to_owned()));
    let image = Image { path: Some(path.clone()), ..image };
    let Some(facts) = facts(house, &path).await else { return Ok(image) };
    let image = Image { bytes: Some(facts.bytes), modified_at: Some(facts.modified_at), ..image };
    if facts.bytes > LARGEST {
        let why = format!("it is larger than {} GiB", LARGEST / (1024 * 1024 * 1024));
        return Ok(Image { digest: ImageDigest::NotTaken(why), ..image });
    }
    let of = format!("{} {}", path.display(), facts.all);
    let name = format!("image-{}.json", sha256(of.as_bytes()));
    let known = house.state.code(&house.principal.user, &name, SHORT).await?;
    let known = known.and_then(|bytes| serde_json::from_slice::<Known>(&bytes).ok()).filter(|known| known.of == of);
    let digest = match known {
        Some(known) => ImageDigest::Sha256(known.sha256),
        None => match read(house, &path).await {
            Ok(sha256) => {
                let known = Known { of, sha256: sha256.clone() };
                let bytes = serde_json::to_vec(&known).unwrap_or_default();
                house.state.put_code(&house.principal.user, &name, &bytes).await?;
                ImageDigest::Sha256(sha256)
            }
            Err(why) => ImageDigest::NotTaken(why),
        },
    };
    Ok(Image { digest, ..image })
}

/// None where it is not seen, or is no file.
async fn facts(house: &House, path: &std::path::Path) -> Option<Facts> {
    let stat = Command::new("stat").arguments(["-L", "--printf=%F|%s %Y %Z %d %i", "--"]);
    let output = house.files.run(&stat.argument(path.to_string_lossy()).output_limit(SHORT)).await.ok()?;
    let text = output.succeeded().then(|| output.stdout_text())?;
    let all = text.strip_prefix("regular file|")?;
    let mut numbers = all.split(' ').map(str::parse::<i64>);
    let (bytes, seconds) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let bytes = u64::try_from(bytes).ok()?;
    Some(Facts { bytes, modified_at: Timestamp::from_epoch_seconds(seconds), all: all.to_owned() })
}

async fn read(house: &House, path: &std::path::Path) -> Result<Sha256, String> {
    let command = Command::new("sha256sum").arguments(["--zero", "--"]).argument(path.to_string_lossy());
    let output = house.files.run(&command.time_limit(TIME_LIMIT).output_limit(SHORT)).await;
    let output = output.map_err(|error| error.to_string())?;
    let text = output.stdout_text();
    let digest = text.split(' ').next().unwrap_or_default().parse::<Sha256>();
    digest.ok().filter(|_| output.succeeded()).ok_or_else(|| format!("it was not read: sha256sum {}", output.ending()))
}
