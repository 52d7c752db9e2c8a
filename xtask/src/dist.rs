//! `cargo xtask dist`: the ways to get Longshore, in one folder: an archive per platform, a Debian
//! package, a container image, an SBOM, and the sums of all. The same source, binary and machine
//! give the same bytes.

mod archive;
mod binary;
mod debian;
mod image;
mod moment;
mod pages;
mod sbom;
mod tree;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::{paths, programs, say, shell};
use binary::Binary;
use tree::{Mode, Tree};

/// What is shipped beside the binary, from the folder of the workspace.
const PAPERS: [&str; 4] = ["CHANGELOG.md", "LICENSE", "NOTICE", "README.md"];

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// Instead of a fresh release build.
    binary: Option<PathBuf>,
    /// Instead of `target/dist`.
    folder: Option<PathBuf>,
}

pub(crate) fn run(words: &[&str]) -> anyhow::Result<()> {
    let options = options(words)?;
    let binary = match options.binary {
        Some(path) => path,
        None => programs::release()?,
    };
    let binary = Binary::read(&binary)?;
    let folder = options.folder.unwrap_or_else(folder);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    for (name, bytes) in products(&binary)? {
        std::fs::write(folder.join(&name), &bytes).with_context(|| name.clone())?;
        say(&format!("{:>9} KiB  {name}", bytes.len().div_ceil(1024)));
    }
    let sums = sums(&folder)?;
    std::fs::write(folder.join("SHA256SUMS"), sums)?;
    say(&format!("all of it is in {}", folder.display()));
    Ok(())
}

/// Where `run` puts the archive unless it is told otherwise.
pub(crate) fn archive_path() -> PathBuf {
    folder().join(format!("{}.tar.gz", name()))
}

fn folder() -> PathBuf {
    paths::workspace().join("target/dist")
}

/// What files are called, before their ends.
fn name() -> String {
    let (machine, system) = (std::env::consts::ARCH, std::env::consts::OS);
    format!("longshore-{VERSION}-{machine}-{system}")
}

fn options(words: &[&str]) -> anyhow::Result<Options> {
    let mut options = Options::default();
    for pair in words.chunks(2) {
        match pair {
            ["--binary", path] => options.binary = Some(std::path::absolute(path)?),
            ["--out", path] => options.folder = Some(std::path::absolute(path)?),
            _ => anyhow::bail!("usage: cargo xtask dist [--binary FILE] [--out DIR]"),
        }
    }
    Ok(options)
}

/// Name and content of each file.
fn products(binary: &Binary) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let at = moment::seconds()?;
    let (version, name) = (VERSION, name());
    let pages = pages::of(&binary.path)?;
    let archive = archive_tree(binary, &pages)?.below(&name);
    let mut products = vec![
        (format!("{name}.tar.gz"), archive::tar_gz(&archive, at)?),
        (format!("{name}.cdx.json"), sbom::of(version)?),
    ];
    // Elsewhere there are neither Debian packages nor Linux containers to put the binary in.
    if cfg!(target_os = "linux") {
        let package = debian::package(binary, &pages, version, at)?;
        products.push((debian::file_name(version)?, package));
        products.push((
            format!("{name}.oci.tar"),
            image::archive(binary, version, at)?,
        ));
    }
    Ok(products)
}

/// What a person unpacks.
fn archive_tree(binary: &Binary, pages: &Tree) -> anyhow::Result<Tree> {
    let mut tree = Tree::default();
    tree.add("longshore", binary.bytes.clone(), Mode::Program);
    for paper in PAPERS {
        tree.add_file(paper, &paths::workspace().join(paper))?;
    }
    for folder in ["docs", "examples", "packaging"] {
        tree.add_folder(folder, &paths::workspace().join(folder))?;
    }
    for (path, entry) in pages.entries() {
        tree.add(path, entry.bytes.clone(), entry.mode);
    }
    Ok(tree)
}

/// Lines as `sha256sum --check` reads them.
fn sums(folder: &Path) -> anyhow::Result<String> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let digest = hex::encode(Sha256::digest(std::fs::read(entry.path())?));
        lines.push(format!("{digest}  {}\n", entry.file_name().display()));
    }
    lines.sort_by(|a, b| a[66..].cmp(&b[66..]));
    Ok(lines.concat())
}

/// What a program prints when it ends well.
fn answer(program: &Path, words: &[&str]) -> anyhow::Result<Vec<u8>> {
    let mut command = shell::command(program);
    let done = command.args(words).env("LC_ALL", "C").output();
    let done = done.with_context(|| program.display().to_string())?;
    let told = String::from_utf8_lossy(&done.stderr);
    let words = words.join(" ");
    anyhow::ensure!(
        done.status.success(),
        "{} {words}: {told}",
        program.display()
    );
    Ok(done.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_in_pairs() {
        assert_eq!(options(&[]).unwrap(), Options::default());
        let given = options(&["--out", "/a", "--binary", "/b"]).unwrap();
        assert_eq!(given.folder.as_deref(), Some(Path::new("/a")));
        assert_eq!(given.binary.as_deref(), Some(Path::new("/b")));
        for wrong in [&["--out"][..], &["--skip", "x"]] {
            assert!(options(wrong).is_err(), "{wrong:?}");
        }
    }
}
