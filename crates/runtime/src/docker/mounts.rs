//! Volumes, folders and file systems in memory, in the engine's words.

use std::path::{Component, Path, PathBuf};

use bollard::models::{Mount as EngineMount, MountBindOptions, MountType, MountVolumeOptions};
use model::container::{ContainerSpec, Failure, FailureName, Mount, MountSource};

use super::names;

/// Everything but what is in memory.
pub(super) fn engine_mounts(spec: &ContainerSpec) -> Result<Vec<EngineMount>, Failure> {
    let one = |mount| engine_mount(spec, mount).transpose();
    spec.mounts.iter().filter_map(one).collect()
}

/// Places and options of file systems in memory.
pub(super) fn tmpfs(spec: &ContainerSpec) -> Vec<(String, String)> {
    let one = |mount: &Mount| match &mount.source {
        MountSource::Tmpfs { mib, options } => {
            let mut words = vec![format!("size={mib}m")];
            words.extend(options.iter().cloned());
            words.extend(mount.read_only.then(|| "ro".to_owned()));
            Some((mount.target.clone(), words.join(",")))
        }
        _ => None,
    };
    spec.mounts.iter().filter_map(one).collect()
}

fn engine_mount(spec: &ContainerSpec, mount: &Mount) -> Result<Option<EngineMount>, Failure> {
    let volume = |name: String, labels| EngineMount {
        source: Some(name),
        typ: Some(MountType::VOLUME),
        volume_options: Some(MountVolumeOptions {
            labels,
            ..MountVolumeOptions::default()
        }),
        ..EngineMount::default()
    };
    let made = match &mount.source {
        MountSource::Tmpfs { .. } => return Ok(None),
        MountSource::Task(name) => {
            let labels = [(names::TASK.to_owned(), spec.key.task.to_string())];
            volume(names::volume(spec.key.task, name), Some(labels.into()))
        }
        MountSource::Host(name) => volume(name.clone(), None),
        MountSource::Folder { path, within } => EngineMount {
            source: Some(folder(path, within)?),
            typ: Some(MountType::BIND),
            bind_options: Some(MountBindOptions {
                create_mountpoint: Some(true),
                ..MountBindOptions::default()
            }),
            ..EngineMount::default()
        },
    };
    Ok(Some(EngineMount {
        target: Some(mount.target.clone()),
        read_only: Some(mount.read_only),
        ..made
    }))
}

/// The folder without links where it is on this machine, as given where only the engine's
/// machine has it; an error if it leads out of `within`.
fn folder(path: &str, within: &str) -> Result<String, Failure> {
    let resolved = |path: &str| std::fs::canonicalize(path).unwrap_or_else(|_| plain(path));
    let (real, bounds) = (resolved(path), resolved(within));
    if real.starts_with(&bounds) {
        return Ok(real.to_string_lossy().into_owned());
    }
    Err(Failure::new(
        FailureName::CannotCreateContainerError,
        format!(
            "the folder {path} leads out of {within}, which is as far as mounts may reach; mount a folder inside it"
        ),
    ))
}

/// Without `.` and `..`, for a path whose links cannot be followed from here.
fn plain(path: &str) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::fs;

    use model::TaskId;
    use model::container::{ContainerKey, LogTarget};

    use super::*;

    fn spec(source: MountSource) -> ContainerSpec {
        let key = ContainerKey {
            task: TaskId::from_bits(7),
            container: "app".to_owned(),
        };
        let log = LogTarget {
            group: "g".to_owned(),
            stream: "s".to_owned(),
        };
        let mount = Mount {
            source,
            target: "/at".to_owned(),
            read_only: true,
        };
        ContainerSpec {
            mounts: vec![mount],
            ..ContainerSpec::new(key, "busybox", log)
        }
    }

    #[test]
    fn volumes_of_a_task_are_named_after_it() {
        let made = engine_mounts(&spec(MountSource::Task("scratch".to_owned()))).unwrap();
        let name = "longshore-00000000000000000000000000000007.scratch";
        assert_eq!(made[0].source.as_deref(), Some(name));
        assert_eq!(made[0].read_only, Some(true));
        let made = engine_mounts(&spec(MountSource::Host("kept".to_owned()))).unwrap();
        assert_eq!(made[0].source.as_deref(), Some("kept"));
    }

    #[test]
    fn memory_has_a_size_and_options() {
        let spec = spec(MountSource::Tmpfs {
            mib: 16,
            options: vec!["noexec".to_owned()],
        });
        let expected = [("/at".to_owned(), "size=16m,noexec,ro".to_owned())];
        assert_eq!(tmpfs(&spec), expected);
        assert_eq!(engine_mounts(&spec).unwrap(), []);
    }

    #[test]
    fn a_folder_must_stay_within_its_bounds() {
        let place = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(place.path()).unwrap();
        fs::create_dir_all(root.join("in/deep")).unwrap();
        fs::create_dir(root.join("out")).unwrap();
        std::os::unix::fs::symlink(root.join("out"), root.join("in/link")).unwrap();
        let text = |path: &str| root.join(path).to_string_lossy().into_owned();
        assert_eq!(folder(&text("in/deep"), &text("in")), Ok(text("in/deep")));
        assert_eq!(
            folder("/no/such/place/x", "/no/such/place"),
            Ok("/no/such/place/x".to_owned())
        );
        for path in [
            text("in/link"),
            text("out"),
            text("in/../out"),
            text("in/none/../../out"),
        ] {
            let failure = folder(&path, &text("in")).unwrap_err();
            assert!(
                failure.detail.contains("mount a folder inside it"),
                "{failure}"
            );
        }
        assert!(folder("/no/such/place/../x", "/no/such/place").is_err());
    }
}
