//! What can go wrong before a registry is asked, each with a sentence that says what to change.

use std::path::PathBuf;

use model::container::{Failure, FailureName};

use super::EcrRegistry;

/// Messages are for the person who named the image.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error(
        "image reference `{reference}` is not valid ({cause}): write it as [registry/]repository[:tag][@sha256:…]"
    )]
    InvalidReference { reference: String, cause: String },
    #[error("the registry credentials in {} cannot be used ({cause}): correct the file or remove it", path.display())]
    Credentials { path: PathBuf, cause: String },
    #[error(
        "the credential helper `{helper}` gives no login for {registry} ({cause}): {}",
        helper_advice(path)
    )]
    Helper {
        registry: String,
        helper: String,
        path: PathBuf,
        cause: String,
    },
    #[error(
        "{registry} is a registry of Amazon ECR and nothing says how to log in there: write `ecr = \"aws\"` under [endpoints] to log in with your own AWS keys, or install `docker-credential-ecr-login` and write {{\"credHelpers\": {{\"{registry}\": \"ecr-login\"}}}} into {}, or map the registry to another under [registry.mirrors], or load the image under its name",
        path.as_ref().map_or_else(|| "docker's config.json".to_owned(), |path| path.display().to_string())
    )]
    EcrWithoutLogin {
        registry: String,
        path: Option<PathBuf>,
    },
    #[error(
        "Amazon ECR gives no login for {registry} ({cause}): check your AWS keys and `endpoints.ecr`"
    )]
    EcrToken { registry: String, cause: String },
    #[error(
        "mirror `{from}` = `{to}` is not valid: both are a registry, or a registry and a repository, like `123456789012.dkr.ecr.eu-west-1.amazonaws.com` = `localhost:5000`"
    )]
    Mirror { from: String, to: String },
}

fn helper_advice(path: &std::path::Path) -> String {
    format!(
        "try it by hand, or correct `credHelpers` and `credsStore` in {}",
        path.display()
    )
}

impl RegistryError {
    /// The failure a task reports for it.
    pub fn to_failure(&self) -> Failure {
        let name = match self {
            Self::EcrWithoutLogin { .. } | Self::EcrToken { .. } => {
                FailureName::CannotPullECRContainerError
            }
            Self::Helper { registry, .. } if EcrRegistry::of(registry).is_some() => {
                FailureName::CannotPullECRContainerError
            }
            _ => FailureName::CannotPullContainerError,
        };
        Failure::new(name, self.to_string())
    }
}
