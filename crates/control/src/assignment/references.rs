//! What a definition only names, and the host has to fetch.

use model::container::{References, SecretReference};
use model::shapes::{ContainerDefinition, ContainerOverride};

/// In the order of the definition. The caller's files take the place of its own.
pub(super) fn references(
    container: &ContainerDefinition,
    over: Option<&ContainerOverride>,
) -> References {
    let secrets = container.secrets.iter().flatten();
    let secrets = secrets.filter_map(|secret| {
        Some(SecretReference {
            name: secret.name.clone()?,
            value_from: secret.value_from.clone()?,
        })
    });
    let of_caller = over.and_then(|over| over.environment_files.as_ref());
    let files = of_caller.filter(|files| !files.is_empty());
    let files = files
        .or(container.environment_files.as_ref())
        .into_iter()
        .flatten();
    let credentials = container.repository_credentials.as_ref();
    References {
        secrets: secrets.collect(),
        environment_files: files.filter_map(|file| file.value.clone()).collect(),
        repository_credentials: credentials.and_then(|one| one.credentials_parameter.clone()),
    }
}
