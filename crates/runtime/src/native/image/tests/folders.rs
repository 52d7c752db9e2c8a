//! Stores in temporary folders, and what is in them.

use std::path::Path;

use tempfile::TempDir;

use super::super::unpack::Limits;
use super::super::{ImageStore, Reference};

/// A store that is deleted with its folder.
pub(super) struct TestStore {
    pub(super) store: ImageStore,
    pub(super) folder: TempDir,
}

#[track_caller]
pub(super) fn require_root() {
    let root = rustix::process::geteuid().is_root();
    assert!(
        root,
        "these tests make devices and change owners: run them as root"
    );
}

#[track_caller]
pub(super) fn store() -> TestStore {
    store_with(Limits::default())
}

#[track_caller]
pub(super) fn store_with(limits: Limits) -> TestStore {
    require_root();
    let folder = tempfile::tempdir().unwrap();
    let store = ImageStore::open_with(&folder.path().join("images"), limits).unwrap();
    TestStore { store, folder }
}

impl TestStore {
    pub(super) fn count(&self, name: &str) -> usize {
        std::fs::read_dir(self.folder.path().join("images").join(name))
            .unwrap()
            .count()
    }

    pub(super) fn layers(&self) -> usize {
        self.count("layers")
    }

    /// Nothing half-made and nothing without a name.
    #[track_caller]
    pub(super) fn assert_empty(&self) {
        for name in ["refs", "images", "layers", "tmp"] {
            assert_eq!(self.count(name), 0, "{name} is not empty");
        }
    }

    /// Layers are all named and nothing is half-made.
    #[track_caller]
    pub(super) fn assert_tidy(&self) {
        assert_eq!(self.count("tmp"), 0, "tmp is not empty");
    }
}

pub(super) fn reference(text: &str) -> Reference {
    crate::registry::parse(text).unwrap()
}

pub(super) fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
