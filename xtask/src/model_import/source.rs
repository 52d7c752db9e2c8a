//! The forms in which botocore's files are at hand: the wheel as downloaded, the
//! installed package, or its `service-2.json`.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use zip::ZipArchive;

/// Where the ECS model stands inside the package.
pub(crate) const FOLDER: &str = "data/ecs/2014-11-13";

/// The file that names the version.
const INIT: &str = "__init__.py";

pub(crate) enum Source {
    Wheel(ZipArchive<File>),
    /// The folder that holds `__init__.py` and `data/`.
    Package(PathBuf),
}

impl Source {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        if path.is_dir() {
            let nested = path.join("botocore");
            let package = if nested.is_dir() {
                nested
            } else {
                path.to_path_buf()
            };
            return Ok(Self::Package(package));
        }
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        if path.extension().is_some_and(|extension| extension == "whl") {
            return Ok(Self::Wheel(ZipArchive::new(file)?));
        }
        // Facts without the version they are from could not be checked again.
        let path = path.canonicalize()?;
        let above = FOLDER.split('/').count() + 1;
        let package = path
            .ancestors()
            .nth(above)
            .filter(|folder| folder.join(INIT).exists());
        let package = package.context("a model file is taken only from inside botocore")?;
        Ok(Self::Package(package.to_path_buf()))
    }

    /// A file of the model, uncompressed.
    pub(crate) fn read(&mut self, name: &str) -> anyhow::Result<Vec<u8>> {
        let inside = format!("{FOLDER}/{name}");
        if let Some(bytes) = self.bytes(&inside)? {
            return Ok(bytes);
        }
        let packed = self.bytes(&format!("{inside}.gz"))?;
        let packed = packed.with_context(|| format!("no {name} there, packed or not"))?;
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The version of the package.
    pub(crate) fn version(&mut self) -> anyhow::Result<String> {
        let init = self
            .bytes(INIT)?
            .context("the package has no __init__.py")?;
        let init = String::from_utf8(init)?;
        let line = init
            .lines()
            .find_map(|line| line.strip_prefix("__version__ = "));
        let version = line.context("__init__.py names no version")?;
        Ok(version.trim().trim_matches(['\'', '"']).to_owned())
    }

    fn bytes(&mut self, inside: &str) -> anyhow::Result<Option<Vec<u8>>> {
        match self {
            Self::Wheel(archive) => match archive.by_name(&format!("botocore/{inside}")) {
                Ok(mut entry) => {
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes)?;
                    Ok(Some(bytes))
                }
                Err(zip::result::ZipError::FileNotFound) => Ok(None),
                Err(error) => Err(error.into()),
            },
            Self::Package(folder) => match std::fs::read(folder.join(inside)) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error.into()),
            },
        }
    }
}
