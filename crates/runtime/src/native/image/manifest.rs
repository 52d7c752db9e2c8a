//! Manifests and indexes, OCI and Docker schema 2, and the choice of a platform among them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::digest::Digest;
use super::error::ImageError;
use super::record::HOST_ARCHITECTURE;

/// Media types of a manifest or index that the store reads.
pub(super) const ACCEPTED: &[&str] = &[
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// What a manifest or an index says; which of the two it is shows in `manifests`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    pub(super) config: Option<Descriptor>,
    #[serde(default)]
    pub(super) layers: Vec<Descriptor>,
    #[serde(default)]
    pub(super) manifests: Option<Vec<Descriptor>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    #[serde(default)]
    pub(super) media_type: String,
    pub(super) digest: String,
    /// Bytes; 0 if unknown.
    #[serde(default)]
    pub(super) size: u64,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(default)]
    platform: Option<Platform>,
}

#[derive(Clone, Debug, Deserialize)]
struct Platform {
    architecture: String,
    os: String,
}

impl Document {
    pub(super) fn parse(bytes: &[u8], what: &str) -> Result<Self, ImageError> {
        let document: Self =
            serde_json::from_slice(bytes).map_err(|error| ImageError::corrupt(what, error))?;
        let known = document
            .media_type
            .as_deref()
            .is_none_or(|name| ACCEPTED.contains(&name));
        if document.schema_version == 2 && known {
            return Ok(document);
        }
        let media_type = document
            .media_type
            .unwrap_or_else(|| "manifest schema 1".to_owned());
        Err(ImageError::MediaType {
            what: what.to_owned(),
            media_type,
        })
    }
}

impl Descriptor {
    pub(super) fn digest(&self) -> Result<Digest, ImageError> {
        Digest::parse(&self.digest)
    }

    /// Refuses what is not a layer of files: attestations, encrypted layers, other artifacts.
    pub(super) fn check_layer(&self) -> Result<(), ImageError> {
        let kind = &self.media_type;
        let family = kind.starts_with("application/vnd.oci.image.layer.")
            || kind.starts_with("application/vnd.docker.image.rootfs.");
        let form = [".tar", ".tar+gzip", ".tar.gzip", ".tar+zstd", ".tar.zstd"];
        if family && form.iter().any(|end| kind.ends_with(end)) {
            return Ok(());
        }
        let what = format!("layer {}", self.digest);
        Err(ImageError::MediaType {
            what,
            media_type: kind.clone(),
        })
    }

    /// Build tools put statements about an image beside it, for the platform `unknown`.
    pub(super) fn is_attestation(&self) -> bool {
        self.annotations.contains_key("vnd.docker.reference.type")
            || self
                .platform
                .as_ref()
                .is_some_and(|platform| platform.os == "unknown")
    }
}

/// The entry for this host. A single entry is taken whatever it says: its own configuration is
/// checked when the image is used.
pub(super) fn choose<'a>(
    entries: &'a [Descriptor],
    reference: &str,
) -> Result<&'a Descriptor, ImageError> {
    let images: Vec<_> = entries
        .iter()
        .filter(|entry| !entry.is_attestation())
        .collect();
    let fits = |entry: &&&Descriptor| {
        entry
            .platform
            .as_ref()
            .is_some_and(|found| found.os == "linux" && found.architecture == HOST_ARCHITECTURE)
    };
    match (images.iter().find(fits), images.as_slice()) {
        (Some(found), _) | (None, [found]) => Ok(found),
        _ => Err(ImageError::NoPlatform {
            reference: format!("`{reference}`"),
            offered: offered(&images),
            host: HOST_ARCHITECTURE.to_owned(),
        }),
    }
}

fn offered(images: &[&Descriptor]) -> String {
    let name = |entry: &&Descriptor| match &entry.platform {
        Some(platform) => format!("{}/{}", platform.os, platform.architecture),
        None => "an unnamed platform".to_owned(),
    };
    match images {
        [] => "no platform".to_owned(),
        _ => images.iter().map(name).collect::<Vec<_>>().join(", "),
    }
}
