//! Container images: one for every node, or one for each kind of node.

use crate::{Architecture, GpuVendor};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// What a job runs inside: a path, or an address such as `docker://ubuntu`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Images {
    /// The same on every node.
    One(String),
    /// One for each kind of node.
    ByNode(BTreeMap<ImageKey, String>),
}

/// For which nodes an image is: `aarch64`, `x86_64-amd`, `x86_64-cpu`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageKey {
    /// Of these processors.
    pub architecture: Architecture,
    /// For jobs with these GPUs; none for whatever a job has.
    pub gpus: Option<ImageGpus>,
}

/// With which GPUs an image is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImageGpus {
    /// Those of one maker.
    Of(GpuVendor),
    /// A job has none.
    Without,
}

/// A text that is no [`ImageKey`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` says for no nodes which image they take")]
pub struct ImageKeyError(pub String);

/// The image of one kind of node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChosenImage<'a> {
    /// A path, or an address.
    pub image: &'a str,
    /// Where several were to choose from, for which nodes it is.
    pub key: Option<ImageKey>,
}

impl Images {
    /// The image for nodes of an architecture and the GPUs that the job has there; what names the GPUs goes before what
    /// does not. None where no image is for them.
    pub fn choose(&self, architecture: Architecture, vendor: Option<GpuVendor>) -> Option<ChosenImage<'_>> {
        let images = match self {
            Self::One(image) => return Some(ChosenImage { image, key: None }),
            Self::ByNode(images) => images,
        };
        let own = vendor.map_or(ImageGpus::Without, ImageGpus::Of);
        let keys = [Some(own), None].map(|gpus| ImageKey { architecture, gpus });
        keys.into_iter().find_map(|key| Some(ChosenImage { image: images.get(&key)?, key: Some(key) }))
    }

    /// Each of them, with its place below `environment`: `container`, or `container.aarch64`.
    pub fn each(&self) -> Vec<ChosenImage<'_>> {
        match self {
            Self::One(image) => vec![ChosenImage { image, key: None }],
            Self::ByNode(images) => images.iter().map(|(key, image)| ChosenImage { image, key: Some(*key) }).collect(),
        }
    }
}

impl ChosenImage<'_> {
    /// The field of the job file in which it stands.
    pub fn field(&self) -> String {
        match self.key {
            None => "environment.container".to_owned(),
            Some(key) => format!("environment.container.{key}"),
        }
    }

    /// The scheme of an address, `docker` of `docker://ubuntu`; none of a path.
    pub fn scheme(&self) -> Option<&str> {
        self.image.split_once("://").map(|(scheme, _)| scheme)
    }
}

impl ImageKey {
    /// Every key, in order.
    pub fn all() -> Vec<Self> {
        let gpus = [None, Some(ImageGpus::Without)].into_iter().chain(GpuVendor::ALL.map(|of| Some(ImageGpus::Of(of))));
        let gpus: Vec<Option<ImageGpus>> = gpus.collect();
        let architectures = [Architecture::X86_64, Architecture::Aarch64];
        architectures.iter().flat_map(|of| gpus.iter().map(|gpus| Self { architecture: *of, gpus: *gpus })).collect()
    }
}

impl fmt::Display for ImageKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.gpus {
            None => write!(formatter, "{}", self.architecture),
            Some(ImageGpus::Without) => write!(formatter, "{}-cpu", self.architecture),
            Some(ImageGpus::Of(vendor)) => write!(formatter, "{}-{}", self.architecture, vendor.word()),
        }
    }
}

impl FromStr for ImageKey {
    type Err = ImageKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all().into_iter().find(|key| key.to_string() == text).ok_or_else(|| ImageKeyError(text.to_owned()))
    }
}

impl TryFrom<String> for ImageKey {
    type Error = ImageKeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ImageKey> for String {
    fn from(key: ImageKey) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> ImageKey {
        text.parse().expect("a key")
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        let keys = ImageKey::all();
        assert_eq!(keys.len(), 10);
        for one in keys {
            assert_eq!(key(&one.to_string()), one);
        }
        for wrong in ["", "amd64", "arm64", "x86_64-", "x86_64-rocm", "X86_64", "amd", "aarch64-cpu-amd"] {
            assert!(wrong.parse::<ImageKey>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_names_the_gpus_goes_before_what_does_not() {
        let images = ["x86_64", "x86_64-amd", "x86_64-cpu", "aarch64-nvidia"];
        let images = Images::ByNode(images.iter().map(|text| (key(text), format!("{text}.sif"))).collect());
        for (architecture, vendor, chosen) in [
            (Architecture::X86_64, Some(GpuVendor::Nvidia), Some("x86_64")),
            (Architecture::X86_64, Some(GpuVendor::Amd), Some("x86_64-amd")),
            (Architecture::X86_64, None, Some("x86_64-cpu")),
            (Architecture::Aarch64, Some(GpuVendor::Nvidia), Some("aarch64-nvidia")),
            (Architecture::Aarch64, Some(GpuVendor::Amd), None),
            (Architecture::Aarch64, None, None),
        ] {
            let found = images.choose(architecture, vendor).and_then(|image| image.key).map(|key| key.to_string());
            assert_eq!(found.as_deref(), chosen, "{architecture} {vendor:?}");
        }
    }

    #[test]
    fn one_image_is_kept_as_a_text_and_several_by_their_keys() {
        let one = Images::One("a.sif".to_owned());
        let several = Images::ByNode(BTreeMap::from([(key("aarch64"), "a.sif".to_owned())]));
        for (images, text) in [(one, "\"a.sif\""), (several, "{\"aarch64\":\"a.sif\"}")] {
            assert_eq!(serde_json::to_string(&images).expect("text"), text);
            assert_eq!(serde_json::from_str::<Images>(text).expect("images"), images);
        }
        assert!(serde_json::from_str::<Images>("{\"sparc\":\"a.sif\"}").is_err());
    }
}
