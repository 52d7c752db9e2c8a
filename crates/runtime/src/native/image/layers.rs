//! The folders of unpacked layers: made once, complete or absent, found by diff ID.
//!
//! `layers/<hex>/fs` is the layer, `layers/<hex>/layer.json` what the store knows about it. A
//! layer is made under `tmp/`, verified, synced and renamed, so a crash leaves at most a folder
//! in `tmp/`, which the next sweep removes.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::digest::{Digest, Hashing};
use super::durable;
use super::error::ImageError;
use super::unpack::{Limits, Unpacked, unpack};

/// A tar archive ends in two blocks of zeros; tools that write only one are accepted.
const END_MARK: u64 = 512;

pub(super) struct Layers {
    root: PathBuf,
    pub(super) limits: Limits,
}

/// What a layer must be.
#[derive(Default)]
pub(super) struct Expected {
    /// Digest of the bytes as they come, compressed or not.
    pub(super) blob: Option<Digest>,
    /// Digest of the uncompressed archive.
    pub(super) diff: Option<Digest>,
}

/// `layer.json`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayerFile {
    bytes: u64,
    /// Folders the archive did not describe; empty once they were given the owner and mode
    /// they have in the layers below.
    implied: Vec<PathBuf>,
}

impl Layers {
    pub(super) fn new(root: &Path, limits: Limits) -> Self {
        Self {
            root: root.to_owned(),
            limits,
        }
    }

    /// Where the layer's files are.
    pub(super) fn files(&self, diff: &Digest) -> PathBuf {
        self.folder(diff).join("fs")
    }

    fn folder(&self, diff: &Digest) -> PathBuf {
        self.root.join("layers").join(diff.hex())
    }

    pub(super) fn scratch(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// A folder that vanishes unless it is renamed away.
    pub(super) fn stage(&self) -> Result<TempDir, ImageError> {
        let scratch = self.scratch();
        tempfile::tempdir_in(&scratch).map_err(|error| ImageError::io(&scratch, error))
    }

    pub(super) fn contains(&self, diff: &Digest) -> bool {
        self.folder(diff).exists()
    }

    /// Bytes of the layer's files; `None` if the store does not have it.
    pub(super) fn bytes(&self, diff: &Digest) -> Result<Option<u64>, ImageError> {
        Ok(self.read(diff)?.map(|file| file.bytes))
    }

    fn read(&self, diff: &Digest) -> Result<Option<LayerFile>, ImageError> {
        durable::read(&self.folder(diff).join("layer.json"))
    }

    /// Unpacks, verifies and keeps a layer; `what` names it in errors. Answers its diff ID.
    pub(super) fn make(
        &self,
        source: impl Read,
        expected: &Expected,
        what: &str,
    ) -> Result<Digest, ImageError> {
        let staged = self.stage()?;
        let mut blob = Hashing::new(source);
        let outcome = self.decode(&mut blob, &staged, expected.diff.is_none(), what);
        let damage = outcome.as_ref().err().is_none_or(ImageError::is_damage);
        if let Some(digest) = expected.blob.as_ref().filter(|_| damage) {
            let rest = blob
                .drain()
                .map_err(|error| ImageError::reading(what, &error));
            rest.and_then(|()| blob.digest().expect(digest, what))?;
        }
        let (unpacked, diff) = outcome?;
        if let Some(digest) = &expected.diff {
            diff.expect(digest, &format!("{what}, uncompressed,"))?;
        }
        self.keep(staged, &diff, unpacked)?;
        Ok(diff)
    }

    fn decode(
        &self,
        blob: &mut Hashing<impl Read>,
        staged: &TempDir,
        must_end: bool,
        what: &str,
    ) -> Result<(Unpacked, Digest), ImageError> {
        let reading = |error| ImageError::reading(what, &error);
        let mut tar = Hashing::new(decompress(blob).map_err(reading)?);
        let unpacked = unpack(&mut tar, &staged.path().join("fs"), self.limits)?;
        tar.drain().map_err(reading)?;
        if must_end && tar.zeros_at_end() < END_MARK {
            return Err(ImageError::Truncated {
                what: what.to_owned(),
            });
        }
        Ok((unpacked, tar.digest()))
    }

    /// Syncs the files and gives the folder its final name. A layer that somebody else made in
    /// the meantime is as good.
    fn keep(&self, staged: TempDir, diff: &Digest, unpacked: Unpacked) -> Result<(), ImageError> {
        let failed = |error: io::Error| ImageError::io(staged.path(), error);
        let file = LayerFile {
            bytes: unpacked.bytes,
            implied: unpacked.implied,
        };
        durable::write(&staged.path().join("layer.json"), &self.scratch(), &file)?;
        let opened = File::open(staged.path()).map_err(failed)?;
        rustix::fs::syncfs(&opened).map_err(|error| failed(error.into()))?;
        let folder = self.folder(diff);
        match fs::rename(staged.path(), &folder) {
            Ok(()) => {
                let _renamed_away = staged.keep();
                durable::sync_folder_of(&folder)
            }
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Gives folders that a layer uses without describing them the owner, mode and times they
    /// have below, so that stacking the layer does not change them. (An engine that unpacks
    /// onto the lower layers gets this for free.) A layer shared by several images keeps what
    /// the first one had.
    pub(super) fn settle(&self, layers: &[Digest]) -> Result<(), ImageError> {
        for (position, diff) in layers.iter().enumerate() {
            let Some(mut file) = self.read(diff)?.filter(|file| !file.implied.is_empty()) else {
                continue;
            };
            for folder in std::mem::take(&mut file.implied) {
                self.settle_folder(&folder, diff, &layers[..position])?;
            }
            durable::write(
                &self.folder(diff).join("layer.json"),
                &self.scratch(),
                &file,
            )?;
        }
        Ok(())
    }

    fn settle_folder(
        &self,
        folder: &Path,
        diff: &Digest,
        below: &[Digest],
    ) -> Result<(), ImageError> {
        let path = self.files(diff).join(folder);
        let failed = |error: Errno| ImageError::io(&path, error);
        for lower in below.iter().rev() {
            let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
            let stat =
                match rustix::fs::statat(rustix::fs::CWD, self.files(lower).join(folder), flags) {
                    Ok(stat) => stat,
                    Err(Errno::NOENT | Errno::NOTDIR) => continue,
                    Err(error) => return Err(failed(error)),
                };
            if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir() {
                return Ok(());
            }
            let (uid, gid) = (stat.st_uid, stat.st_gid);
            std::os::unix::fs::chown(&path, Some(uid), Some(gid))
                .map_err(|error| ImageError::io(&path, error))?;
            let mode = rustix::fs::Mode::from_raw_mode(stat.st_mode);
            return rustix::fs::chmod(&path, mode).map_err(failed);
        }
        Ok(())
    }
}

/// Reads gzip (any number of members), zstd or nothing at all, told apart by the first bytes:
/// media types are not reliable enough.
pub(super) fn decompress<'a>(mut source: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut magic = Vec::with_capacity(4);
    source.by_ref().take(4).read_to_end(&mut magic)?;
    let kind = magic.clone();
    let stream = Cursor::new(magic).chain(source);
    Ok(match kind.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(stream)),
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::stream::read::Decoder::new(stream)?),
        _ => Box::new(io::BufReader::with_capacity(64 << 10, stream)),
    })
}
