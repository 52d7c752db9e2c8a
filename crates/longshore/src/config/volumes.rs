//! The table `volumes`: what of this machine task definitions may mount.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Volumes {
    /// Folders that `host.sourcePath` may name, with all that is below them.
    pub(crate) bind: Vec<String>,
    /// A folder in place of each EFS file system or access point, by its id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) efs: BTreeMap<String, String>,
}

impl Volumes {
    /// What cannot be meant, in words for the operator.
    pub(super) fn problem(&self) -> Option<String> {
        let bind = self.bind.iter().map(|path| ("bind".to_owned(), path));
        let efs = self.efs.iter();
        let efs = efs.map(|(id, path)| (format!("efs.{id}"), path));
        let (key, path) = bind.chain(efs).find(|(_, path)| !is_plain(path))?;
        Some(format!(
            "volumes.{key} must be an absolute path without '..', but is '{path}'"
        ))
    }

    /// As the control plane wants them.
    pub(crate) fn allowed(&self) -> control::cx::Volumes {
        control::cx::Volumes {
            bind: self.bind.clone(),
            efs: self.efs.clone(),
        }
    }
}

fn is_plain(path: &str) -> bool {
    path.starts_with('/')
        && !Path::new(path)
            .components()
            .any(|part| part == std::path::Component::ParentDir)
}
