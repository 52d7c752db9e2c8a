//! Image archives as `docker save` writes them, sound and broken.

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

/// An entry of a layer. Names go into the archive as they are, however bad.
pub(crate) enum Item<'a> {
    File(&'a str, &'a [u8]),
    Symlink(&'a str, &'a str),
}

/// A layer: a tar archive of the items.
pub(crate) fn layer(items: &[Item<'_>]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for item in items {
        let (name, target, content) = match *item {
            Item::File(name, content) => (name, "", content),
            Item::Symlink(name, target) => (name, target, &b""[..]),
        };
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(match item {
            Item::File(..) => EntryType::Regular,
            Item::Symlink(..) => EntryType::Symlink,
        });
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.append(&header, content).unwrap();
    }
    archive.into_inner().unwrap()
}

/// An image whose configuration describes `layer`, with `content` in its place.
pub(crate) fn saved(name: &str, architecture: &str, layer: &[u8], content: &[u8]) -> Vec<u8> {
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "config": { "Cmd": ["/bin/app"] },
        "rootfs": { "type": "layers", "diff_ids": [digest(layer)] },
    });
    let manifest =
        json!([{ "Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"] }]);
    let members = [
        ("config.json", config.to_string().into_bytes()),
        ("layer.tar", content.to_vec()),
        ("manifest.json", manifest.to_string().into_bytes()),
    ];
    let mut archive = Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, content.as_slice())
            .unwrap();
    }
    archive.into_inner().unwrap()
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// This machine's architecture in the words of images, then another.
pub(crate) fn architectures() -> [&'static str; 2] {
    if cfg!(target_arch = "aarch64") {
        ["arm64", "amd64"]
    } else {
        ["amd64", "arm64"]
    }
}
