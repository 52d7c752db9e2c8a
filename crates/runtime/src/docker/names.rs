//! Names and labels of what the driver makes in an engine. A name is drawn from the task, so
//! that a repeated call finds what the first one made; labels say whose it is.

use std::collections::BTreeMap;

use model::TaskId;
use model::container::{ContainerKey, Failure, FailureName};

/// Which data directory it belongs to: two servers of one engine leave each other's alone.
pub(super) const DATA_DIR: &str = "longshore.data-dir";
pub(super) const TASK: &str = "longshore.task";
/// Only of the containers of the definition, by their name there.
pub(super) const CONTAINER: &str = "longshore.container";
/// What `runtimeId` shows.
pub(super) const RUNTIME_ID: &str = "longshore.runtime-id";
pub(super) const LOG_GROUP: &str = "longshore.log-group";
pub(super) const LOG_STREAM: &str = "longshore.log-stream";
/// How many bytes the stream had when the container was made.
pub(super) const LOG_START: &str = "longshore.log-start";

/// Labels as the engine answers them.
pub(super) type Labels = BTreeMap<String, String>;

/// The engine's name of a container. No part of a definition's name holds a dot, so nothing
/// that is named below can have the name of a container.
pub(super) fn container(key: &ContainerKey) -> Result<String, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if key.container.is_empty() || !key.container.chars().all(is_plain) {
        return Err(Failure::new(
            FailureName::CannotCreateContainerError,
            format!(
                "the container name {:?} has other characters than letters, digits, - and _; \
                 rename it",
                key.container
            ),
        ));
    }
    Ok(format!("longshore-{}-{}", key.task, key.container))
}

/// The holder of one container's network.
pub(super) fn network_of(task: TaskId, container: &str) -> String {
    format!("longshore-{task}-{container}.network")
}

/// The holder of what all containers of a task share.
pub(super) fn shared(task: TaskId) -> String {
    format!("longshore-{task}.shared")
}

/// A task's own volume.
pub(super) fn volume(task: TaskId, name: &str) -> String {
    format!("longshore-{task}.{name}")
}

/// The key that labels hold.
pub(super) fn key(labels: &Labels) -> Option<ContainerKey> {
    Some(ContainerKey {
        task: labels.get(TASK)?.parse().ok()?,
        container: labels.get(CONTAINER)?.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(container: &str) -> ContainerKey {
        ContainerKey {
            task: TaskId::from_bits(7),
            container: container.to_owned(),
        }
    }

    #[test]
    fn a_name_of_another_kind_is_refused() {
        for name in ["", "a.b", "a/b", "ä"] {
            let failure = container(&named(name)).unwrap_err();
            assert!(failure.detail.ends_with("rename it"), "{failure}");
        }
        let name = container(&named("web-1_a")).unwrap();
        assert_eq!(name, "longshore-00000000000000000000000000000007-web-1_a");
    }

    #[test]
    fn a_key_is_found_in_its_labels() {
        let key_labels = [
            (TASK, TaskId::from_bits(7).to_string()),
            (CONTAINER, "web".to_owned()),
        ];
        let labels = key_labels.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(key(&labels.into()), Some(named("web")));
        assert_eq!(key(&Labels::new()), None);
    }
}
