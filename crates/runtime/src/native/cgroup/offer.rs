//! What the control groups of a host offer, told without changing them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::{CgroupVersion, Cgroups, Hierarchy, ROOT};

/// What tasks are limited by.
const NEEDED: [&str; 3] = ["cpu", "memory", "pids"];
/// What is worth naming besides.
const USEFUL: [&str; 7] = ["blkio", "cpu", "cpuset", "devices", "io", "memory", "pids"];

impl Cgroups {
    /// Version and controllers, like `version 2: cpu, io, memory, pids`.
    pub(crate) fn describe(&self) -> String {
        let version = match self.version {
            CgroupVersion::V1 => 1,
            CgroupVersion::V2 => 2,
        };
        let offered = self.offered();
        let named = USEFUL.iter().filter(|name| has(&offered, name));
        let named: Vec<&str> = named.copied().collect();
        format!("version {version}: {}", named.join(", "))
    }

    /// What no task can be limited by here.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let offered = self.offered();
        let missing = NEEDED.into_iter().filter(|name| !has(&offered, name));
        missing.collect()
    }

    /// Whether `prepare` would succeed, as far as can be said without doing it.
    pub(crate) fn would_prepare(&self) -> Result<(), (PathBuf, io::Error)> {
        self.hierarchies.iter().try_for_each(|hierarchy| {
            let path = &hierarchy.path;
            let would = match self.version {
                CgroupVersion::V1 => is_writable(&made_or_parent(path)),
                CgroupVersion::V2 => {
                    is_writable(&made_or_parent(path)).and_then(|()| would_delegate(path))
                }
            };
            would.map_err(|error| (path.clone(), error))
        })
    }

    fn offered(&self) -> Vec<String> {
        let of = |hierarchy: &Hierarchy| match self.version {
            CgroupVersion::V1 => hierarchy.controllers.clone(),
            CgroupVersion::V2 => words(&hierarchy.path.join("cgroup.controllers")),
        };
        self.hierarchies.iter().flat_map(of).collect()
    }
}

fn has(offered: &[String], name: &str) -> bool {
    offered.iter().any(|one| one == name)
}

fn made_or_parent(hierarchy: &Path) -> PathBuf {
    let own = hierarchy.join(ROOT);
    if own.exists() {
        own
    } else {
        hierarchy.to_owned()
    }
}

fn is_writable(path: &Path) -> io::Result<()> {
    Ok(access(path, Access::WRITE_OK | Access::EXEC_OK)?)
}

/// Version 2: a group that is not the whole machine's cannot give its children limits while it
/// has processes of its own.
fn would_delegate(group: &Path) -> io::Result<()> {
    let given = words(&group.join("cgroup.subtree_control"));
    if NEEDED.iter().all(|name| has(&given, name)) {
        return Ok(());
    }
    access(group.join("cgroup.subtree_control"), Access::WRITE_OK)?;
    let is_part = group.join("cgroup.type").exists();
    if is_part && !words(&group.join("cgroup.procs")).is_empty() {
        return Err(rustix::io::Errno::BUSY.into());
    }
    Ok(())
}

fn words(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that looks like the only hierarchy of version 2.
    fn version_2(files: &[(&str, &str)]) -> (tempfile::TempDir, Cgroups) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let hierarchy = Hierarchy {
            path: folder.path().to_owned(),
            controllers: Vec::new(),
        };
        let cgroups = Cgroups {
            version: CgroupVersion::V2,
            hierarchies: vec![hierarchy],
        };
        (folder, cgroups)
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], described: &str, missing: &[&str], would: Option<i32>) {
        let (_folder, cgroups) = version_2(files);
        assert_eq!(cgroups.describe(), described);
        assert_eq!(cgroups.missing(), missing);
        let refused = cgroups.would_prepare().err();
        assert_eq!(refused.and_then(|(_, error)| error.raw_os_error()), would);
    }

    #[test]
    fn version_2_tells_its_controllers_and_whether_it_can_be_divided() {
        let all = ("cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
        let none_given = ("cgroup.subtree_control", "\n");
        let part = ("cgroup.type", "domain\n");
        let busy = ("cgroup.procs", "1\n7\n");
        let described = "version 2: cpu, cpuset, io, memory, pids";
        check(&[all, none_given], described, &[], None);
        let ebusy = Some(rustix::io::Errno::BUSY.raw_os_error());
        check(&[all, none_given, part, busy], described, &[], ebusy);
        let given = ("cgroup.subtree_control", "cpu memory pids\n");
        check(&[all, given, part, busy], described, &[], None);
        let few = ("cgroup.controllers", "cpu\n");
        check(
            &[few, none_given],
            "version 2: cpu",
            &["memory", "pids"],
            None,
        );
    }

    #[test]
    fn version_1_tells_what_is_mounted() {
        let table = "\
34 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
35 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
        let cgroups = Cgroups::parse(table).unwrap();
        assert_eq!(cgroups.describe(), "version 1: cpu, memory");
        assert_eq!(cgroups.missing(), ["pids"]);
    }
}
