//! The Debian package: an `ar` archive of a version, of control files and of what is installed.
//! Written here and not by `dpkg-deb`, so that it can be made on every Linux.

use anyhow::Context as _;

use super::archive;
use super::binary::{Binary, Needs};
use super::tree::{Mode, Tree};
use crate::paths;

/// Where the unit looks for settings; a file that belongs to the operator once it is changed.
const CONFIGURATION: &str = "etc/longshore/config.toml";

/// The package of Debian that brings a library.
const PACKAGES: [(&str, &str); 5] = [
    ("ld-linux-aarch64.so.1", "libc6"),
    ("ld-linux-x86-64.so.2", "libc6"),
    ("libc.so.6", "libc6"),
    ("libgcc_s.so.1", "libgcc-s1"),
    ("libm.so.6", "libc6"),
];

/// From `packaging`, path by path.
const INSTALLED: [(&str, &str); 2] = [
    (
        "packaging/longshore.service",
        "usr/lib/systemd/system/longshore.service",
    ),
    ("packaging/config.toml", CONFIGURATION),
];

pub(super) fn file_name(version: &str) -> anyhow::Result<String> {
    Ok(format!("longshore_{version}_{}.deb", architecture()?))
}

/// Debian's word for what this was built for.
fn architecture() -> anyhow::Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        other => anyhow::bail!("Debian's name for {other} is not known"),
    }
}

pub(super) fn package(
    binary: &Binary,
    pages: &Tree,
    version: &str,
    at: u64,
) -> anyhow::Result<Vec<u8>> {
    let data = installed(binary, pages)?;
    let size: usize = data.entries().map(|(_, entry)| entry.bytes.len()).sum();
    let control = control(&depends(&binary.needs()?)?, version, size.div_ceil(1024))?;
    Ok(ar(
        &[
            ("debian-binary", b"2.0\n".to_vec()),
            ("control.tar.gz", archive::tar_gz(&control.below("."), at)?),
            ("data.tar.gz", archive::tar_gz(&data.below("."), at)?),
        ],
        at,
    ))
}

/// What the package puts on a machine.
fn installed(binary: &Binary, pages: &Tree) -> anyhow::Result<Tree> {
    let workspace = paths::workspace();
    let mut tree = Tree::default();
    tree.add("usr/bin/longshore", binary.bytes.clone(), Mode::Program);
    for (from, to) in INSTALLED {
        tree.add_file(to, &workspace.join(from))?;
    }
    let papers = "usr/share/doc/longshore";
    tree.add_file(&format!("{papers}/copyright"), &workspace.join("NOTICE"))?;
    tree.add_file(&format!("{papers}/LICENSE"), &workspace.join("LICENSE"))?;
    let changes = std::fs::read(workspace.join("CHANGELOG.md"))?;
    let path = format!("{papers}/changelog.gz");
    tree.add(&path, archive::gzip(&changes)?, Mode::Data);
    tree.add_folder(&format!("{papers}/examples"), &workspace.join("examples"))?;
    for (path, entry) in pages.entries() {
        let (path, bytes) = match path.split_once('/') {
            Some(("man", name)) => (
                format!("usr/share/man/man1/{name}.gz"),
                archive::gzip(&entry.bytes)?,
            ),
            _ => (completion_path(path)?.to_owned(), entry.bytes.clone()),
        };
        tree.add(&path, bytes, Mode::Data);
    }
    Ok(tree)
}

/// Where each shell of Debian looks.
fn completion_path(path: &str) -> anyhow::Result<&'static str> {
    Ok(match path {
        "completions/longshore.bash" => "usr/share/bash-completion/completions/longshore",
        "completions/longshore.fish" => "usr/share/fish/vendor_completions.d/longshore.fish",
        "completions/_longshore" => "usr/share/zsh/vendor-completions/_longshore",
        other => anyhow::bail!("no place for {other}"),
    })
}

/// The control files of the package.
fn control(depends: &str, version: &str, kibibytes: usize) -> anyhow::Result<Tree> {
    let mut tree = Tree::default();
    let text = format!(
        "Package: longshore\n\
         Version: {version}\n\
         Architecture: {}\n\
         Maintainer: The Longshore authors <longshore@localhost>\n\
         Installed-Size: {kibibytes}\n\
         Depends: {depends}\n\
         Suggests: docker.io\n\
         Section: admin\n\
         Priority: optional\n\
         Description: Amazon ECS on your own shore\n \
         One binary that speaks the ECS API, schedules like ECS and runs the containers of task\n \
         definitions on this machine, without an AWS account.\n",
        architecture()?
    );
    tree.add("control", text, Mode::Data);
    tree.add("conffiles", format!("/{CONFIGURATION}\n"), Mode::Data);
    for script in ["postinst", "prerm", "postrm"] {
        let path = paths::workspace().join("packaging/debian").join(script);
        let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
        tree.add(script, text, Mode::Program);
    }
    Ok(tree)
}

/// The packages that bring the libraries, those of the C library in a version that has the symbols.
fn depends(needs: &Needs) -> anyhow::Result<String> {
    let mut packages = std::collections::BTreeSet::new();
    for library in &needs.libraries {
        let known = PACKAGES.iter().find(|(name, _)| name == library);
        let (_, package) = known.with_context(|| {
            format!("no Debian package is known for {library}; add it to PACKAGES")
        })?;
        packages.insert(*package);
    }
    let (major, minor) = needs.glibc;
    let spelt = packages.into_iter().map(|package| match package {
        "libc6" => format!("libc6 (>= {major}.{minor})"),
        other => other.to_owned(),
    });
    Ok(spelt.collect::<Vec<_>>().join(", "))
}

/// The old archive format of Unix: a head of 60 bytes before each member, which begins at an
/// even place.
fn ar(members: &[(&str, Vec<u8>)], at: u64) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let size = content.len();
        let head = format!(
            "{name:<16}{at:<12}{:<6}{:<6}{:<8}{size:<10}`\n",
            0, 0, 100_644
        );
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(content);
        if size % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(libraries: &[&str], expected: Result<&str, &str>) {
        let needs = Needs {
            libraries: libraries.iter().map(|&name| name.to_owned()).collect(),
            glibc: (2, 34),
        };
        let found = depends(&needs).map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn a_library_is_had_from_its_package() {
        check(
            &["libc.so.6", "libm.so.6", "libgcc_s.so.1"],
            Ok("libc6 (>= 2.34), libgcc-s1"),
        );
        check(
            &["libelf.so.1"],
            Err("no Debian package is known for libelf.so.1; add it to PACKAGES"),
        );
    }

    #[test]
    fn members_of_an_archive_begin_at_even_places() {
        let bytes = ar(&[("a", b"xyz".to_vec()), ("b", b"".to_vec())], 5);
        let text = String::from_utf8(bytes).unwrap();
        let head = |name: &str, size: u32| {
            format!("{name:<16}5           0     0     100644  {size:<10}`\n")
        };
        assert_eq!(
            text,
            format!("!<arch>\n{}xyz\n{}", head("a", 3), head("b", 0))
        );
    }
}
