//! The folder of one container: `<data>/native/tasks/<task>/<container>/`, mode 0700.
//!
//! | File | Written by | Meaning |
//! |---|---|---|
//! | `lock` | server | held by whoever is starting the container |
//! | `shim.json` | shim | the shim's process |
//! | `started.json` | shim | the container runs or ran |
//! | `life` | shim | a pipe with a name, open at the shim's end until the exit is written |
//! | `exit.pending` | shim | room on the disk for the next one |
//! | `exit.json` | shim | how it ended: the truth about the exit code |
//! | `filter` | shim | a link to the container's compiled filter of system calls; absent if privileged |
//! | `stage/` | shim | in its mount namespace, in memory: the specification, files for `/etc`, control groups |
//! | `config.json` | shim | a link to the specification |
//! | `state/`, `rootfs/`, `upper/`, `work/` | shim | the container itself |
//! | `shim.log` | shim | its last words, should it crash |
//!
//! Beside the containers of a task are its volumes, `.volumes/<name>/data/`, those of its images,
//! `.volumes/.images/<container>/<number>/data/`, and where its containers share namespaces, the
//! process that holds them, `.holder.json`.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use model::TaskId;
use model::container::{ContainerKey, Exit};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::process::Process;
use super::record::StartedRecord;

/// Room kept on the disk for the record of the end; the record itself is far smaller.
const EXIT_RECORD_BYTES: usize = 4096;

#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn create(&self) -> io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
    }

    /// The lock file. Whoever starts the container holds it, and hands it to the shim.
    pub(crate) fn open_lock(&self) -> io::Result<File> {
        private()
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.join("lock"))
    }

    pub(crate) fn shim(&self) -> Option<Process> {
        self.read("shim.json")
    }

    pub(crate) fn started(&self) -> Option<StartedRecord> {
        self.read("started.json")
    }

    /// How the container ended. After a power failure the renaming may be lost while the
    /// record is there under its first name.
    pub(crate) fn exit(&self) -> Option<Exit> {
        self.read("exit.json").or_else(|| self.read("exit.pending"))
    }

    /// Writes a record under a temporary name and renames it: readers see all of it or nothing.
    pub(crate) fn write(&self, name: &str, record: &impl Serialize) -> io::Result<()> {
        let temporary = self.join(&format!("{name}.new"));
        let mut file = private()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&temporary)?;
        file.write_all(&serde_json::to_vec(record)?)?;
        fs::rename(temporary, self.join(name))
    }

    /// Makes the pipe that tells of the end, and keeps it open: by closing the descriptor.
    pub(crate) fn hold_life(&self) -> io::Result<OwnedFd> {
        let path = self.join("life");
        rustix::fs::mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR)?;
        // For reading too, or it could be opened only once somebody reads.
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        Ok(rustix::fs::open(path, flags, Mode::empty())?)
    }

    /// The other end; `None` if nobody holds the pipe any more.
    pub(crate) fn watch_life(&self) -> io::Result<Option<OwnedFd>> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let end = rustix::fs::open(self.join("life"), flags, Mode::empty())?;
        match rustix::io::read(&end, &mut [0; 1]) {
            Err(Errno::AGAIN) => Ok(Some(end)),
            Ok(_) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes room for the exit record while there is some, so that a full disk cannot lose it.
    pub(crate) fn reserve_exit(&self) -> io::Result<()> {
        fs::write(self.join("exit.pending"), [b' '; EXIT_RECORD_BYTES])
    }

    /// Writes the exit record into the reserved room. It survives a power failure once the
    /// file is synced.
    pub(crate) fn write_exit(&self, exit: &Exit) -> io::Result<File> {
        let pending = self.join("exit.pending");
        let mut record = serde_json::to_vec(exit)?;
        record.resize(record.len().max(EXIT_RECORD_BYTES), b' ');
        let mut file = private()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&pending)?;
        file.write_all(&record)?;
        fs::rename(pending, self.join("exit.json"))?;
        Ok(file)
    }

    /// Removes everything but the lock.
    pub(crate) fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            match entry.file_name() {
                name if name == "lock" => {}
                _ if entry.file_type()?.is_dir() => fs::remove_dir_all(entry.path())?,
                _ => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }

    pub(crate) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&fs::read(self.join(name)).ok()?).ok()
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// All task folders of the native driver.
#[derive(Clone, Debug)]
pub(crate) struct Folders(PathBuf);

impl Folders {
    /// `root` is `<data>/native/tasks`, absolute.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self(root)
    }

    pub(crate) fn task(&self, task: TaskId) -> PathBuf {
        self.0.join(task.to_string())
    }

    /// `None` if the name could not be that of a folder; ECS allows letters, digits, `-` and `_`.
    pub(crate) fn container(&self, key: &ContainerKey) -> Option<Folder> {
        let name = &key.container;
        is_name(name).then(|| Folder::new(self.task(key.task).join(name)))
    }

    /// Where the volumes of a task are.
    pub(crate) fn volumes(&self, task: TaskId) -> PathBuf {
        self.task(task).join(".volumes")
    }

    /// The containers of one task; none if the task is unknown.
    pub(crate) fn of_task(&self, task: TaskId) -> io::Result<Vec<ContainerKey>> {
        let names = entries(&self.task(task))?;
        Ok(names
            .into_iter()
            .filter(|name| is_name(name))
            .map(|container| ContainerKey { task, container })
            .collect())
    }

    /// Every task with a folder.
    pub(crate) fn tasks(&self) -> io::Result<BTreeSet<TaskId>> {
        Ok(entries(&self.0)?
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect())
    }

    /// Every container with a folder, in the order of their names.
    pub(crate) fn all(&self) -> io::Result<Vec<ContainerKey>> {
        let mut keys = Vec::new();
        for task in self.tasks()? {
            keys.extend(self.of_task(task)?);
        }
        Ok(keys)
    }
}

/// What a container may be called.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=255).contains(&name.len()) && name.bytes().all(plain)
}

fn entries(folder: &Path) -> io::Result<Vec<String>> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing?,
    };
    let mut names = Vec::new();
    for entry in listing {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

    #[test]
    fn the_exit_record_is_written_into_the_reserved_room() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().to_owned());
        folder.reserve_exit().unwrap();
        assert_eq!(folder.exit(), None);
        let exit = Exit {
            code: Some(3),
            out_of_memory: false,
            at: Timestamp::from_millis(1_706_000_000_123),
            reason: None,
        };
        folder.write_exit(&exit).unwrap();
        assert_eq!(folder.exit(), Some(exit));
        assert_eq!(fs::metadata(folder.join("exit.json")).unwrap().len(), 4096);
    }

    #[test]
    fn volumes_are_no_containers() {
        let dir = tempfile::tempdir().unwrap();
        let folders = Folders::new(dir.path().to_owned());
        let task = TaskId::from_bits(1);
        fs::create_dir_all(folders.volumes(task)).unwrap();
        fs::create_dir(folders.task(task).join("app")).unwrap();
        let names: Vec<_> = folders.of_task(task).unwrap();
        assert_eq!(names.len(), 1);
        assert_eq!(names[0].container, "app");
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        let folders = Folders::new("/tasks".into());
        let task = TaskId::from_bits(1);
        for name in ["", ".", "..", "a/b", "a.b", "a\0b", &"x".repeat(256)] {
            let key = ContainerKey {
                task,
                container: name.to_owned(),
            };
            assert!(folders.container(&key).is_none(), "{name:?}");
        }
        let key = ContainerKey {
            task,
            container: "side_car-1".to_owned(),
        };
        assert!(folders.container(&key).is_some());
    }
}
