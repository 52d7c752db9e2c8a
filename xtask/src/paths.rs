//! Where things stand in the repository.

use std::path::{Path, PathBuf};

/// The folder of the workspace: the one above this package.
pub(crate) fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

/// The facts of the ECS model.
pub(crate) fn facts() -> PathBuf {
    workspace().join("smithy/ecs.json")
}
