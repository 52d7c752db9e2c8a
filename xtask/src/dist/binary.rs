//! The binary, and what it needs of the system that runs it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::answer;

pub(super) struct Binary {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
}

/// What the dynamic section of a program asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Like `libc.so.6`.
    pub(super) libraries: BTreeSet<String>,
    /// The newest symbols that it takes from the GNU C library, like (2, 34).
    pub(super) glibc: (u32, u32),
}

impl Binary {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        let path = path.to_owned();
        Ok(Self { path, bytes })
    }

    /// By binutils, which the linker came with.
    pub(super) fn needs(&self) -> anyhow::Result<Needs> {
        let path = self.path.display().to_string();
        let words = ["--wide", "--dynamic", "--version-info", &path];
        Ok(needs(&String::from_utf8(answer(
            "readelf".as_ref(),
            &words,
        )?)?))
    }

    /// The files that the loader of this machine takes for it, itself among them.
    pub(super) fn library_files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let path = self.path.display().to_string();
        let told = String::from_utf8(answer("ldd".as_ref(), &[&path])?)?;
        Ok(library_files(&told))
    }
}

fn needs(told: &str) -> Needs {
    let mut needs = Needs::default();
    for line in told.lines() {
        if let Some((_, name)) = line.split_once("(NEEDED)") {
            let name = name
                .split_once('[')
                .and_then(|(_, rest)| rest.split_once(']'));
            needs
                .libraries
                .extend(name.map(|(name, _)| name.to_owned()));
        }
        let versions = line.split("Name: GLIBC_").skip(1);
        let newest = versions
            .filter_map(|rest| version(rest.split_whitespace().next()?))
            .max();
        needs.glibc = needs.glibc.max(newest.unwrap_or_default());
    }
    needs
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split('.').map(str::parse::<u32>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Lines like `libc.so.6 => /lib/libc.so.6 (0x7f)` and `/lib64/ld-linux-x86-64.so.2 (0x7f)`.
fn library_files(told: &str) -> Vec<PathBuf> {
    let lines = told.lines().filter_map(|line| {
        let file = line.rsplit_once("=> ").map_or(line, |(_, file)| file);
        let file = file.trim().split(" (").next()?;
        file.starts_with('/').then(|| PathBuf::from(file))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_read_from_the_dynamic_section() {
        let told = "\
 0x0000000000000001 (NEEDED)             Shared library: [libgcc_s.so.1]
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
 0x000000000000000c (INIT)               0x3000
  0x0010:   Name: GLIBC_2.4  Flags: none  Version: 5
  0x0020:   Name: GLIBC_2.34  Flags: none  Version: 4
  0x0030:   Name: GCC_3.0  Flags: none  Version: 3";
        let found = needs(told);
        assert!(found.libraries.iter().eq(["libc.so.6", "libgcc_s.so.1"]));
        assert_eq!(found.glibc, (2, 34));
    }

    #[test]
    fn files_of_libraries_are_read_as_the_loader_tells_them() {
        let told = "\
\tlinux-vdso.so.1 (0x00007ffc)
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f)";
        let expected = [
            "/lib/x86_64-linux-gnu/libm.so.6",
            "/lib64/ld-linux-x86-64.so.2",
        ];
        assert_eq!(library_files(told), expected.map(PathBuf::from));
    }
}
