//! The id of a data directory, on the labels of all that its server makes in an engine.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::error::DockerError;

/// Reads the id from the folder, or draws one and keeps it there.
pub(super) fn of(folder: &Path) -> Result<String, DockerError> {
    let path = folder.join("id");
    let known = fs::read_to_string(&path);
    let cannot = |source| DockerError::Folder {
        path: folder.to_owned(),
        source,
    };
    match known {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Ok(_) => make(folder, &path).map_err(cannot),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(folder, &path).map_err(cannot)
        }
        Err(error) => Err(cannot(error)),
    }
}

/// Durable before it is used: containers must not outlive the memory of whose they are.
fn make(folder: &Path, path: &Path) -> io::Result<String> {
    fs::create_dir_all(folder)?;
    let mut bits = [0_u8; 16];
    getrandom::fill(&mut bits).map_err(io::Error::other)?;
    let id = hex::encode(bits);
    let fresh = folder.join("id.new");
    let mut file = fs::File::create(&fresh)?;
    writeln!(file, "{id}")?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    fs::File::open(folder)?.sync_all()?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("docker");
        let id = of(&folder).unwrap();
        assert_eq!((id.len(), of(&folder).unwrap()), (32, id.clone()));
        let other = tempfile::tempdir().unwrap();
        assert_ne!(of(other.path()).unwrap(), id);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let error = of(&file.join("docker")).unwrap_err().to_string();
        assert!(error.contains("choose another --data-dir"), "{error}");
    }
}
