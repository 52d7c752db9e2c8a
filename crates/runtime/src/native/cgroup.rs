//! The control groups of this host: where they are mounted, the limits a whole task gets,
//! the kernel's count of kills for memory, and their removal.
//!
//! Folders: `/longshore/<task>/<container>` below the root of each hierarchy. With version 2
//! the containers' own are made by libcontainer from the specification.

mod offer;
mod version1;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use model::TaskId;
use model::container::{ContainerKey, TaskLimits};

use super::spec::resources::{CgroupFacts, CgroupVersion};
pub(crate) use version1::Groups;

/// The folder that all of ours are in.
const ROOT: &str = "longshore";

/// Period of a task's CPU quota in microseconds, the kernel's default.
const CPU_PERIOD_MICROS: u64 = 100_000;
/// The kernel refuses a smaller quota.
const CPU_QUOTA_MICROS_MIN: u64 = 1_000;

/// What programs read to size themselves.
const SHOWN: [&str; 5] = ["cpu", "cpuacct", "cpuset", "memory", "pids"];

/// A group whose processes were just killed is busy for a moment: a hundred times 10 ms.
const REMOVE_ATTEMPTS: u32 = 100;
const REMOVE_PAUSE: Duration = Duration::from_millis(10);

/// The mounted hierarchies.
#[derive(Clone, Debug)]
pub(crate) struct Cgroups {
    version: CgroupVersion,
    /// Mount points with the controllers of each; version 2 has one, with all.
    hierarchies: Vec<Hierarchy>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Hierarchy {
    path: PathBuf,
    controllers: Vec<String>,
}

impl Cgroups {
    /// Reads the mount table. `None` if no hierarchy that limits memory is mounted.
    pub(crate) fn find() -> io::Result<Option<Self>> {
        Ok(Self::parse(&fs::read_to_string("/proc/self/mountinfo")?))
    }

    /// Version 1 counts if any of its controllers is mounted, as libcontainer decides too.
    fn parse(mount_table: &str) -> Option<Self> {
        let of_kind = |kind: &str| -> Vec<Hierarchy> {
            mount_table
                .lines()
                .filter_map(|line| hierarchy(line, kind))
                .collect()
        };
        let v1 = of_kind("cgroup");
        if v1.iter().any(|hierarchy| hierarchy.has("memory")) {
            return Some(Self {
                version: CgroupVersion::V1,
                hierarchies: v1,
            });
        }
        let v2 = of_kind("cgroup2").into_iter().next()?;
        Some(Self {
            version: CgroupVersion::V2,
            hierarchies: vec![v2],
        })
    }

    pub(crate) fn version(&self) -> CgroupVersion {
        self.version
    }

    pub(crate) fn facts(&self) -> CgroupFacts {
        let swap_limit = match self.version {
            CgroupVersion::V1 => self
                .with("memory")
                .is_some_and(|path| path.join("memory.memsw.limit_in_bytes").exists()),
            CgroupVersion::V2 => true,
        };
        CgroupFacts {
            version: self.version,
            limits_swap: swap_limit && host_has_swap(),
        }
    }

    /// Makes our root folder in each hierarchy; it stays. An error names the hierarchy.
    pub(crate) fn prepare(&self) -> Result<(), (PathBuf, io::Error)> {
        for hierarchy in &self.hierarchies {
            let root = hierarchy.path.join(ROOT);
            let made = fs::create_dir_all(&root).and_then(|()| match self.version {
                CgroupVersion::V1 => Ok(()),
                CgroupVersion::V2 => {
                    delegate(&hierarchy.path)?;
                    delegate(&root)
                }
            });
            made.map_err(|error| (hierarchy.path.clone(), error))?;
        }
        Ok(())
    }

    /// Sets the limits that the containers of a task share; nothing to do if it has none.
    pub(crate) fn limit_task(&self, task: TaskId, limits: TaskLimits) -> io::Result<()> {
        if let Some(units) = limits.cpu_units {
            let quota = u64::from(units) * CPU_PERIOD_MICROS / 1024;
            self.set(
                task,
                "cpu",
                &cpu_files(self.version, quota.max(CPU_QUOTA_MICROS_MIN)),
            )?;
        }
        if let Some(mib) = limits.memory_mib {
            let bytes = u64::from(mib) << 20;
            self.set(task, "memory", &memory_files(self.facts(), bytes))?;
        }
        Ok(())
    }

    fn set(&self, task: TaskId, controller: &str, files: &[(&str, String)]) -> io::Result<()> {
        let Some(hierarchy) = self.with(controller) else {
            return Err(io::Error::other(format!(
                "the host has no cgroup controller {controller}"
            )));
        };
        let folder = hierarchy.join(ROOT).join(task.to_string());
        fs::create_dir_all(&folder)?;
        for (name, value) in files {
            fs::write(folder.join(name), value)?;
        }
        Ok(())
    }

    /// Version 1: the folders that a container is shown, by the name of their controller.
    pub(crate) fn shown(&self, key: &ContainerKey) -> Vec<(&'static str, PathBuf)> {
        let folder = container_folder(key);
        let path = |name| Some((name, self.with(name)?.join(&folder)));
        match self.version {
            CgroupVersion::V1 => SHOWN.into_iter().filter_map(path).collect(),
            CgroupVersion::V2 => Vec::new(),
        }
    }

    /// How often the kernel killed a process of this container for want of memory.
    pub(crate) fn memory_kills(&self, key: &ContainerKey) -> u64 {
        let name = match self.version {
            CgroupVersion::V1 => "memory.oom_control",
            CgroupVersion::V2 => "memory.events",
        };
        let Some(hierarchy) = self.with("memory") else {
            return 0;
        };
        let path = hierarchy.join(container_folder(key)).join(name);
        fs::read_to_string(path).map_or(0, |text| kill_count(&text))
    }

    /// Kills what is left in the container's groups and removes them.
    pub(crate) fn remove_container(&self, key: &ContainerKey) -> io::Result<()> {
        self.remove(&container_folder(key))
    }

    pub(crate) fn remove_task(&self, task: TaskId) -> io::Result<()> {
        self.remove(&Path::new(ROOT).join(task.to_string()))
    }

    fn remove(&self, folder: &Path) -> io::Result<()> {
        self.hierarchies
            .iter()
            .try_for_each(|hierarchy| remove_tree(&hierarchy.path.join(folder)))
    }

    fn with(&self, controller: &str) -> Option<&Path> {
        let mut all = self.hierarchies.iter();
        all.find(|hierarchy| hierarchy.has(controller))
            .map(|hierarchy| hierarchy.path.as_path())
    }
}

impl Hierarchy {
    fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|known| known == controller)
    }
}

fn container_folder(key: &ContainerKey) -> PathBuf {
    Path::new(ROOT)
        .join(key.task.to_string())
        .join(&key.container)
}

/// A line of the mount table, if it mounts a hierarchy of this kind. Named hierarchies without
/// controllers (systemd's) are not ours to use.
fn hierarchy(line: &str, kind: &str) -> Option<Hierarchy> {
    let (mount, source) = line.split_once(" - ")?;
    let path = PathBuf::from(mount.split(' ').nth(4)?);
    let mut fields = source.split(' ');
    if fields.next()? != kind {
        return None;
    }
    let controllers: Vec<String> = match kind {
        "cgroup2" => ["cpu", "memory", "pids"].map(str::to_owned).into(),
        _ => fields.nth(1)?.split(',').map(str::to_owned).collect(),
    };
    let named = controllers.iter().any(|option| option.starts_with("name="));
    (!named).then_some(Hierarchy { path, controllers })
}

/// Version 2: lets the children of a group have limits.
fn delegate(group: &Path) -> io::Result<()> {
    fs::write(group.join("cgroup.subtree_control"), "+cpu +memory +pids")
}

fn cpu_files(version: CgroupVersion, quota: u64) -> Vec<(&'static str, String)> {
    match version {
        CgroupVersion::V1 => vec![
            ("cpu.cfs_period_us", CPU_PERIOD_MICROS.to_string()),
            ("cpu.cfs_quota_us", quota.to_string()),
        ],
        CgroupVersion::V2 => vec![("cpu.max", format!("{quota} {CPU_PERIOD_MICROS}"))],
    }
}

fn memory_files(facts: CgroupFacts, bytes: u64) -> Vec<(&'static str, String)> {
    let mut files = match facts.version {
        CgroupVersion::V1 => vec![("memory.limit_in_bytes", bytes.to_string())],
        CgroupVersion::V2 => vec![("memory.max", bytes.to_string())],
    };
    if facts.limits_swap {
        files.push(match facts.version {
            CgroupVersion::V1 => ("memory.memsw.limit_in_bytes", bytes.to_string()),
            CgroupVersion::V2 => ("memory.swap.max", "0".to_owned()),
        });
    }
    files
}

/// Both versions write `oom_kill N` on a line of its own.
fn kill_count(text: &str) -> u64 {
    let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    count
        .and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}

fn host_has_swap() -> bool {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    super::requirements::meminfo_kib(&meminfo, "SwapTotal").is_some_and(|kib| kib > 0)
}

fn remove_tree(group: &Path) -> io::Result<()> {
    for attempt in 1.. {
        match remove_once(group) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::ResourceBusy => return Err(error),
            Err(error) if attempt == REMOVE_ATTEMPTS => return Err(error),
            Err(_) => thread::sleep(REMOVE_PAUSE),
            Ok(()) => return Ok(()),
        }
    }
    Ok(())
}

/// Most often one call: an empty group without children goes at once.
fn remove_once(group: &Path) -> io::Result<()> {
    match fs::remove_dir(group) {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {}
        result => return result,
    }
    for entry in fs::read_dir(group)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    kill_members(group)?;
    fs::remove_dir(group)
}

fn kill_members(group: &Path) -> io::Result<()> {
    for line in fs::read_to_string(group.join("cgroup.procs"))?.lines() {
        let pid = line.parse().ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended since the list was read.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mount_table: &str, expected: Option<(CgroupVersion, Option<&str>)>) {
        let found = Cgroups::parse(mount_table);
        let actual = found.as_ref().map(|cgroups| {
            (
                cgroups.version,
                cgroups.with("cpu").map(|path| path.to_str().unwrap()),
            )
        });
        assert_eq!(actual, expected);
    }

    #[test]
    fn hybrid_counts_as_version_1() {
        let table = "\
31 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw
32 31 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw
33 31 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
34 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
35 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
        check(
            table,
            Some((CgroupVersion::V1, Some("/sys/fs/cgroup/cpu,cpuacct"))),
        );
        let systemd = Cgroups::parse(table).unwrap();
        assert!(
            systemd
                .hierarchies
                .iter()
                .all(|each| !each.path.ends_with("systemd"))
        );
    }

    #[test]
    fn one_unified_hierarchy_is_version_2() {
        let table = "25 24 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
        check(table, Some((CgroupVersion::V2, Some("/sys/fs/cgroup"))));
    }

    #[test]
    fn a_host_without_control_groups_is_noticed() {
        check("25 24 0:22 / /sys rw - sysfs sysfs rw", None);
        check("", None);
    }

    #[test]
    fn kills_are_read_from_both_versions() {
        assert_eq!(
            kill_count("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
            2
        );
        assert_eq!(
            kill_count("low 0\noom 3\noom_kill 1\noom_group_kill 0\n"),
            1
        );
        assert_eq!(kill_count(""), 0);
    }
}
