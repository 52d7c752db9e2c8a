//! A folder as a tar stream, so that importing one takes the same way as importing an archive.
//! Entries are sorted, so the same folder gives the same image id.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, PipeReader, PipeWriter};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use rustix::io::Errno;
use tar::{Builder, EntryType, Header, HeaderMode};

use super::error::ImageError;

/// A folder being read by a thread of its own.
pub(super) struct FolderStream {
    thread: JoinHandle<io::Result<()>>,
    folder: PathBuf,
}

/// Starts reading `folder`; the archive comes out of the pipe.
pub(super) fn stream(folder: &Path) -> Result<(PipeReader, FolderStream), ImageError> {
    let failed = |error: io::Error| source_error(folder, &error);
    if !fs::metadata(folder).map_err(failed)?.is_dir() {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    let (reader, writer) = io::pipe().map_err(failed)?;
    let source = folder.to_owned();
    let thread = thread::Builder::new()
        .name("image-import".to_owned())
        .spawn(move || write_archive(writer, &source))
        .map_err(failed)?;
    Ok((
        reader,
        FolderStream {
            thread,
            folder: folder.to_owned(),
        },
    ))
}

impl FolderStream {
    /// Ends the reading; call when the pipe's reader is gone or at its end.
    pub(super) fn finish(self) -> Result<(), ImageError> {
        match self.thread.join() {
            Ok(Ok(())) => Ok(()),
            // The other side gave up first and knows why.
            Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Ok(Err(error)) => Err(source_error(&self.folder, &error)),
            Err(_) => Err(source_error(
                &self.folder,
                &io::Error::other("reading it failed"),
            )),
        }
    }
}

pub(super) fn source_error(path: &Path, error: &io::Error) -> ImageError {
    ImageError::Source {
        path: path.to_owned(),
        cause: error.to_string(),
    }
}

fn write_archive(writer: PipeWriter, source: &Path) -> io::Result<()> {
    let mut writing = Writing {
        archive: Builder::new(io::BufWriter::with_capacity(64 << 10, writer)),
        links: BTreeMap::new(),
    };
    writing.entry(source, Path::new("."))?;
    let buffered = writing.archive.into_inner()?;
    buffered
        .into_inner()
        .map_err(io::IntoInnerError::into_error)
        .map(drop)
}

struct Writing<W: io::Write> {
    archive: Builder<W>,
    /// First name of every file that has several.
    links: BTreeMap<(u64, u64), PathBuf>,
}

impl<W: io::Write> Writing<W> {
    fn entry(&mut self, source: &Path, name: &Path) -> io::Result<()> {
        let context = |error: io::Error| {
            io::Error::new(error.kind(), format!("{}: {error}", source.display()))
        };
        let metadata = fs::symlink_metadata(source).map_err(context)?;
        let kind = metadata.file_type();
        if kind.is_socket() {
            return Ok(()); // Means nothing without its process.
        }
        let mut header = header(&metadata);
        if !kind.is_dir()
            && metadata.nlink() > 1
            && let Some(first) = self.first_name(&metadata, name)
        {
            header.set_entry_type(EntryType::Link);
            header.set_size(0);
            return self.archive.append_link(&mut header, name, first);
        }
        self.attributes(source).map_err(context)?;
        if kind.is_dir() {
            self.archive.append_data(&mut header, name, io::empty())?;
            return self.folder(source, name);
        }
        if kind.is_symlink() {
            let target = fs::read_link(source).map_err(context)?;
            return self.archive.append_link(&mut header, name, target);
        }
        if kind.is_file() {
            return self
                .archive
                .append_data(&mut header, name, File::open(source)?);
        }
        self.archive.append_data(&mut header, name, io::empty())
    }

    fn folder(&mut self, source: &Path, name: &Path) -> io::Result<()> {
        let mut names = Vec::new();
        for entry in fs::read_dir(source)? {
            names.push(entry?.file_name());
        }
        names.sort();
        for child in names {
            self.entry(&source.join(&child), &name.join(&child))?;
        }
        Ok(())
    }

    /// The name under which the file was written before, if it was.
    fn first_name(&mut self, metadata: &Metadata, name: &Path) -> Option<PathBuf> {
        let key = (metadata.dev(), metadata.ino());
        if let Some(first) = self.links.get(&key) {
            return Some(first.clone());
        }
        self.links.insert(key, name.to_owned());
        None
    }

    fn attributes(&mut self, source: &Path) -> io::Result<()> {
        let mut list = Vec::new();
        match read_attribute(|buffer| rustix::fs::llistxattr(source, buffer)) {
            Ok(names) => list.extend(names),
            Err(Errno::OPNOTSUPP) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let mut records = Vec::new();
        for name in list
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
        {
            let name = String::from_utf8_lossy(name).into_owned();
            match read_attribute(|buffer| rustix::fs::lgetxattr(source, name.as_str(), buffer)) {
                Ok(value) => records.push((format!("SCHILY.xattr.{name}"), value)),
                Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let records = records
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_slice()));
        self.archive.append_pax_extensions(records)
    }
}

/// Reads a value whose length is not known: at most 64 KiB on Linux.
fn read_attribute(read: impl Fn(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    let mut small = [0; 1024];
    match read(&mut small) {
        Ok(length) => return Ok(small[..length].to_vec()),
        Err(Errno::RANGE) => {}
        Err(error) => return Err(error),
    }
    let mut large = vec![0; 64 << 10];
    let length = read(&mut large)?;
    large.truncate(length);
    Ok(large)
}

fn header(metadata: &Metadata) -> Header {
    let mut header = Header::new_gnu();
    header.set_metadata_in_mode(metadata, HeaderMode::Complete);
    let kind = metadata.file_type();
    if kind.is_block_device() || kind.is_char_device() {
        let device = metadata.rdev();
        // Major and minor numbers of Linux have 12 and 20 bits: both fit their octal fields.
        let _fits = header.set_device_major(rustix::fs::major(device));
        let _fits = header.set_device_minor(rustix::fs::minor(device));
    }
    if !kind.is_file() {
        header.set_size(0);
    }
    header
}
