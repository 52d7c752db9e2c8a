//! Layers in use by containers, and the sweep that deletes what nobody uses.
//!
//! A lease is a file `leases/<holder>` with the layers of one container. A layer stays while an
//! image or a lease names it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::digest::Digest;
use super::durable;
use super::error::ImageError;
use super::index::Index;
use super::layers::Layers;
use super::lock;

/// Exists while there may be layers without a name.
const WANTED: &str = "sweep-wanted";

const MAX_HOLDER: usize = 128;

pub(super) struct Leases {
    root: PathBuf,
}

impl Leases {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    fn path(&self, holder: &str) -> Result<PathBuf, ImageError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let length = (1..=MAX_HOLDER).contains(&holder.len());
        if length && holder.bytes().all(plain) && !holder.starts_with('.') {
            return Ok(self.root.join("leases").join(holder));
        }
        Err(ImageError::Holder {
            holder: holder.to_owned(),
        })
    }

    /// Keeps the layers until [`Self::release`]; refuses layers that are gone already.
    pub(super) fn lease(
        &self,
        holder: &str,
        layers: &[String],
        stored: &Layers,
    ) -> Result<(), ImageError> {
        let path = self.path(holder)?;
        let _held = lock::keep_layers(&self.root)?;
        for layer in layers {
            if !stored.contains(&Digest::parse(layer)?) {
                return Err(ImageError::LayerMissing {
                    layer: layer.clone(),
                });
            }
        }
        durable::write_unsynced(&path, &stored.scratch(), &layers)
    }

    /// Gives a lease back; does nothing if there is none.
    pub(super) fn release(&self, holder: &str, index: &Index) -> Result<(), ImageError> {
        durable::remove(&self.path(holder)?)?;
        self.sweep_if_wanted(index)
    }

    pub(super) fn sweep_if_wanted(&self, index: &Index) -> Result<(), ImageError> {
        if self.root.join(WANTED).exists() {
            self.sweep(index)
        } else {
            Ok(())
        }
    }

    /// Notes that some layer may have lost its last name.
    pub(super) fn want_sweep(&self) -> Result<PathBuf, ImageError> {
        let wanted = self.root.join(WANTED);
        fs::write(&wanted, b"").map_err(|error| ImageError::io(&wanted, error))?;
        Ok(wanted)
    }

    /// Deletes layers that neither an image nor a lease names, and half-made ones. While
    /// somebody makes layers it is put off until the next occasion.
    pub(super) fn sweep(&self, index: &Index) -> Result<(), ImageError> {
        let wanted = self.want_sweep()?;
        let Some(_held) = lock::try_sweep(&self.root)? else {
            return Ok(());
        };
        let (named, leased) = (self.named(index)?, self.leased()?);
        let (layers, scratch) = (self.root.join("layers"), self.root.join("tmp"));
        empty(&scratch)?;
        let mut kept_by_lease = false;
        for name in durable::names(&layers)? {
            if named.contains(&name) {
                continue;
            }
            if leased.contains(&name) {
                kept_by_lease = true;
                continue;
            }
            let (from, to) = (layers.join(&name), scratch.join(&name));
            fs::rename(&from, &to).map_err(|error| ImageError::io(&from, error))?;
        }
        empty(&scratch)?;
        if kept_by_lease {
            Ok(())
        } else {
            durable::remove(&wanted)
        }
    }

    fn named(&self, index: &Index) -> Result<BTreeSet<String>, ImageError> {
        let records = index.all()?;
        Ok(records
            .iter()
            .flat_map(|record| &record.layers)
            .map(|layer| hex(layer))
            .collect())
    }

    fn leased(&self) -> Result<BTreeSet<String>, ImageError> {
        let folder = self.root.join("leases");
        let mut leased = BTreeSet::new();
        for holder in durable::names(&folder)? {
            // Not synced when written: what a power failure made of it has no container any more.
            let text = fs::read(folder.join(holder)).unwrap_or_default();
            let layers: Vec<String> = serde_json::from_slice(&text).unwrap_or_default();
            leased.extend(layers.iter().map(|layer| hex(layer)));
        }
        Ok(leased)
    }
}

fn hex(digest: &str) -> String {
    digest.strip_prefix("sha256:").unwrap_or(digest).to_owned()
}

fn empty(folder: &Path) -> Result<(), ImageError> {
    for name in durable::names(folder)? {
        let path = folder.join(name);
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.map_err(|error| ImageError::io(&path, error))?;
    }
    Ok(())
}
