//! The container image of Longshore itself, as one archive that `docker load`, `podman load` and
//! `longshore image load` read: an OCI layout with the index of `docker save` beside it.

use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::archive;
use super::binary::Binary;
use super::tree::{Mode, Tree};
use crate::paths;

const OCI: &str = "application/vnd.oci.image";
/// The authorities that registries and AWS are checked by: those of Debian's ca-certificates, and
/// nothing that the build machine trusts besides.
const AUTHORITIES: &str = "/usr/share/ca-certificates/mozilla";

pub(super) fn archive(binary: &Binary, version: &str, at: u64) -> anyhow::Result<Vec<u8>> {
    let layer = archive::tar(&root(binary)?, at)?;
    let packed = archive::gzip(&layer)?;
    let config = config(&digest(&layer), version, at)?;
    let mut tree = Tree::default();
    let layer = blob(&mut tree, packed, &format!("{OCI}.layer.v1.tar+gzip"));
    let config = blob(&mut tree, config, &format!("{OCI}.config.v1+json"));
    let manifest = json!({
        "schemaVersion": 2, "mediaType": format!("{OCI}.manifest.v1+json"),
        "config": config, "layers": [layer],
    });
    let name = format!("longshore:{version}");
    let saved = json!([{
        "Config": path(&config), "RepoTags": [name], "Layers": [path(&layer)],
    }]);
    let manifest = serde_json::to_vec(&manifest)?;
    let mut listed = blob(&mut tree, manifest, &format!("{OCI}.manifest.v1+json"));
    listed["annotations"] = json!({
        "io.containerd.image.name": format!("docker.io/library/{name}"),
        "org.opencontainers.image.ref.name": version,
    });
    let index = json!({
        "schemaVersion": 2, "mediaType": format!("{OCI}.index.v1+json"), "manifests": [listed],
    });
    tree.add("index.json", serde_json::to_vec(&index)?, Mode::Data);
    tree.add("manifest.json", serde_json::to_vec(&saved)?, Mode::Data);
    tree.add(
        "oci-layout",
        r#"{"imageLayoutVersion":"1.0.0"}"#,
        Mode::Data,
    );
    archive::tar(&tree, at)
}

/// The binary, the libraries that it needs, and what tells it who to trust.
fn root(binary: &Binary) -> anyhow::Result<Tree> {
    let mut tree = Tree::default();
    tree.add("usr/bin/longshore", binary.bytes.clone(), Mode::Program);
    for library in binary.library_files()? {
        let path = library.display().to_string();
        let bytes = std::fs::read(&library).with_context(|| path.clone())?;
        tree.add(path.trim_start_matches('/'), bytes, Mode::Program);
    }
    let authorities = authorities()?;
    tree.add("etc/ssl/certs/ca-certificates.crt", authorities, Mode::Data);
    for paper in ["LICENSE", "NOTICE"] {
        let path = format!("usr/share/doc/longshore/{paper}");
        tree.add_file(&path, &paths::workspace().join(paper))?;
    }
    let settings = paths::workspace().join("packaging/container.toml");
    tree.add_file("etc/longshore/config.toml", &settings)?;
    tree.add(
        "etc/passwd",
        "root:x:0:0:root:/var/lib/longshore:/bin/false\n",
        Mode::Data,
    );
    tree.add("etc/group", "root:x:0:\n", Mode::Data);
    tree.add("var/lib/longshore", "", Mode::PrivateFolder);
    // Programs want a place for what is short-lived.
    tree.add("tmp", "", Mode::PrivateFolder);
    Ok(tree)
}

/// All of them in one file.
fn authorities() -> anyhow::Result<Vec<u8>> {
    let missing = "the package ca-certificates is needed for the container image";
    let mut tree = Tree::default();
    tree.add_folder("", Path::new(AUTHORITIES))
        .context(missing)?;
    let all: Vec<&[u8]> = tree
        .entries()
        .map(|(_, entry)| entry.bytes.as_slice())
        .collect();
    Ok(all.concat())
}

fn config(layer: &str, version: &str, at: u64) -> anyhow::Result<Vec<u8>> {
    let config = json!({
        "architecture": architecture(), "os": "linux", "created": timestamp(at),
        "config": {
            "Entrypoint": ["/usr/bin/longshore"],
            "Cmd": ["up", "--listen", "0.0.0.0:8327", "--driver", "docker"],
            "Env": [
                "PATH=/usr/bin", "HOME=/var/lib/longshore",
                "LONGSHORE_DATA_DIR=/var/lib/longshore",
                "LONGSHORE_CONFIG=/etc/longshore/config.toml",
            ],
            "ExposedPorts": { "8327/tcp": {} },
            "Volumes": { "/var/lib/longshore": {} },
            "Labels": {
                "org.opencontainers.image.title": "Longshore",
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.licenses": "Apache-2.0",
            },
        },
        "rootfs": { "type": "layers", "diff_ids": [layer] },
        "history": [{ "created": timestamp(at), "created_by": "cargo xtask dist" }],
    });
    Ok(serde_json::to_vec(&config)?)
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Puts the bytes under their digest; how others refer to them.
fn blob(tree: &mut Tree, bytes: Vec<u8>, kind: &str) -> Value {
    let digest = digest(&bytes);
    let described = json!({ "mediaType": kind, "digest": digest, "size": bytes.len() });
    tree.add(&path(&described), bytes, Mode::Data);
    described
}

fn path(described: &Value) -> String {
    let digest = described["digest"].as_str().unwrap_or_default();
    format!("blobs/{}", digest.replacen(':', "/", 1))
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// RFC 3339, in UTC.
fn timestamp(at: u64) -> String {
    let (days, seconds) = (at / 86_400, at % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Days since 1970 in the calendar; years are counted from March, so that leap days come last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_in_the_calendar() {
        for (at, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
        ] {
            assert_eq!(timestamp(at), expected);
        }
    }
}
