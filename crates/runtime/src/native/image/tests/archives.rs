//! Layers and image archives, made in memory.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use super::super::digest::Digest;
use super::super::record::HOST_ARCHITECTURE;

pub(super) const OCI_TAR: &str = "application/vnd.oci.image.layer.v1.tar";
pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An entry of a layer. Names go into the archive as they are, however bad.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'a> {
    Dir(&'a str),
    File(&'a str, &'a str),
    Symlink(&'a str, &'a str),
    Hard(&'a str, &'a str),
    Char(&'a str, u32, u32),
}

pub(super) fn header(kind: EntryType, name: &str, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(if kind == EntryType::Directory {
        0o755
    } else {
        0o644
    });
    header.set_size(size);
    header.set_mtime(1_700_000_000);
    header.set_cksum();
    header
}

fn link(kind: EntryType, name: &str, target: &str) -> Header {
    let mut header = header(kind, name, 0);
    header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.set_cksum();
    header
}

/// A tar archive of the items.
pub(super) fn layer(items: &[Item<'_>]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for item in items {
        let (header, content) = match *item {
            Item::Dir(name) => (header(EntryType::Directory, name, 0), ""),
            Item::File(name, content) => (
                header(EntryType::Regular, name, content.len() as u64),
                content,
            ),
            Item::Symlink(name, target) => (link(EntryType::Symlink, name, target), ""),
            Item::Hard(name, target) => (link(EntryType::Link, name, target), ""),
            Item::Char(name, major, minor) => {
                let mut header = header(EntryType::Char, name, 0);
                header.set_device_major(major).unwrap();
                header.set_device_minor(minor).unwrap();
                header.set_cksum();
                (header, "")
            }
        };
        archive.append(&header, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

/// A tar archive of named files.
pub(super) fn members(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, content.as_slice())
            .unwrap();
    }
    archive.into_inner().unwrap()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

/// A blob's place in a layout.
pub(super) fn blob_name(bytes: &[u8]) -> String {
    format!("blobs/sha256/{}", Digest::of(bytes).hex())
}

/// An image in memory.
pub(super) struct TestImage {
    pub(super) config: Vec<u8>,
    /// Blobs as they travel, with their media types.
    pub(super) layers: Vec<(Vec<u8>, String)>,
}

impl TestImage {
    /// Of uncompressed layers, for this host.
    pub(super) fn new(layers: &[Vec<u8>]) -> Self {
        Self::for_architecture(layers, HOST_ARCHITECTURE)
    }

    pub(super) fn for_architecture(layers: &[Vec<u8>], architecture: &str) -> Self {
        let config = json!({
            "architecture": architecture, "os": "linux", "created": "2026-01-02T03:04:05Z",
            "config": { "Cmd": ["/bin/app"], "Env": ["A=1"], "StopSignal": "SIGQUIT" },
            "rootfs": {
                "type": "layers",
                "diff_ids": layers.iter().map(|layer| digest(layer)).collect::<Vec<_>>(),
            },
        });
        let plain = |layer: &Vec<u8>| (layer.clone(), OCI_TAR.to_owned());
        Self {
            config: config.to_string().into(),
            layers: layers.iter().map(plain).collect(),
        }
    }

    /// The same image with its layers in another form.
    pub(super) fn packed(mut self, suffix: &str, pack: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        for (blob, kind) in &mut self.layers {
            *blob = pack(blob);
            *kind = format!("{OCI_TAR}{suffix}");
        }
        self
    }

    pub(super) fn id(&self) -> String {
        digest(&self.config)
    }

    pub(super) fn manifest(&self) -> Vec<u8> {
        let layer = |(blob, kind): &(Vec<u8>, String)| json!({ "mediaType": kind, "digest": digest(blob), "size": blob.len() });
        let manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": self.id(), "size": self.config.len(),
            },
            "layers": self.layers.iter().map(layer).collect::<Vec<_>>(),
        });
        manifest.to_string().into()
    }

    /// Configuration and layers.
    pub(super) fn blobs(&self) -> Vec<Vec<u8>> {
        let layers = self.layers.iter().map(|(blob, _)| blob.clone());
        std::iter::once(self.config.clone()).chain(layers).collect()
    }
}

/// An entry of an index.
pub(super) fn entry(manifest: &[u8], architecture: Option<&str>, name: Option<&str>) -> Value {
    let mut entry = json!({
        "mediaType": OCI_MANIFEST, "digest": digest(manifest), "size": manifest.len(),
    });
    if let Some(architecture) = architecture {
        entry["platform"] = json!({ "os": "linux", "architecture": architecture });
    }
    if let Some(name) = name {
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    }
    entry
}

pub(super) fn index(entries: &[Value]) -> Vec<u8> {
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
    index.to_string().into()
}

/// The members of an OCI image layout with these blobs.
pub(super) fn layout_members(index: Vec<u8>, blobs: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![
        (
            "oci-layout".to_owned(),
            br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
        ),
        ("index.json".to_owned(), index),
    ];
    files.extend(blobs.iter().map(|blob| (blob_name(blob), blob.clone())));
    files
}

/// The members of a layout with one named image.
pub(super) fn layout_of(image: &TestImage, name: &str) -> Vec<(String, Vec<u8>)> {
    let manifest = image.manifest();
    let mut blobs = image.blobs();
    blobs.push(manifest.clone());
    layout_members(index(&[entry(&manifest, None, Some(name))]), &blobs)
}

/// What `docker save` wrote before it wrote layouts.
pub(super) fn saved(image: &TestImage, names: &[&str]) -> Vec<(String, Vec<u8>)> {
    let config_name = format!("{}.json", image.id().trim_start_matches("sha256:"));
    let mut files = vec![(config_name.clone(), image.config.clone())];
    let mut layers = Vec::new();
    for (position, (blob, _)) in image.layers.iter().enumerate() {
        layers.push(format!("{position}/layer.tar"));
        files.push((format!("{position}/layer.tar"), blob.clone()));
    }
    let manifest = json!([{ "Config": config_name, "RepoTags": names, "Layers": layers }]);
    files.push(("manifest.json".to_owned(), manifest.to_string().into()));
    files
}
