//! What is mounted in a container: volumes of other containers, its own mount points, tmpfs.

use std::collections::BTreeSet;

use model::container::{Mount, MountSource, VolumesFrom};
use model::shapes::{
    ContainerDefinition, DockerVolumeConfiguration, EfsVolumeConfiguration, Scope, Tmpfs, Volume,
};

use crate::cx::Settings;
use crate::record::Definition;

/// Everything that the container sees besides its image, outer paths first.
pub(super) fn mounts(
    settings: &Settings,
    definition: &Definition,
    container: &ContainerDefinition,
) -> Vec<Mount> {
    let mut all = of_volumes(settings, definition, container, &mut BTreeSet::new());
    tmpfs_of(container).for_each(|tmpfs| put(&mut all, tmpfs_mount(tmpfs)));
    // As the container engines do: a mount must not hide one that lies below it.
    all.sort_by_key(|mount| mount.target.matches('/').count());
    all
}

/// The containers whose volumes this one takes, behind those whose volumes they take.
pub(super) fn volumes_from(
    definition: &Definition,
    container: &ContainerDefinition,
) -> Vec<VolumesFrom> {
    taken(definition, container, &mut BTreeSet::new())
}

fn taken<'a>(
    definition: &'a Definition,
    container: &'a ContainerDefinition,
    under_way: &mut BTreeSet<&'a str>,
) -> Vec<VolumesFrom> {
    let mut all = Vec::new();
    let name = container.name.as_deref().unwrap_or_default();
    if !under_way.insert(name) {
        return all;
    }
    for from in container.volumes_from.iter().flatten() {
        let source = from.source_container.clone().unwrap_or_default();
        let read_only = from.read_only == Some(true);
        let mut containers = definition.containers().iter();
        let known = containers.find(|one| one.name.as_ref() == Some(&source));
        let known = known.map(|known| taken(definition, known, under_way));
        all.extend(known.into_iter().flatten().map(|inner| VolumesFrom {
            read_only: inner.read_only || read_only,
            ..inner
        }));
        all.push(VolumesFrom {
            container: source,
            read_only,
        });
    }
    under_way.remove(name);
    all
}

/// What RunTask refuses of the container's own mounts.
pub(crate) fn problems(container: &ContainerDefinition) -> Vec<String> {
    let points = container.mount_points.iter().flatten();
    let points = points.map(|point| ("mountPoints", point.container_path.as_deref()));
    let tmpfs = tmpfs_of(container);
    let places =
        points.chain(tmpfs.map(|one| ("linuxParameters.tmpfs", one.container_path.as_deref())));
    let places = places.filter_map(|(member, path)| {
        let why = target_problem(path.unwrap_or_default())?;
        Some(format!(
            "{member}.containerPath '{}', {why}",
            path.unwrap_or_default()
        ))
    });
    let options = tmpfs_of(container).flat_map(|one| one.mount_options.iter().flatten());
    let options = options.filter(|option| !is_tmpfs_option(option));
    let options = options.map(|option| format!("linuxParameters.tmpfs.mountOptions '{option}'"));
    places.chain(options).collect()
}

fn tmpfs_of(container: &ContainerDefinition) -> impl Iterator<Item = &Tmpfs> {
    let linux = container.linux_parameters.as_ref();
    let tmpfs = linux.and_then(|linux| linux.tmpfs.as_ref());
    tmpfs.into_iter().flatten()
}

/// The container's own mount points over those of `volumesFrom`, which it takes with what those
/// containers took themselves. `under_way` ends circles.
fn of_volumes<'a>(
    settings: &Settings,
    definition: &'a Definition,
    container: &'a ContainerDefinition,
    under_way: &mut BTreeSet<&'a str>,
) -> Vec<Mount> {
    let name = container.name.as_deref().unwrap_or_default();
    let mut all = Vec::new();
    if !under_way.insert(name) {
        return all;
    }
    for from in container.volumes_from.iter().flatten() {
        let mut containers = definition.containers().iter();
        let Some(source) = containers.find(|one| one.name == from.source_container) else {
            continue;
        };
        for mount in of_volumes(settings, definition, source, under_way) {
            let read_only = mount.read_only || from.read_only == Some(true);
            put(&mut all, Mount { read_only, ..mount });
        }
    }
    for point in container.mount_points.iter().flatten() {
        let mut volumes = definition.shape.volumes.iter().flatten();
        let Some(volume) = volumes.find(|volume| volume.name == point.source_volume) else {
            continue;
        };
        put(
            &mut all,
            Mount {
                source: source(settings, volume).unwrap_or_else(|_| forbidden(volume)),
                target: target(point.container_path.as_deref()),
                read_only: point.read_only == Some(true),
            },
        );
    }
    // Who is reached by two ways has the same volumes on both.
    under_way.remove(name);
    all
}

/// A volume that the configuration has not allowed any more since the task was accepted: within
/// no folder, so that the host refuses it, while a container that runs goes on.
fn forbidden(volume: &Volume) -> MountSource {
    let host = volume.host.as_ref();
    let path = host.and_then(|host| host.source_path.as_ref());
    MountSource::Folder {
        path: path.or(volume.name.as_ref()).cloned().unwrap_or_default(),
        within: String::new(),
    }
}

/// The later of two mounts at one place is the one that is seen.
fn put(all: &mut Vec<Mount>, mount: Mount) {
    all.retain(|known| known.target != mount.target);
    all.push(mount);
}

fn target(path: Option<&str>) -> String {
    let path = path.unwrap_or_default();
    absolute(path).unwrap_or_else(|| path.to_owned())
}

/// Nothing goes over the root, or over what the kernel shows of itself.
fn target_problem(path: &str) -> Option<&'static str> {
    let Some(clean) = absolute(path) else {
        return Some("which must be absolute and without '..'");
    };
    let is_kernels = ["/proc", "/sys"].iter().any(|one| is_within(&clean, one));
    (is_kernels || clean == "/" || clean == "/dev")
        .then_some("where the container's own root, /proc, /sys or /dev is")
}

/// The path with single slashes and none at its end; `None` if it is not absolute, or leads
/// upwards, or cannot be a path.
fn absolute(path: &str) -> Option<String> {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let is_plain = path.starts_with('/') && !path.contains('\0') && !parts.contains(&"..");
    is_plain.then(|| format!("/{}", parts.join("/")))
}

/// What the volume stands for on a host of this server.
pub(crate) fn source(settings: &Settings, volume: &Volume) -> Result<MountSource, String> {
    let name = volume.name.clone().unwrap_or_default();
    if settings.scripted {
        // Nothing is mounted: only a process could tell one volume from another.
        return Ok(MountSource::Task(name));
    }
    if let Some(efs) = &volume.efs_volume_configuration {
        return of_efs(settings, efs, &name);
    }
    if let Some(docker) = &volume.docker_volume_configuration {
        return of_docker(docker, name);
    }
    let refused = [
        (
            "configuredAtLaunch",
            volume.configured_at_launch == Some(true),
        ),
        (
            "s3filesVolumeConfiguration",
            volume.s3files_volume_configuration.is_some(),
        ),
        (
            "fsxWindowsFileServerVolumeConfiguration",
            volume
                .fsx_windows_file_server_volume_configuration
                .is_some(),
        ),
    ];
    if let Some((member, _)) = refused.iter().find(|(_, is_set)| *is_set) {
        return Err(format!("volumes.{name}.{member}"));
    }
    let path = volume
        .host
        .as_ref()
        .and_then(|host| host.source_path.as_deref());
    match path.filter(|path| !path.is_empty()) {
        Some(path) => of_host(settings, path, &name),
        None => Ok(MountSource::Task(name)),
    }
}

fn of_host(settings: &Settings, path: &str, name: &str) -> Result<MountSource, String> {
    let member = format!("volumes.{name}.host.sourcePath '{path}'");
    let Some(clean) = absolute(path) else {
        return Err(format!("{member}, which must be absolute and without '..'"));
    };
    // The innermost folder binds closest.
    let allowed = settings.volumes.bind.iter().filter_map(|one| absolute(one));
    let within = allowed
        .filter(|one| is_within(&clean, one))
        .max_by_key(String::len);
    match within {
        Some(within) => Ok(MountSource::Folder {
            path: clean,
            within,
        }),
        None => Err(format!(
            "{member}, which is in no folder of volumes.bind in the configuration"
        )),
    }
}

fn is_within(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The folder of the access point, if it has one of its own, else of the file system.
fn of_efs(
    settings: &Settings,
    efs: &EfsVolumeConfiguration,
    name: &str,
) -> Result<MountSource, String> {
    let id = efs.file_system_id.as_deref().unwrap_or_default();
    let member = format!("volumes.{name}.efsVolumeConfiguration");
    let access_point = efs
        .authorization_config
        .as_ref()
        .and_then(|one| one.access_point_id.as_deref());
    let known = |id: &str| settings.volumes.efs.get(id).and_then(|path| absolute(path));
    let Some(within) = access_point.and_then(known).or_else(|| known(id)) else {
        return Err(format!(
            "{member}.fileSystemId '{id}', which volumes.efs in the configuration maps to no folder"
        ));
    };
    let root = efs.root_directory.as_deref().unwrap_or("/");
    let Some(root) = absolute(&format!("/{root}")) else {
        return Err(format!(
            "{member}.rootDirectory '{root}', which must be without '..'"
        ));
    };
    let path = absolute(&format!("{within}{root}")).unwrap_or_else(|| within.clone());
    Ok(MountSource::Folder { path, within })
}

fn of_docker(docker: &DockerVolumeConfiguration, name: String) -> Result<MountSource, String> {
    let member = format!("volumes.{name}.dockerVolumeConfiguration");
    let driver = docker.driver.as_deref().unwrap_or("local");
    if driver != "local" {
        return Err(format!("{member}.driver '{driver}'"));
    }
    if docker
        .driver_opts
        .as_ref()
        .is_some_and(|options| !options.is_empty())
    {
        return Err(format!("{member}.driverOpts"));
    }
    match &docker.scope {
        Some(Scope::Shared) => Ok(MountSource::Host(name)),
        _ => Ok(MountSource::Task(name)),
    }
}

/// Options of a tmpfs that change nothing outside of it.
const TMPFS_OPTIONS: [&str; 18] = [
    "async",
    "atime",
    "defaults",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "nosuid",
    "relatime",
    "ro",
    "rw",
    "strictatime",
    "suid",
    "sync",
];

/// The same with a number.
const TMPFS_NUMBERS: [&str; 5] = ["gid", "mode", "nr_blocks", "nr_inodes", "uid"];

fn is_tmpfs_option(option: &str) -> bool {
    let (name, value) = option.split_once('=').unwrap_or_default();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    TMPFS_OPTIONS.contains(&option) || (TMPFS_NUMBERS.contains(&name) && is_number)
}

fn tmpfs_mount(tmpfs: &Tmpfs) -> Mount {
    let options = tmpfs.mount_options.clone().unwrap_or_default();
    let mut access = options
        .iter()
        .rev()
        .filter(|one| *one == "ro" || *one == "rw");
    Mount {
        target: target(tmpfs.container_path.as_deref()),
        read_only: access.next().is_some_and(|last| last == "ro"),
        source: MountSource::Tmpfs {
            mib: tmpfs
                .size
                .and_then(|mib| u32::try_from(mib).ok())
                .unwrap_or_default(),
            options,
        },
    }
}

#[cfg(test)]
mod tests;
