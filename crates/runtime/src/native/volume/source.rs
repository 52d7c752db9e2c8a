//! What is mounted, found or made: folders of the host and volumes of the driver.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;

use super::shown;

/// The content of a volume lies one folder deeper, so that what guards it is not in it.
const CONTENT: &str = "data";

/// A named volume below `root`, made when it is missing.
pub(super) fn volume(root: &Path, name: &str) -> io::Result<OwnedFd> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(io::Error::other(format!(
            "{name:?} is no name of a volume; rename it"
        )));
    }
    let folder = root.join(name);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    let content = folder.join(CONTENT);
    match fs::DirBuilder::new().mode(0o755).create(&content) {
        Ok(()) => fs::set_permissions(&content, fs::Permissions::from_mode(0o755))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::DIRECTORY | OFlags::NOFOLLOW;
    Ok(rustix::fs::open(content, flags, Mode::empty())?)
}

/// A folder or file of the host. What is missing on the way is made, as engines do. Links are
/// followed; each step is looked at where it has led to, which must be inside `within`.
pub(super) fn folder(path: &str, within: &str) -> io::Result<OwnedFd> {
    let rest = Path::new(path).strip_prefix(within).ok();
    let rest = rest.filter(|_| within.starts_with('/')).ok_or_else(|| {
        io::Error::other(format!(
            "the folder {path} is in no folder that volumes.bind or volumes.efs of the \
             configuration allows; add it there"
        ))
    })?;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let base = rustix::fs::open(within, flags | OFlags::DIRECTORY, Mode::empty());
    let base = base.map_err(|errno| {
        io::Error::other(format!(
            "the folder {within} cannot be opened: {}; make it",
            errno
        ))
    })?;
    let limit = real_path(&base)?;
    let mut reached = base;
    for part in rest.components() {
        let Component::Normal(name) = part else {
            return Err(io::Error::other(format!(
                "the path {path} must be without '..'"
            )));
        };
        reached = match openat(&reached, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => {
                mkdirat(&reached, name, Mode::from(0o755))?;
                let flags = flags | OFlags::DIRECTORY | OFlags::NOFOLLOW;
                openat(&reached, name, flags, Mode::empty())?
            }
            found => found?,
        };
        let real = real_path(&reached)?;
        if !real.starts_with(&limit) {
            return Err(io::Error::other(format!(
                "{path} leads by a link to {}, out of {within}, which volumes.bind or volumes.efs \
                 of the configuration allows; add that folder there or mend the link",
                real.display()
            )));
        }
    }
    Ok(reached)
}

/// Where a descriptor has led to.
pub(super) fn real_path(file: &OwnedFd) -> io::Result<PathBuf> {
    fs::read_link(shown(file))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[track_caller]
    fn check(rest: &str, expected: Result<&str, &str>) {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let within = dir.join("allowed");
        fs::create_dir_all(within.join("real/deep")).unwrap();
        fs::create_dir(dir.join("allowed-not")).unwrap();
        fs::write(within.join("file"), "").unwrap();
        symlink(&dir, within.join("up")).unwrap();
        symlink("../allowed-not", within.join("beside")).unwrap();
        symlink("/proc/self/root/etc", within.join("magic")).unwrap();
        symlink(within.join("real"), within.join("inside")).unwrap();
        symlink("nowhere", within.join("dangling")).unwrap();
        let within = within.display().to_string();
        let found = folder(&format!("{within}{rest}"), &within);
        let found = found.and_then(|file| real_path(&file));
        match (found, expected) {
            (Ok(path), Ok(expected)) => {
                assert_eq!(path.display().to_string(), format!("{within}{expected}"));
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, expected) => panic!("{rest}: {found:?}, not {expected:?}"),
        }
        assert!(!dir.join("allowed-not/made").exists());
        assert!(!dir.join("made").exists());
    }

    #[test]
    fn links_are_followed_but_never_out_of_what_is_allowed() {
        check("", Ok(""));
        check("/real/deep", Ok("/real/deep"));
        check("/file", Ok("/file"));
        check("/inside/deep", Ok("/real/deep"));
        check("/new/made", Ok("/new/made"));
        check("/up", Err("leads by a link to"));
        check("/up/made", Err("leads by a link to"));
        check("/up/allowed/real", Err("leads by a link to"));
        check("/beside/made", Err("leads by a link to"));
        check("/magic", Err("leads by a link to"));
        check("/dangling", Err("File exists"));
        check("/real/../..", Err("without '..'"));
        check("/file/x", Err("Not a directory"));
    }

    #[test]
    fn a_folder_that_is_not_allowed_is_refused() {
        for within in ["", "/srv/other", "relative"] {
            let error = folder("/srv/data", within).unwrap_err().to_string();
            assert!(error.contains("in no folder that volumes.bind"), "{error}");
        }
    }

    #[test]
    fn a_volumes_name_is_no_path() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["", "..", "a/b", "a\0"] {
            assert!(volume(dir.path(), name).is_err(), "{name:?}");
        }
        assert!(volume(dir.path(), "a-b_C1").is_ok());
    }
}
