//! The image store of the native driver: images pulled from a registry, loaded from an archive
//! or imported from a plain root file system, unpacked once per layer and found by name.
//!
//! ```text
//! <root>/refs/<hash of the name>   points to a record
//!        images/<hex>.json         records
//!        layers/<hex>/fs           unpacked layers, ready for overlayfs
//!        leases/<container>        layers in use
//!        tmp/                      what is being made
//! ```
//!
//! Several processes may use one store (the server and `longshore image …`), see [`lock`].
//! Nothing appears under its name before it is complete, verified and on the disk.

mod archive;
mod digest;
mod durable;
mod error;
mod headers;
mod identity;
mod import;
mod index;
mod layers;
mod lease;
mod lock;
mod manifest;
mod pull;
mod record;
mod registry;
#[cfg(test)]
mod tests;
mod tree;
mod unpack;

use std::fs::{self, DirBuilder};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use crate::registry::{Login, Reference, Registries, RegistryError};
pub use error::ImageError;
pub use pull::{OnProgress, Progress};
pub use record::{ImageConfig, ImageRecord};

use crate::registry as reference;
use archive::{Described, Members};
use digest::Digest;
use index::Index;
use layers::{Expected, Layers};
use lease::Leases;
use record::ConfigFile;
use unpack::Limits;

/// Marks a layer whose root hides everything below (see [`ImageStore::layer_paths`]).
const OPAQUE: &str = "trusted.overlay.opaque";

/// Hex digits that are enough to name an image by its id.
const SHORT_ID: usize = 12;

/// Images and their layers below one folder. Clones share it.
#[derive(Clone)]
pub struct ImageStore {
    inner: Arc<Inner>,
    registries: Arc<Registries>,
}

struct Inner {
    root: PathBuf,
    layers: Layers,
    index: Index,
    leases: Leases,
    turns: pull::Turns,
}

/// What to import.
pub enum Source<'a> {
    /// A folder that holds a root file system. Sockets in it are left out.
    Dir(&'a Path),
    /// A tar archive of one, plain or compressed with gzip or zstd.
    Tar(&'a mut dyn Read),
}

/// What [`ImageStore::remove`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Names that are gone.
    pub untagged: Vec<String>,
    /// The id of the image, if that was its last name. Its layers are deleted once no other
    /// image has them and no container holds them.
    pub deleted: Option<String>,
}

impl ImageStore {
    /// Opens the store below `root` and makes it if it does not exist. Only its owner can look
    /// inside: layers contain setuid programs.
    pub fn open(root: &Path) -> Result<Self, ImageError> {
        Self::open_with(root, Limits::default())
    }

    fn open_with(root: &Path, limits: Limits) -> Result<Self, ImageError> {
        for folder in ["refs", "images", "layers", "leases", "tmp"] {
            let path = root.join(folder);
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&path)
                .map_err(|error| ImageError::io(&path, error))?;
        }
        let root = fs::canonicalize(root).map_err(|error| ImageError::io(root, error))?;
        let inner = Inner {
            layers: Layers::new(&root, limits),
            index: Index::new(&root),
            leases: Leases::new(&root),
            turns: pull::Turns::default(),
            root,
        };
        let store = Self {
            inner: Arc::new(inner),
            registries: Arc::default(),
        };
        store.sweep()?;
        Ok(store)
    }

    /// The same store, with credentials and insecure registries for [`Self::pull`].
    #[must_use]
    pub fn with_registries(self, registries: Registries) -> Self {
        Self {
            registries: Arc::new(registries),
            ..self
        }
    }

    /// Makes an image of one layer from a plain root file system, for this host's architecture.
    pub fn import(
        &self,
        source: Source<'_>,
        reference: &Reference,
        config: ImageConfig,
    ) -> Result<ImageRecord, ImageError> {
        self.keeping_layers(|| {
            let diff = match source {
                Source::Tar(tar) => self.import_layer(tar, "the archive")?,
                Source::Dir(folder) => {
                    let (reader, stream) = import::stream(folder)?;
                    let made = self.import_layer(reader, "the folder");
                    stream.finish().and(made)?
                }
            };
            let config = ConfigFile::of_import(config, diff.to_string());
            let bytes = serde_json::to_vec(&config)
                .map_err(|error| ImageError::corrupt("the image configuration", error))?;
            let references = vec![reference::full_name(reference)];
            let id = Digest::of(&bytes);
            self.record(Described {
                references,
                digest: None,
                id,
                config,
                layers: Vec::new(),
            })
        })
    }

    fn import_layer(&self, tar: impl Read, what: &str) -> Result<Digest, ImageError> {
        self.inner.layers.make(tar, &Expected::default(), what)
    }

    /// Loads every image of an archive, all or none: an OCI image layout or what `docker save`
    /// writes, plain or compressed. Of a multi-platform image it takes this host's. Whether a
    /// single-platform image fits is asked when it is used ([`ImageRecord::check_architecture`]).
    pub fn load(&self, reader: impl Read) -> Result<Vec<ImageRecord>, ImageError> {
        self.keeping_layers(|| {
            let members = Members::read(reader, &self.inner.layers)?;
            let mut images = members.images()?;
            for image in &mut images {
                self.make_layers(image)?;
            }
            images.into_iter().map(|image| self.record(image)).collect()
        })
    }

    fn make_layers(&self, image: &mut Described) -> Result<(), ImageError> {
        let diffs = &image.config.rootfs.diff_ids;
        if diffs.len() != image.layers.len() {
            let cause = "its layers are not those of its configuration";
            return Err(ImageError::corrupt(format!("image {}", image.id), cause));
        }
        for (diff, (path, expected)) in diffs.iter().zip(std::mem::take(&mut image.layers)) {
            let diff = Digest::parse(diff)?;
            if self.inner.layers.contains(&diff) {
                continue;
            }
            let file = fs::File::open(&path).map_err(|error| ImageError::io(&path, error))?;
            let what = match &expected.blob {
                Some(blob) => format!("layer {blob}"),
                None => format!("layer {diff}"),
            };
            let expected = Expected {
                diff: Some(diff),
                ..expected
            };
            self.inner.layers.make(file, &expected, &what)?;
        }
        Ok(())
    }

    /// The images of a store that may not exist yet, without making or sweeping it.
    pub fn look(root: &Path) -> Result<Vec<ImageRecord>, ImageError> {
        if root.join("images").is_dir() {
            Index::new(root).all()
        } else {
            Ok(Vec::new())
        }
    }

    /// Every image, by id.
    pub fn list(&self) -> Result<Vec<ImageRecord>, ImageError> {
        self.inner.index.all()
    }

    /// The image of a name in any spelling, of an id (`sha256:…`) or of its first 12 or more
    /// digits. Reads two small files.
    pub fn find(&self, reference: &str) -> Result<Option<ImageRecord>, ImageError> {
        let hex = reference.strip_prefix("sha256:").unwrap_or(reference);
        let is_id = (SHORT_ID..=64).contains(&hex.len())
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        match reference::parse(reference) {
            Ok(name) => {
                let found = self.inner.index.by_name(&reference::full_name(&name))?;
                if found.is_some() || !is_id {
                    return Ok(found);
                }
            }
            Err(error) if !is_id => return Err(error.into()),
            Err(_) => {}
        }
        self.inner.index.by_id(hex)
    }

    /// The image that a container of this name is made of: found under its own name, else under
    /// that at its mirror.
    pub fn find_for_use(&self, reference: &str) -> Result<Option<ImageRecord>, ImageError> {
        for name in self.registries.local_names(reference) {
            if let Some(found) = self.find(&name)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Takes a name from its image, or all names if it is given by id, and forgets an image
    /// without names. The names by digest go with the last tag. Never refuses because of
    /// running containers: their leases keep the layers until they are released.
    pub fn remove(&self, reference_or_id: &str) -> Result<Removed, ImageError> {
        let missing = || ImageError::NotFound {
            reference: reference_or_id.to_owned(),
        };
        let image = self.find(reference_or_id)?.ok_or_else(missing)?;
        let name = reference::parse(reference_or_id).map(|name| reference::full_name(&name));
        let is_tag = |name: &&String| !name.contains('@');
        let untagged: Vec<String> = match name.ok().filter(|name| image.references.contains(name)) {
            Some(name)
                if image
                    .references
                    .iter()
                    .filter(is_tag)
                    .any(|tag| *tag != name) =>
            {
                vec![name]
            }
            _ => image.references.clone(),
        };
        let id = image.id.clone();
        let forgotten = {
            let _held = lock::keep_layers(&self.inner.root)?;
            self.inner
                .index
                .take_names(image, &untagged.iter().collect::<Vec<_>>())?
        };
        if forgotten {
            self.sweep()?;
        }
        Ok(Removed {
            untagged,
            deleted: forgotten.then_some(id),
        })
    }

    /// Pulls the image and waits for it. An image that is in the store under this name, or under
    /// that at its mirror, is answered without asking the registry, also for tags: `longshore
    /// image rm` makes the next pull fetch a newer one. Otherwise its mirror is asked if it has one. `login` goes before
    /// what the registries' own configuration has. Refuses images of another architecture.
    pub async fn pull(
        &self,
        reference: &str,
        login: Option<Login>,
        progress: OnProgress,
    ) -> Result<ImageRecord, ImageError> {
        let record = match self.find_for_use(reference)? {
            Some(found) => found,
            None => pull::pull(self, &reference::parse(reference)?, login, &progress).await?,
        };
        record.check_architecture(&format!("`{reference}`"))?;
        Ok(record)
    }

    /// The folders to stack, bottom first. A layer whose root is marked opaque hides what is
    /// below, which overlayfs does not do for the root itself: the list begins with it.
    pub fn layer_paths(&self, image: &ImageRecord) -> Vec<PathBuf> {
        let digests = image
            .layers
            .iter()
            .filter_map(|layer| Digest::parse(layer).ok());
        let mut paths: Vec<PathBuf> = digests.map(|diff| self.inner.layers.files(&diff)).collect();
        let opaque = |path: &PathBuf| rustix::fs::lgetxattr(path, OPAQUE, &mut [0; 1]).is_ok();
        let first = paths.iter().rposition(opaque).unwrap_or(0);
        paths.drain(..first);
        paths
    }

    /// Keeps the layers for `holder`, a container, until [`Self::release`], whatever becomes of
    /// the image. A second lease of the same holder replaces the first.
    pub fn lease(&self, holder: &str, layers: &[String]) -> Result<(), ImageError> {
        self.inner.leases.lease(holder, layers, &self.inner.layers)
    }

    /// Ends the lease; does nothing if there is none.
    pub fn release(&self, holder: &str) -> Result<(), ImageError> {
        self.inner.leases.release(holder, &self.inner.index)
    }

    fn sweep(&self) -> Result<(), ImageError> {
        self.inner.leases.sweep(&self.inner.index)
    }

    /// Runs what makes layers. What it leaves without a name is deleted: layers of an image
    /// that failed, and those of one that lost its last name.
    fn keeping_layers<T>(
        &self,
        work: impl FnOnce() -> Result<T, ImageError>,
    ) -> Result<T, ImageError> {
        let held = lock::keep_layers(&self.inner.root)?;
        let outcome = work();
        drop(held);
        self.sweep()?;
        outcome
    }

    /// Keeps an image all of whose layers are there.
    fn record(&self, mut image: Described) -> Result<ImageRecord, ImageError> {
        let layers = image.config.rootfs.diff_ids.clone();
        let digests: Vec<Digest> = layers
            .iter()
            .map(|layer| Digest::parse(layer))
            .collect::<Result<_, _>>()?;
        self.inner.layers.settle(&digests)?;
        let mut size_bytes = 0;
        for (digest, layer) in digests.iter().zip(&layers) {
            let bytes = self.inner.layers.bytes(digest)?;
            size_bytes += bytes.ok_or(ImageError::LayerMissing {
                layer: layer.clone(),
            })?;
        }
        let id = image.id.to_string();
        if image.references.is_empty() {
            image.references.push(id.clone());
        }
        let record = ImageRecord {
            references: image.references,
            digest: image.digest.map(|digest| digest.to_string()),
            id,
            layers,
            config: image.config.image_config(),
            architecture: image.config.architecture,
            os: image.config.os,
            size_bytes,
            created_at: image.config.created,
        };
        self.inner.index.save(record)
    }
}
