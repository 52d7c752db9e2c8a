//! Volumes that images declare: folders outside of the container's root, which can be written where
//! the root cannot, and which other containers of the task take with `volumesFrom`.
//!
//! They live as long as the task, below its volumes: `.images/<container>/<number>/data`, and beside
//! that `path`, where the container has it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::source;
use crate::native::container::record::Request;

/// No volume of a definition has such a name.
const FOLDER: &str = ".images";

const PATH: &str = "path";

/// One to mount.
pub(super) struct ImageVolume {
    pub(super) target: String,
    pub(super) read_only: bool,
    /// Whose folder it is, and its name in there.
    pub(super) folder: PathBuf,
    pub(super) name: String,
    /// That of this container's own image, whose content becomes the volume's.
    pub(super) is_own: bool,
}

/// Those that other containers have, later ones first, then those of the own image, each where
/// nothing else is mounted.
pub(super) fn of(request: &Request) -> io::Result<Vec<ImageVolume>> {
    let mut all = Vec::new();
    let mut places: BTreeSet<String> = BTreeSet::new();
    places.extend(request.spec.mounts.iter().map(|mount| mount.target.clone()));
    let root = request.task_volumes.join(FOLDER);
    for from in request.spec.volumes_from.iter().rev() {
        for mut volume in of_container(&root.join(&from.container))? {
            if places.insert(volume.target.clone()) {
                volume.read_only = from.read_only;
                all.push(volume);
            }
        }
    }
    let folder = root.join(&request.spec.key.container);
    let mut declared = request.image.volumes.clone();
    declared.sort();
    for (number, path) in declared.iter().enumerate() {
        let target = clean(path)?;
        if places.insert(target.clone()) {
            let name = number.to_string();
            fs::create_dir_all(folder.join(&name))?;
            fs::write(folder.join(&name).join(PATH), &target)?;
            all.push(ImageVolume {
                target,
                read_only: false,
                folder: folder.clone(),
                name,
                is_own: true,
            });
        }
    }
    Ok(all)
}

impl ImageVolume {
    pub(super) fn open(&self) -> io::Result<std::os::fd::OwnedFd> {
        source::volume(&self.folder, &self.name)
    }
}

/// The volumes that the image of a started container has.
fn of_container(folder: &Path) -> io::Result<Vec<ImageVolume>> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing?,
    };
    let mut all = Vec::new();
    for entry in listing {
        let entry = entry?;
        all.push(ImageVolume {
            target: fs::read_to_string(entry.path().join(PATH))?,
            read_only: false,
            folder: folder.to_owned(),
            name: entry.file_name().to_string_lossy().into_owned(),
            is_own: false,
        });
    }
    Ok(all)
}

/// Images say `/data`, `/data/` and `data`.
fn clean(path: &str) -> io::Result<String> {
    let mut target = String::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => target.extend(["/", &name.to_string_lossy()]),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(refused(path)),
        }
    }
    match target.is_empty() {
        true => Err(refused(path)),
        false => Ok(target),
    }
}

fn refused(path: &str) -> io::Error {
    io::Error::other(format!(
        "the image declares the volume {path:?}, which is no folder of its own; build it without"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_images_are_cleaned() {
        for (path, expected) in [
            ("/data", Some("/data")),
            ("/var/lib//x/", Some("/var/lib/x")),
            ("data", Some("/data")),
            ("./data", Some("/data")),
            ("/", None),
            ("", None),
            ("/a/../b", None),
        ] {
            assert_eq!(clean(path).ok().as_deref(), expected, "{path}");
        }
    }
}
