//! Names of images. `refs/<hash of the full name>` points to `images/<hex>.json`, which holds
//! the record and is the truth: a pointer counts only if the record lists its name. So a crash
//! between two writes leaves a name that points nowhere, never one that points to a wrong image.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::durable;
use super::error::ImageError;
use super::lock;
use super::record::ImageRecord;

pub(super) struct Index {
    root: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Pointer {
    reference: String,
    id: String,
}

impl Index {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    fn scratch(&self) -> PathBuf {
        self.root.join("tmp")
    }

    fn pointer_path(&self, name: &str) -> PathBuf {
        self.root
            .join("refs")
            .join(Digest::of(name.as_bytes()).hex())
    }

    fn record_path(&self, id: &str) -> PathBuf {
        let hex = id.strip_prefix("sha256:").unwrap_or(id);
        self.root.join("images").join(format!("{hex}.json"))
    }

    /// The image of a full name.
    pub(super) fn by_name(&self, name: &str) -> Result<Option<ImageRecord>, ImageError> {
        let Some(pointer) = durable::read::<Pointer>(&self.pointer_path(name))? else {
            return Ok(None);
        };
        let record: Option<ImageRecord> = durable::read(&self.record_path(&pointer.id))?;
        Ok(record.filter(|record| record.references.iter().any(|listed| listed == name)))
    }

    /// The image whose id starts with these hex digits, if exactly one does.
    pub(super) fn by_id(&self, hex: &str) -> Result<Option<ImageRecord>, ImageError> {
        let mut records = self.all()?;
        records.retain(|record| {
            record
                .id
                .strip_prefix("sha256:")
                .is_some_and(|id| id.starts_with(hex))
        });
        Ok(if records.len() == 1 {
            records.pop()
        } else {
            None
        })
    }

    pub(super) fn all(&self) -> Result<Vec<ImageRecord>, ImageError> {
        let mut records = Vec::new();
        let folder = self.root.join("images");
        for name in durable::names(&folder)? {
            records.extend(durable::read(&folder.join(name))?);
        }
        Ok(records)
    }

    /// Keeps the image under its names, beside those it already has. A name that belonged to
    /// another image moves. Answers the record as kept.
    pub(super) fn save(&self, record: ImageRecord) -> Result<ImageRecord, ImageError> {
        let _lock = lock::change_names(&self.root)?;
        let names = record.references.clone();
        for name in &names {
            if let Some(owner) = self.by_name(name)?.filter(|owner| owner.id != record.id) {
                self.drop_names(owner, &[name])?;
            }
        }
        let record = self.merged(record)?;
        durable::write(&self.record_path(&record.id), &self.scratch(), &record)?;
        for name in names {
            let pointer = Pointer {
                reference: name,
                id: record.id.clone(),
            };
            durable::write(
                &self.pointer_path(&pointer.reference),
                &self.scratch(),
                &pointer,
            )?;
        }
        Ok(record)
    }

    fn merged(&self, mut record: ImageRecord) -> Result<ImageRecord, ImageError> {
        if let Some(known) = durable::read::<ImageRecord>(&self.record_path(&record.id))? {
            record.references.extend(known.references);
            record.digest = record.digest.or(known.digest);
        }
        record.references.sort();
        record.references.dedup();
        Ok(record)
    }

    /// Takes names from the image; answers whether it was forgotten because none is left.
    pub(super) fn take_names(
        &self,
        record: ImageRecord,
        names: &[&String],
    ) -> Result<bool, ImageError> {
        let _lock = lock::change_names(&self.root)?;
        match durable::read(&self.record_path(&record.id))? {
            Some(current) => self.drop_names(current, names),
            None => Ok(true),
        }
    }

    /// With the lock held.
    fn drop_names(&self, mut record: ImageRecord, names: &[&String]) -> Result<bool, ImageError> {
        record.references.retain(|name| !names.contains(&name));
        let path = self.record_path(&record.id);
        let forgotten = record.references.is_empty();
        if forgotten {
            durable::remove(&path)?;
        } else {
            durable::write(&path, &self.scratch(), &record)?;
        }
        for name in names {
            durable::remove(&self.pointer_path(name))?;
        }
        Ok(forgotten)
    }
}
