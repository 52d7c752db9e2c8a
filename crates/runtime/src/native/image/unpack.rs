//! From a layer's tar stream to a folder that overlayfs can stack.
//!
//! Whiteouts (OCI image specification, `layer.md`) become what overlayfs understands: `.wh.NAME`
//! a character device 0:0 called NAME, `.wh..wh..opq` the attribute `trusted.overlay.opaque`.
//! Both hide lower layers only, never what this layer has itself. Owners, modes with setuid,
//! times, attributes, hard links and devices are kept; devices inside a container stay behind
//! the device rules of its cgroup.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags, makedev,
};
use rustix::io::Errno;
use tar::{Archive, Entry, EntryType};

use super::error::ImageError;
use super::headers::{Metadata, PaxRecords, Tape};
use super::tree::{Place, Tree};

/// Prefix of the names that hide a file of a lower layer.
const WHITEOUT: &[u8] = b".wh.";

/// Hides everything lower layers have in the same folder.
const WHITEOUT_ALL: &[u8] = b".wh..wh..opq";

/// Bytes copied at a time.
const BUFFER: usize = 128 << 10;

/// Bounds on one layer; generous, they only stop archives made to fill the disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) entries: u64,
    /// Bytes of all files; for an image archive those of all members.
    pub(super) bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 4_000_000,
            bytes: 256 << 30,
        }
    }
}

/// What one layer unpacked to.
pub(super) struct Unpacked {
    /// Bytes of all files.
    pub(super) bytes: u64,
    /// Folders the archive uses without describing them, parents first.
    pub(super) implied: Vec<PathBuf>,
}

/// Unpacks into `folder`, which must not exist. The stream is read up to the end mark.
pub(super) fn unpack(
    stream: impl Read,
    folder: &Path,
    limits: Limits,
) -> Result<Unpacked, ImageError> {
    let mut unpacking = Unpacking {
        tree: Tree::create(folder)?,
        limits,
        entries: 0,
        bytes: 0,
        folders: BTreeMap::new(),
        buffer: vec![0; BUFFER],
    };
    let damaged = |error: io::Error| ImageError::reading("the layer", &error);
    let (tape, heads) = Tape::new(stream);
    let mut archive = Archive::new(tape);
    let mut entries = archive.entries().map_err(damaged)?;
    loop {
        heads.start();
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.map_err(damaged)?;
        let pax = heads.stop().map_err(damaged)?;
        unpacking.entry(&mut entry, &pax)?;
        io::copy(&mut entry, &mut io::sink()).map_err(damaged)?;
    }
    unpacking.finish()
}

struct Unpacking {
    tree: Tree,
    limits: Limits,
    entries: u64,
    bytes: u64,
    /// Folders with an entry: their times are set last, after their content was written.
    folders: BTreeMap<PathBuf, (i64, i64)>,
    buffer: Vec<u8>,
}

impl Unpacking {
    fn entry(
        &mut self,
        entry: &mut Entry<'_, impl Read>,
        pax: &PaxRecords,
    ) -> Result<(), ImageError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(ImageError::TooManyEntries {
                limit: self.limits.entries,
            });
        }
        let mut kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            return Ok(());
        }
        let name = pax
            .get("path")
            .map_or_else(|| entry.path_bytes().into_owned(), <[u8]>::to_vec);
        if kind.is_file() && name.ends_with(b"/") {
            kind = EntryType::Directory; // How archives before POSIX.1-1988 say it.
        }
        let what = format!("entry `{}`", String::from_utf8_lossy(&name));
        let Some(place) = self.tree.place(&name)? else {
            return self.root(&Metadata::read(entry.header(), pax, &what)?);
        };
        if place.name.as_bytes().starts_with(WHITEOUT) {
            return self.whiteout(&place);
        }
        self.described_entry(kind, &place, entry, pax, &what)
    }

    fn described_entry(
        &mut self,
        kind: EntryType,
        place: &Place,
        entry: &mut Entry<'_, impl Read>,
        pax: &PaxRecords,
        what: &str,
    ) -> Result<(), ImageError> {
        let metadata = Metadata::read(entry.header(), pax, what)?;
        match kind {
            EntryType::Directory => {
                self.tree.make_folder(place)?;
                self.tree.implied.remove(&place.path);
                self.folders.insert(place.path.clone(), metadata.modified);
                self.describe(place, &metadata)
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                self.forget(place)?;
                self.file(place, entry, what)?;
                self.describe(place, &metadata)
            }
            EntryType::Symlink => {
                let target = link_target(entry, pax, what)?;
                self.forget(place)?;
                rustix::fs::symlinkat(OsStr::from_bytes(&target), place.folder(), &place.name)
                    .map_err(|error| self.tree.failed(place, error))?;
                self.describe_link(place, &metadata)
            }
            EntryType::Link => self.hard_link(place, &link_target(entry, pax, what)?),
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                self.device(place, entry, &metadata, what)
            }
            _ => Ok(()),
        }
    }

    /// Removes what an earlier entry of the same name made.
    fn forget(&mut self, place: &Place) -> Result<(), ImageError> {
        self.tree.clear(place)?;
        let stale: Vec<PathBuf> = self
            .folders
            .range(place.path.clone()..)
            .map(|(path, _)| path.clone())
            .take_while(|path| path.starts_with(&place.path))
            .collect();
        for path in stale {
            self.folders.remove(&path);
        }
        Ok(())
    }

    fn whiteout(&mut self, place: &Place) -> Result<(), ImageError> {
        let name = place.name.as_bytes();
        if name == WHITEOUT_ALL {
            return self
                .tree
                .make_opaque(place.path.parent().unwrap_or(Path::new("")));
        }
        match name.strip_prefix(WHITEOUT) {
            // Notes of an old union file system (`.wh..wh.plnk`), without meaning here.
            Some(hidden) if hidden.starts_with(WHITEOUT) => Ok(()),
            Some(b"" | b"." | b"..") | None => {
                let what = format!("entry `{}`", place.path.display());
                Err(ImageError::corrupt(what, "a whiteout hides no name"))
            }
            Some(hidden) => self
                .tree
                .white_out(&place.sibling(OsStr::from_bytes(hidden))),
        }
    }

    fn file(
        &mut self,
        place: &Place,
        entry: &mut Entry<'_, impl Read>,
        what: &str,
    ) -> Result<(), ImageError> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::openat(place.folder(), &place.name, flags, mode)
            .map_err(|error| self.tree.failed(place, error))?;
        let mut file = File::from(file);
        let (mut copied, size) = (0, entry.size());
        loop {
            let count = match entry.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(ImageError::reading(what, &error)),
            };
            copied += count as u64;
            self.count_bytes(count as u64)?;
            file.write_all(&self.buffer[..count])
                .map_err(|error| ImageError::io(&self.tree.host_path(place), error))?;
        }
        // The size of a sparse file is the one it unpacks to, and so is what was copied.
        if copied < size {
            Err(ImageError::Truncated {
                what: what.to_owned(),
            })
        } else {
            Ok(())
        }
    }

    fn count_bytes(&mut self, count: u64) -> Result<(), ImageError> {
        self.bytes += count;
        if self.bytes <= self.limits.bytes {
            return Ok(());
        }
        Err(ImageError::TooLarge {
            what: "a layer".to_owned(),
            limit: self.limits.bytes,
        })
    }

    fn hard_link(&mut self, place: &Place, target: &[u8]) -> Result<(), ImageError> {
        let found = self.tree.target(target)?;
        if found.path == place.path {
            return Ok(());
        }
        let missing = || {
            let what = format!("entry `{}`", place.path.display());
            ImageError::corrupt(what, "a hard link names a missing file or a folder")
        };
        match self.tree.stat(&found)? {
            Some(stat) if !FileType::from_raw_mode(stat.st_mode).is_dir() => {}
            _ => return Err(missing()),
        }
        self.forget(place)?;
        let none = AtFlags::empty();
        rustix::fs::linkat(
            found.folder(),
            &found.name,
            place.folder(),
            &place.name,
            none,
        )
        .map_err(|error| match error {
            // Clearing the place removed a folder that held the target.
            Errno::NOENT => missing(),
            error => self.tree.failed(place, error),
        })
    }

    fn device(
        &mut self,
        place: &Place,
        entry: &Entry<'_, impl Read>,
        metadata: &Metadata,
        what: &str,
    ) -> Result<(), ImageError> {
        let bad = |error: io::Error| ImageError::corrupt(what, error);
        let header = entry.header();
        let major = header.device_major().map_err(bad)?.unwrap_or(0);
        let minor = header.device_minor().map_err(bad)?.unwrap_or(0);
        let kind = match header.entry_type() {
            EntryType::Block => FileType::BlockDevice,
            EntryType::Fifo => FileType::Fifo,
            // As a file of the layer it would hide one of a lower layer.
            _ if (major, minor) == (0, 0) => return Ok(()),
            _ => FileType::CharacterDevice,
        };
        self.forget(place)?;
        let mode = Mode::from_raw_mode(metadata.mode);
        rustix::fs::mknodat(
            place.folder(),
            &place.name,
            kind,
            mode,
            makedev(major, minor),
        )
        .map_err(|error| self.tree.failed(place, error))?;
        self.describe(place, metadata)
    }

    /// Owner first (it clears setuid and capabilities), then attributes, mode and times.
    fn describe(&self, place: &Place, metadata: &Metadata) -> Result<(), ImageError> {
        let failed = |error| self.tree.failed(place, error);
        chown(place, metadata).map_err(failed)?;
        self.attributes(&self.tree.host_path(place), metadata)?;
        let mode = Mode::from_raw_mode(metadata.mode);
        rustix::fs::chmodat(place.folder(), &place.name, mode, AtFlags::empty()).map_err(failed)?;
        set_times(place, metadata).map_err(failed)
    }

    fn describe_link(&self, place: &Place, metadata: &Metadata) -> Result<(), ImageError> {
        let failed = |error| self.tree.failed(place, error);
        chown(place, metadata).map_err(failed)?;
        self.attributes(&self.tree.host_path(place), metadata)?;
        set_times(place, metadata).map_err(failed)
    }

    fn attributes(&self, path: &Path, metadata: &Metadata) -> Result<(), ImageError> {
        for (name, value) in &metadata.attributes {
            match rustix::fs::lsetxattr(path, name.as_str(), value, XattrFlags::empty()) {
                // The file system, or this kind of file, has no such attributes.
                Ok(()) | Err(Errno::OPNOTSUPP | Errno::PERM) => {}
                Err(error) => return Err(ImageError::io(path, error)),
            }
        }
        Ok(())
    }

    fn root(&mut self, metadata: &Metadata) -> Result<(), ImageError> {
        let (root, here) = (self.tree.root(), Path::new("."));
        let set = || {
            let (uid, gid) = (Uid::from_raw(metadata.uid), Gid::from_raw(metadata.gid));
            rustix::fs::chownat(root, here, Some(uid), Some(gid), AtFlags::empty())?;
            let mode = Mode::from_raw_mode(metadata.mode);
            rustix::fs::chmodat(root, here, mode, AtFlags::empty())
        };
        set().map_err(|error| ImageError::io(Path::new("/"), error))?;
        self.folders.insert(PathBuf::new(), metadata.modified);
        Ok(())
    }

    fn finish(self) -> Result<Unpacked, ImageError> {
        for (path, modified) in self.folders.iter().rev() {
            let path = if path.as_os_str().is_empty() {
                Path::new(".")
            } else {
                path
            };
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::utimensat(self.tree.root(), path, &timestamps(*modified), flags)
                .map_err(|error| ImageError::io(path, error))?;
        }
        Ok(Unpacked {
            bytes: self.bytes,
            implied: self.tree.implied.into_iter().collect(),
        })
    }
}

fn link_target(
    entry: &Entry<'_, impl Read>,
    pax: &PaxRecords,
    what: &str,
) -> Result<Vec<u8>, ImageError> {
    pax.get("linkpath")
        .map(<[u8]>::to_vec)
        .or_else(|| entry.link_name_bytes().map(|name| name.into_owned()))
        .filter(|target| !target.is_empty())
        .ok_or_else(|| ImageError::corrupt(what, "it is a link without a target"))
}

fn chown(place: &Place, metadata: &Metadata) -> Result<(), Errno> {
    let (uid, gid) = (Uid::from_raw(metadata.uid), Gid::from_raw(metadata.gid));
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    rustix::fs::chownat(place.folder(), &place.name, Some(uid), Some(gid), flags)
}

fn set_times(place: &Place, metadata: &Metadata) -> Result<(), Errno> {
    let times = timestamps(metadata.modified);
    rustix::fs::utimensat(
        place.folder(),
        &place.name,
        &times,
        AtFlags::SYMLINK_NOFOLLOW,
    )
}

fn timestamps((tv_sec, tv_nsec): (i64, i64)) -> Timestamps {
    let time = Timespec { tv_sec, tv_nsec };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}
