//! Writing below one folder and nowhere else, whatever names an archive contains.
//!
//! Names are resolved here, component by component, as a process inside the layer would see
//! them: an absolute symbolic link starts at the layer's root. `..` above the root and links to
//! folders that the layer does not have are refused. The folder found that way is then opened
//! with `openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)`, so that the kernel checks it again.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat, XattrFlags};
use rustix::io::Errno;

use super::error::ImageError;

/// As many symbolic links as the kernel follows in one path.
const MAX_LINKS: u32 = 40;

/// Marks a folder whose content in lower layers is hidden (overlayfs).
const OPAQUE: &str = "trusted.overlay.opaque";

pub(super) struct Tree {
    root: OwnedFd,
    path: PathBuf,
    /// The folder of the previous entry: archives are mostly sorted by folder.
    last: Option<(PathBuf, Rc<OwnedFd>)>,
    /// Folders made because an entry needed them, which have had no entry of their own.
    pub(super) implied: BTreeSet<PathBuf>,
}

/// Where an entry goes: an open folder inside the tree and a name in it.
pub(super) struct Place {
    folder: Rc<OwnedFd>,
    /// Path below the root, free of symbolic links.
    pub(super) path: PathBuf,
    pub(super) name: OsString,
}

impl Place {
    pub(super) fn folder(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }

    /// The same folder, another name.
    pub(super) fn sibling(&self, name: &OsStr) -> Self {
        Self {
            folder: Rc::clone(&self.folder),
            path: self.path.with_file_name(name),
            name: name.to_owned(),
        }
    }
}

/// Whether missing folders are made on the way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Make,
    Refuse,
}

impl Tree {
    /// Makes the folder and opens it.
    pub(super) fn create(path: &Path) -> Result<Self, ImageError> {
        let failed = |error| ImageError::io(path, error);
        fs::create_dir(path).map_err(failed)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| failed(e.into()))?;
        Ok(Self {
            root,
            path: path.to_owned(),
            last: None,
            implied: BTreeSet::new(),
        })
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// The path on the host, for calls that have no form with a folder descriptor.
    pub(super) fn host_path(&self, place: &Place) -> PathBuf {
        self.path.join(&place.path)
    }

    /// Finds the place of an entry and makes the folders it needs; `None` is the root itself.
    pub(super) fn place(&mut self, entry: &[u8]) -> Result<Option<Place>, ImageError> {
        let names = components(entry)?;
        let Some((name, folders)) = names.split_last() else {
            return Ok(None);
        };
        self.open(folders, name, entry, Missing::Make).map(Some)
    }

    /// Finds the existing file that a hard link names.
    pub(super) fn target(&mut self, target: &[u8]) -> Result<Place, ImageError> {
        let names = components(target)?;
        match names.split_last() {
            Some((name, folders)) => self.open(folders, name, target, Missing::Refuse),
            None => Err(outside(target, "a hard link names the root folder")),
        }
    }

    /// What is at the place, symbolic links not followed.
    pub(super) fn stat(&self, place: &Place) -> Result<Option<Stat>, ImageError> {
        match rustix::fs::statat(place.folder(), &place.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.failed(place, error)),
        }
    }

    /// Removes whatever is at the place; answers whether that was a whiteout.
    pub(super) fn clear(&mut self, place: &Place) -> Result<bool, ImageError> {
        let Some(stat) = self.stat(place)? else {
            return Ok(false);
        };
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            self.last = None;
            self.implied.retain(|path| !path.starts_with(&place.path));
            let path = self.host_path(place);
            fs::remove_dir_all(&path).map_err(|error| ImageError::io(&path, error))?;
            return Ok(false);
        }
        rustix::fs::unlinkat(place.folder(), &place.name, AtFlags::empty())
            .map_err(|error| self.failed(place, error))?;
        Ok(is_whiteout(&stat))
    }

    /// Makes the folder, or keeps the one that is there.
    pub(super) fn make_folder(&mut self, place: &Place) -> Result<(), ImageError> {
        let existing = self.stat(place)?;
        if existing.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir()) {
            return Ok(());
        }
        let hid_lower_layers = self.clear(place)?;
        rustix::fs::mkdirat(place.folder(), &place.name, Mode::from_raw_mode(0o755))
            .map_err(|error| self.failed(place, error))?;
        if hid_lower_layers {
            self.make_opaque(&place.path)
        } else {
            Ok(())
        }
    }

    /// Makes the place hide what lower layers have there. What this layer itself has stays.
    pub(super) fn white_out(&mut self, place: &Place) -> Result<(), ImageError> {
        match self.stat(place)? {
            Some(stat) if FileType::from_raw_mode(stat.st_mode).is_dir() => {
                self.make_opaque(&place.path)
            }
            Some(_) => Ok(()),
            None => {
                let (kind, mode) = (FileType::CharacterDevice, Mode::empty());
                rustix::fs::mknodat(place.folder(), &place.name, kind, mode, 0)
                    .map_err(|error| self.failed(place, error))
            }
        }
    }

    /// `folder` is a path below the root, as in [`Place::path`].
    pub(super) fn make_opaque(&self, folder: &Path) -> Result<(), ImageError> {
        let path = self.path.join(folder);
        rustix::fs::lsetxattr(&path, OPAQUE, b"y", XattrFlags::empty())
            .map_err(|error| ImageError::io(&path, error))
    }

    pub(super) fn failed(&self, place: &Place, error: Errno) -> ImageError {
        ImageError::io(&self.host_path(place), error)
    }

    fn open(
        &mut self,
        folders: &[&OsStr],
        name: &OsStr,
        entry: &[u8],
        missing: Missing,
    ) -> Result<Place, ImageError> {
        let wanted: PathBuf = folders.iter().collect();
        if let Some((path, folder)) = self.last.as_ref().filter(|(path, _)| *path == wanted) {
            let path = path.join(name);
            return Ok(Place {
                folder: Rc::clone(folder),
                path,
                name: name.to_owned(),
            });
        }
        let found = self.resolve(folders, entry, missing)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let limits = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        let start = if found.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &found
        };
        let folder = rustix::fs::openat2(&self.root, start, flags, Mode::empty(), limits)
            .map_err(|error| ImageError::io(&self.path.join(&found), error))?;
        let folder = Rc::new(folder);
        self.last = Some((found.clone(), Rc::clone(&folder)));
        Ok(Place {
            folder,
            path: found.join(name),
            name: name.to_owned(),
        })
    }

    /// The folder that `folders` lead to, as a path without symbolic links.
    fn resolve(
        &mut self,
        folders: &[&OsStr],
        entry: &[u8],
        missing: Missing,
    ) -> Result<PathBuf, ImageError> {
        let mut found = PathBuf::new();
        let mut rest: VecDeque<OsString> = folders.iter().map(|&name| name.to_owned()).collect();
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            if name == ".." {
                if !found.pop() {
                    return Err(outside(entry, "a symbolic link leads above the root"));
                }
                continue;
            }
            let next = found.join(&name);
            match self.kind(&next)? {
                Some(FileType::Directory) => found = next,
                Some(FileType::Symlink) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(outside(entry, "its folders are links to each other"));
                    }
                    if self.follow(&next, &mut rest)? {
                        found = PathBuf::new();
                    }
                }
                kind => {
                    self.fill_gap(&next, kind, (entry, missing, links > 0))?;
                    found = next;
                }
            }
        }
        Ok(found)
    }

    /// What is at a path below the root; `None` also for a whiteout of this layer, which a
    /// folder may replace.
    fn kind(&self, path: &Path) -> Result<Option<FileType>, ImageError> {
        match rustix::fs::statat(&self.root, path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if is_whiteout(&stat) => Ok(None),
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(ImageError::io(&self.path.join(path), error)),
        }
    }

    /// Puts the target of a link in front of the rest; answers whether it starts at the root.
    fn follow(&self, link: &Path, rest: &mut VecDeque<OsString>) -> Result<bool, ImageError> {
        let target = rustix::fs::readlinkat(&self.root, link, Vec::new())
            .map_err(|error| ImageError::io(&self.path.join(link), error))?;
        let target = target.as_bytes();
        for name in target.split(|byte| *byte == b'/').rev() {
            if !name.is_empty() && name != b"." {
                rest.push_front(OsString::from_vec(name.to_vec()));
            }
        }
        Ok(target.starts_with(b"/"))
    }

    fn fill_gap(
        &mut self,
        path: &Path,
        kind: Option<FileType>,
        (entry, missing, through_link): (&[u8], Missing, bool),
    ) -> Result<(), ImageError> {
        let what = || format!("entry `{}`", String::from_utf8_lossy(entry));
        if through_link {
            return Err(outside(entry, "a symbolic link leads out of the layer"));
        }
        if kind.is_some() {
            return Err(ImageError::corrupt(what(), "one of its folders is a file"));
        }
        if missing == Missing::Refuse {
            return Err(ImageError::corrupt(
                what(),
                "a hard link names a missing file",
            ));
        }
        let folder = rustix::io::fcntl_dupfd_cloexec(&self.root, 0)
            .map_err(|error| ImageError::io(&self.path, error))?;
        // A path relative to the root serves as the name: all its folders are known.
        let place = Place {
            folder: Rc::new(folder),
            path: path.to_owned(),
            name: path.as_os_str().to_owned(),
        };
        self.make_folder(&place)?;
        self.implied.insert(path.to_owned());
        Ok(())
    }
}

fn components(entry: &[u8]) -> Result<Vec<&OsStr>, ImageError> {
    let names: Vec<&OsStr> = entry
        .split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty() && *name != b".")
        .map(OsStr::from_bytes)
        .collect();
    if names.iter().any(|name| *name == "..") {
        return Err(outside(entry, "its name contains `..`"));
    }
    if entry.starts_with(b"/") && !names.is_empty() {
        return Err(outside(entry, "its name is absolute"));
    }
    Ok(names)
}

/// Overlayfs reads a character device 0:0 as "not here".
fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

fn outside(entry: &[u8], cause: &str) -> ImageError {
    let entry = String::from_utf8_lossy(entry).into_owned();
    ImageError::PathOutside {
        entry,
        cause: cause.to_owned(),
    }
}
