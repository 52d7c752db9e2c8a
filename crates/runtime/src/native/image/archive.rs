//! Image archives: OCI image layouts and what `docker save` writes, from a file or a pipe.
//!
//! Members may come in any order, and a pipe cannot be read twice, so they are kept in a folder
//! of the store first, under numbers: names from the archive are only compared, never opened.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;

use serde::Deserialize;
use tar::{Archive, Entry, EntryType};
use tempfile::TempDir;

use super::digest::Digest;
use super::error::ImageError;
use super::headers::Tape;
use super::layers::{Expected, Layers, decompress};
use super::manifest::{Descriptor, Document, choose};
use super::record::ConfigFile;
use crate::registry as reference;

/// Bytes of a manifest, an index or a configuration.
pub(super) const MAX_DOCUMENT: u64 = 8 << 20;

/// Indexes may point to indexes; real ones do it once.
const MAX_DEPTH: u32 = 3;

/// Links between members followed for one name.
const MAX_ALIASES: u32 = 8;

const WHAT: &str = "the image archive";

/// An image of the archive, ready to be stored.
pub(super) struct Described {
    /// Full names.
    pub(super) references: Vec<String>,
    pub(super) digest: Option<Digest>,
    pub(super) id: Digest,
    pub(super) config: ConfigFile,
    pub(super) layers: Vec<(PathBuf, Expected)>,
}

/// The members of an archive, kept until this is dropped.
pub(super) struct Members {
    folder: TempDir,
    files: BTreeMap<String, Member>,
}

enum Member {
    File(PathBuf),
    /// Another name: old `docker save` archives link layers that are the same.
    Alias(String),
}

/// An entry of `manifest.json` in a `docker save` archive.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SavedImage {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

impl Members {
    pub(super) fn read(source: impl Read, layers: &Layers) -> Result<Self, ImageError> {
        let mut members = Self {
            folder: layers.stage()?,
            files: BTreeMap::new(),
        };
        let stream = decompress(source).map_err(|error| ImageError::reading(WHAT, &error))?;
        let (tape, heads) = Tape::new(stream);
        let mut archive = Archive::new(tape);
        let mut entries = archive
            .entries()
            .map_err(|error| ImageError::reading(WHAT, &error))?;
        let (mut count, mut bytes) = (0_u64, 0_u64);
        loop {
            heads.start();
            let Some(entry) = entries.next() else { break };
            let mut entry = entry.map_err(|error| unreadable(count, &error))?;
            heads.stop().map_err(|error| unreadable(count, &error))?;
            count += 1;
            if count > layers.limits.entries {
                return Err(ImageError::TooManyEntries {
                    limit: layers.limits.entries,
                });
            }
            bytes = entry.size().saturating_add(bytes);
            if bytes > layers.limits.bytes {
                let limit = layers.limits.bytes;
                return Err(ImageError::TooLarge {
                    what: WHAT.to_owned(),
                    limit,
                });
            }
            members.add(&mut entry)?;
        }
        Ok(members)
    }

    fn add(&mut self, entry: &mut Entry<'_, impl Read>) -> Result<(), ImageError> {
        let name = clean("", &String::from_utf8_lossy(&entry.path_bytes()));
        let target = entry
            .link_name_bytes()
            .map(|name| String::from_utf8_lossy(&name).into_owned());
        match (entry.header().entry_type(), target) {
            (EntryType::Regular | EntryType::Continuous, _) => self.add_file(name, entry),
            (EntryType::Symlink, Some(target)) => {
                let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                let target = clean(folder, &target);
                self.files.insert(name, Member::Alias(target));
                Ok(())
            }
            (EntryType::Link, Some(target)) => {
                self.files.insert(name, Member::Alias(clean("", &target)));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add_file(
        &mut self,
        name: String,
        entry: &mut Entry<'_, impl Read>,
    ) -> Result<(), ImageError> {
        let size = entry.size();
        let path = self.folder.path().join(self.files.len().to_string());
        let mut file = File::create(&path).map_err(|error| ImageError::io(&path, error))?;
        let copied = io::copy(entry, &mut file).map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                ImageError::io(&path, error)
            }
            _ => ImageError::reading(WHAT, &error),
        })?;
        if copied < size {
            return Err(ImageError::Truncated {
                what: WHAT.to_owned(),
            });
        }
        self.files.insert(name, Member::File(path));
        Ok(())
    }

    /// All images of the archive.
    pub(super) fn images(&self) -> Result<Vec<Described>, ImageError> {
        // Newer `docker save` archives are both; `manifest.json` says which platform was saved.
        if self.files.contains_key("manifest.json") {
            return self.saved();
        }
        if self.files.contains_key("index.json") {
            return self.layout();
        }
        let cause = "it has neither manifest.json nor index.json".to_owned();
        Err(ImageError::NotAnArchive { cause })
    }

    fn saved(&self) -> Result<Vec<Described>, ImageError> {
        let list: Vec<SavedImage> = serde_json::from_slice(&self.document("manifest.json")?)
            .map_err(|error| ImageError::corrupt("manifest.json", error))?;
        list.into_iter()
            .map(|image| self.saved_image(image))
            .collect()
    }

    fn saved_image(&self, image: SavedImage) -> Result<Described, ImageError> {
        let bytes = self.document(&image.config)?;
        let id = Digest::of(&bytes);
        // The file is named after its digest; a name of another form promises nothing.
        let stem = image
            .config
            .trim_end_matches(".json")
            .rsplit('/')
            .next()
            .unwrap_or_default();
        if let Ok(named) = Digest::parse(&format!("sha256:{stem}")) {
            id.expect(&named, "the image configuration")?;
        }
        let layers = image
            .layers
            .iter()
            .map(|name| Ok((self.path(name)?, Expected::default())))
            .collect::<Result<_, ImageError>>()?;
        let references = image.repo_tags.unwrap_or_default();
        let references = references
            .iter()
            .map(|name| reference::parse(name).map(|name| reference::full_name(&name)))
            .collect::<Result<_, _>>()?;
        let config = ConfigFile::parse(&bytes)?;
        Ok(Described {
            references,
            digest: None,
            id,
            config,
            layers,
        })
    }

    fn layout(&self) -> Result<Vec<Described>, ImageError> {
        let index = Document::parse(&self.document("index.json")?, "index.json")?;
        let mut images: BTreeMap<Digest, Described> = BTreeMap::new();
        for entry in index.manifests.unwrap_or_default() {
            if entry.is_attestation() {
                continue;
            }
            let image = self.layout_image(&entry, 0)?;
            match images.get_mut(&image.id) {
                Some(known) => known.references.extend(image.references),
                None => drop(images.insert(image.id.clone(), image)),
            }
        }
        Ok(images.into_values().collect())
    }

    fn layout_image(&self, entry: &Descriptor, depth: u32) -> Result<Described, ImageError> {
        let digest = entry.digest()?;
        let name = image_name(entry);
        let what = format!("manifest {digest}");
        let document = Document::parse(&self.blob(&digest)?, &what)?;
        if let Some(entries) = &document.manifests {
            if depth >= MAX_DEPTH {
                return Err(ImageError::corrupt(what, "indexes are nested too deeply"));
            }
            let shown = name.as_deref().unwrap_or("of the archive");
            let mut image = self.layout_image(choose(entries, shown)?, depth + 1)?;
            image.references.extend(names(name.as_deref(), &digest)?);
            return Ok(image);
        }
        let references = names(name.as_deref(), &digest)?;
        let Some(config) = &document.config else {
            return Err(ImageError::corrupt(what, "it names no configuration"));
        };
        let id = config.digest()?;
        let config = ConfigFile::parse(&self.blob(&id)?)?;
        let mut layers = Vec::new();
        for layer in &document.layers {
            layer.check_layer()?;
            let blob = layer.digest()?;
            let path = self.path(&blob_name(&blob))?;
            layers.push((
                path,
                Expected {
                    blob: Some(blob),
                    diff: None,
                },
            ));
        }
        Ok(Described {
            references,
            digest: Some(digest),
            id,
            config,
            layers,
        })
    }

    fn path(&self, name: &str) -> Result<PathBuf, ImageError> {
        let mut wanted = clean("", name);
        for _ in 0..MAX_ALIASES {
            match self.files.get(&wanted) {
                Some(Member::File(path)) => return Ok(path.clone()),
                Some(Member::Alias(target)) => wanted.clone_from(target),
                None => break,
            }
        }
        Err(ImageError::corrupt(
            WHAT,
            format!("`{name}` is missing, so it is not complete"),
        ))
    }

    fn document(&self, name: &str) -> Result<Vec<u8>, ImageError> {
        let path = self.path(name)?;
        let failed = |error| ImageError::io(&path, error);
        if fs::metadata(&path).map_err(failed)?.len() > MAX_DOCUMENT {
            return Err(ImageError::TooLarge {
                what: name.to_owned(),
                limit: MAX_DOCUMENT,
            });
        }
        fs::read(&path).map_err(failed)
    }

    fn blob(&self, digest: &Digest) -> Result<Vec<u8>, ImageError> {
        let bytes = self.document(&blob_name(digest))?;
        Digest::of(&bytes).expect(digest, "a document of the image archive")?;
        Ok(bytes)
    }
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// The name in an index: containerd writes the whole name, others the annotation of the
/// specification, which holds a whole name too unless it came with containerd's.
fn image_name(entry: &Descriptor) -> Option<String> {
    let annotation = |key: &str| entry.annotations.get(key).cloned();
    annotation("io.containerd.image.name")
        .or_else(|| annotation("org.opencontainers.image.ref.name"))
}

/// The full names of a named manifest: by tag and by digest.
fn names(name: Option<&str>, digest: &Digest) -> Result<Vec<String>, ImageError> {
    let Some(name) = name else {
        return Ok(Vec::new());
    };
    let name = reference::parse(name)?;
    let by_digest = reference::digest_name(&name, &digest.to_string());
    Ok(vec![reference::full_name(&name), by_digest])
}

/// A member's name in one form: without `.`, `..` and doubled slashes.
fn clean(folder: &str, name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(name.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// An error at the very first header means that this is something else altogether.
fn unreadable(entries: u64, error: &io::Error) -> ImageError {
    if entries == 0 && error.kind() != io::ErrorKind::UnexpectedEof {
        return ImageError::NotAnArchive {
            cause: error.to_string(),
        };
    }
    ImageError::reading(WHAT, error)
}
