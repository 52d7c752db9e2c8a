//! What can go wrong with an image, each with a sentence that says what to change.

use std::io;
use std::path::{Path, PathBuf};

use model::container::{Failure, FailureName};

use crate::registry::RegistryError;

/// An error of the image store. Messages are for the person who named the image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error(transparent)]
    Access(#[from] RegistryError),
    #[error("image `{reference}` is not in the image store: `longshore image ls` shows what is")]
    NotFound { reference: String },
    #[error(
        "image `{reference}` does not exist at {registry}, or it is private: check the name and tag, and log in with `docker login {registry}` if it needs an account"
    )]
    UnknownImage { reference: String, registry: String },
    #[error(
        "{registry} refused access to image `{reference}`: log in with `docker login {registry}`, or check that the account may pull it"
    )]
    Unauthorized { reference: String, registry: String },
    #[error(
        "the identity token for {registry} is exchanged for nothing ({cause}): log in again with `docker login {registry}`"
    )]
    IdentityToken { registry: String, cause: String },
    #[error(
        "image `{reference}` is not in the image store and {registry} cannot be reached ({cause}): check the name and the network, or load the image with `longshore image load`"
    )]
    RegistryUnreachable {
        reference: String,
        registry: String,
        cause: String,
    },
    #[error(
        "{registry} limits how often this address may pull: wait, or log in with `docker login {registry}`"
    )]
    RateLimited { registry: String },
    #[error(
        "pulling image `{reference}` failed ({cause}): try again, and look at the registry's log if it stays"
    )]
    Registry { reference: String, cause: String },
    #[error("image {reference} is for {image}, this host is {host}: use an image built for {host}")]
    Architecture {
        reference: String,
        image: String,
        host: String,
    },
    #[error(
        "image {reference} is offered for {offered}, this host is linux/{host}: use an image built for linux/{host}"
    )]
    NoPlatform {
        reference: String,
        offered: String,
        host: String,
    },
    #[error(
        "{what} has the media type `{media_type}`, which is not supported: use a Docker schema 2 or OCI image with tar, gzip or zstd layers"
    )]
    MediaType { what: String, media_type: String },
    #[error(
        "this is no image archive ({cause}): give an OCI layout or `docker save` archive, or use `longshore image import` for a plain root file system"
    )]
    NotAnArchive { cause: String },
    #[error("{what} is damaged ({cause}): fetch or build it again")]
    Corrupt { what: String, cause: String },
    #[error("{what} ends too early: fetch or copy it again")]
    Truncated { what: String },
    #[error("{what} has the digest {actual} instead of {expected}: fetch or build it again")]
    DigestMismatch {
        what: String,
        expected: String,
        actual: String,
    },
    #[error(
        "entry `{entry}` would be written outside its layer ({cause}): do not use this image, build it again from a source you trust"
    )]
    PathOutside { entry: String, cause: String },
    #[error("a layer has more than {limit} entries: split or shrink the image")]
    TooManyEntries { limit: u64 },
    #[error("{what} unpacks to more than {limit} bytes: shrink the image")]
    TooLarge { what: String, limit: u64 },
    #[error("the disk that holds {} is full: free some space, for example with `longshore image rm`", path.display())]
    DiskFull { path: PathBuf },
    #[error("no permission to write {} ({cause}): run as root, which layers with owners and devices need", path.display())]
    NotPermitted { path: PathBuf, cause: String },
    #[error("{} cannot be imported ({cause}): give a readable folder or tar archive that holds a root file system", path.display())]
    Source { path: PathBuf, cause: String },
    #[error("layer {layer} is no longer in the image store: pull or load the image again")]
    LayerMissing { layer: String },
    #[error(
        "`{holder}` cannot hold a lease: use 1 to 128 letters, digits, `-`, `_` or `.`, not starting with a dot"
    )]
    Holder { holder: String },
    #[error("{} cannot be used ({cause}): check the disk and the permissions of the data directory", path.display())]
    Io { path: PathBuf, cause: String },
}

impl ImageError {
    /// An error of the file system at `path`, in the words of its cause.
    pub(super) fn io(path: &Path, error: impl Into<io::Error>) -> Self {
        let (path, error) = (path.to_owned(), error.into());
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::PermissionDenied => Self::NotPermitted {
                path,
                cause: error.to_string(),
            },
            _ => Self::Io {
                path,
                cause: error.to_string(),
            },
        }
    }

    pub(super) fn corrupt(what: impl Into<String>, cause: impl ToString) -> Self {
        Self::Corrupt {
            what: what.into(),
            cause: cause.to_string(),
        }
    }

    /// An error while reading `what`, which is not a file of the store.
    pub(super) fn reading(what: impl Into<String>, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Truncated { what: what.into() };
        }
        Self::corrupt(what, error)
    }

    /// Whether the content is at fault, so that a wrong digest explains it better.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::Truncated { .. })
    }

    /// The failure a task reports for it: `CannotPullContainerError`, but for logins at ECR.
    pub fn to_failure(&self) -> Failure {
        if let Self::Access(error) = self {
            return error.to_failure();
        }
        Failure::new(FailureName::CannotPullContainerError, self.to_string())
    }
}
