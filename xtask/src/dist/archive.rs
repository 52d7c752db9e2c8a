//! Archives whose bytes depend on nothing but their files: root owns everything, at one moment.

use std::collections::BTreeSet;
use std::io::Write as _;

use flate2::{Compression, GzBuilder};
use tar::{EntryType, Header};

use super::tree::{Mode, Tree};

/// A tar archive with the folders that its files are in.
pub(super) fn tar(tree: &Tree, at: u64) -> anyhow::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut made = BTreeSet::new();
    for (path, entry) in tree.entries() {
        for (end, _) in path.match_indices('/') {
            if made.insert(&path[..end]) {
                append(
                    &mut builder,
                    &path[..=end],
                    EntryType::Directory,
                    0o755,
                    &[],
                    at,
                )?;
            }
        }
        let (kind, mode) = match entry.mode {
            Mode::Program => (EntryType::Regular, 0o755),
            Mode::Data => (EntryType::Regular, 0o644),
            Mode::PrivateFolder => (EntryType::Directory, 0o700),
        };
        append(&mut builder, path, kind, mode, &entry.bytes, at)?;
    }
    Ok(builder.into_inner()?)
}

fn append(
    builder: &mut tar::Builder<Vec<u8>>,
    path: &str,
    kind: EntryType,
    mode: u32,
    bytes: &[u8],
    at: u64,
) -> anyhow::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(at);
    header.set_uid(0);
    header.set_gid(0);
    header.set_username("root")?;
    header.set_groupname("root")?;
    header.set_size(bytes.len().try_into()?);
    Ok(builder.append_data(&mut header, path, bytes)?)
}

pub(super) fn tar_gz(tree: &Tree, at: u64) -> anyhow::Result<Vec<u8>> {
    gzip(&tar(tree, at)?)
}

/// Without a name or a moment in its head.
pub(super) fn gzip(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_have_their_folders_once_and_are_the_same_each_time() {
        let mut tree = Tree::default();
        tree.add("a/b/two", "2", Mode::Data);
        tree.add("a/b/one", "1", Mode::Program);
        tree.add("a/state", "", Mode::PrivateFolder);
        let bytes = tar(&tree, 7).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let seen: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                assert_eq!(header.mtime().unwrap(), 7);
                let path = entry.path().unwrap().display().to_string();
                format!("{:o} {path}", header.mode().unwrap())
            })
            .collect();
        let expected = [
            "755 a/",
            "755 a/b/",
            "755 a/b/one",
            "644 a/b/two",
            "700 a/state",
        ];
        assert_eq!(seen, expected);
        assert_eq!(tar_gz(&tree, 7).unwrap(), tar_gz(&tree, 7).unwrap());
    }
}
