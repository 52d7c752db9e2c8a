//! What a definition only names, and the host has to fetch.

use model::container::{References, SecretReference};
use model::shapes::ContainerDefinition;

pub(super) fn references(container: &ContainerDefinition) -> References {
    let secrets = container.secrets.iter().flatten();
    let secrets = secrets.filter_map(|secret| {
        Some(SecretReference {
            name: secret.name.clone()?,
            value_from: secret.value_from.clone()?,
        })
    });
    let files = container.environment_files.iter().flatten();
    let credentials = container.repository_credentials.as_ref();
    References {
        secrets: secrets.collect(),
        environment_files: files.filter_map(|file| file.value.clone()).collect(),
        repository_credentials: credentials.and_then(|one| one.credentials_parameter.clone()),
    }
}
