//! Version 1: the groups of a container, made and joined without libcontainer.
//!
//! libcontainer moves a process into eight groups by its number. For that the kernel keeps
//! every fork on the host waiting until a grace period of 10 ms and more is over. A thread
//! that moves itself needs no such thing: here the container's first process joins its groups
//! when all is prepared, just before it becomes the program.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use model::container::ContainerKey;
use rustix::mount::mount_move;
use serde_json::Value;

use super::{Cgroups, Hierarchy, container_folder};

/// A container has groups where it is limited and where it is shown something.
const CONTROLLERS: [&str; 6] = ["cpu", "cpuacct", "cpuset", "devices", "memory", "pids"];

/// What each container may use: making nodes of any kind, though not opening them; the nodes
/// that it finds in `/dev`; terminals; network tunnels.
const DEVICES: [&str; 12] = [
    "c *:* m",
    "b *:* m",
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:1 rwm",
    "c 5:2 rwm",
    "c 10:200 rwm",
    "c 136:* rwm",
];

/// New groups of the kind cpuset are empty, and take nobody in.
const CPUSET_FILES: [&str; 2] = ["cpuset.cpus", "cpuset.mems"];

/// The groups of one container, open for joining.
#[derive(Clone, Debug)]
pub(crate) struct Groups(Arc<Vec<File>>);

impl Groups {
    /// Moves the calling process, which must have one thread. It may have given up its rights:
    /// those count with which the groups were opened.
    pub(crate) fn join(&self) -> io::Result<()> {
        let mut all = self.0.iter();
        all.try_for_each(|mut tasks| tasks.write_all(b"0"))
    }
}

impl Cgroups {
    /// Moves the hierarchies to `folder`, in the mount namespace of the caller: libcontainer
    /// knows them by the names of their mount points, and leaves alone what it does not know.
    pub(crate) fn moved_to(&self, folder: &Path) -> io::Result<Self> {
        fs::create_dir(folder)?;
        let mut moved = self.clone();
        for (number, hierarchy) in moved.hierarchies.iter_mut().enumerate() {
            let path = folder.join(number.to_string());
            fs::create_dir(&path)?;
            mount_move(&hierarchy.path, &path)?;
            hierarchy.path = path;
        }
        Ok(moved)
    }

    /// Makes a container's groups, limited by the `resources` of its specification.
    pub(crate) fn make_container(
        &self,
        key: &ContainerKey,
        resources: &Value,
    ) -> io::Result<Groups> {
        let folder = container_folder(key);
        let is_wanted = |hierarchy: &&Hierarchy| CONTROLLERS.iter().any(|name| hierarchy.has(name));
        let mut joinable = Vec::new();
        for hierarchy in self.hierarchies.iter().filter(is_wanted) {
            make_group(hierarchy, &folder)?;
            let group = hierarchy.path.join(&folder);
            for controller in &hierarchy.controllers {
                for (file, value) in limits(controller, resources) {
                    fs::write(group.join(file), value)?;
                }
            }
            joinable.push(File::options().write(true).open(group.join("tasks"))?);
        }
        Ok(Groups(Arc::new(joinable)))
    }
}

fn make_group(hierarchy: &Hierarchy, folder: &Path) -> io::Result<()> {
    let mut group = hierarchy.path.clone();
    for name in folder {
        let parent = group.clone();
        group.push(name);
        match fs::create_dir(&group) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if hierarchy.has("cpuset") {
            for file in CPUSET_FILES {
                if fs::read_to_string(group.join(file))?.trim().is_empty() {
                    fs::write(group.join(file), fs::read(parent.join(file))?)?;
                }
            }
        }
    }
    Ok(())
}

/// Files of a controller and what is written to them, in this order.
fn limits(controller: &str, resources: &Value) -> Vec<(&'static str, String)> {
    let number = |pointer: &str| Some(resources.pointer(pointer)?.as_i64()?.to_string());
    let numbers = |list: &[(&'static str, &str)]| {
        let given = list
            .iter()
            .filter_map(|(file, pointer)| Some((*file, number(pointer)?)));
        given.collect()
    };
    match controller {
        "cpu" => numbers(&[("cpu.shares", "/cpu/shares")]),
        "memory" => numbers(&[
            ("memory.limit_in_bytes", "/memory/limit"),
            ("memory.memsw.limit_in_bytes", "/memory/swap"),
            ("memory.soft_limit_in_bytes", "/memory/reservation"),
        ]),
        "pids" => numbers(&[("pids.max", "/pids/limit")]),
        "devices" if resources["devices"][0]["allow"] == false => {
            let allowed = DEVICES.map(|rule| ("devices.allow", rule.to_owned()));
            let none = ("devices.deny", "a".to_owned());
            std::iter::once(none).chain(allowed).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(controller: &str, resources: &Value, expected: &[(&str, &str)]) {
        let limits = limits(controller, resources);
        let actual: Vec<_> = limits
            .iter()
            .map(|(file, value)| (*file, &**value))
            .collect();
        assert_eq!(actual, expected);
    }

    #[test]
    fn limits_that_are_not_given_are_not_set() {
        let all = json!({
            "cpu": { "shares": 64 },
            "memory": { "limit": 4096, "reservation": 1024 },
            "pids": { "limit": 8 },
        });
        check("cpu", &all, &[("cpu.shares", "64")]);
        check("cpuacct", &all, &[]);
        check("pids", &all, &[("pids.max", "8")]);
        check(
            "memory",
            &all,
            &[
                ("memory.limit_in_bytes", "4096"),
                ("memory.soft_limit_in_bytes", "1024"),
            ],
        );
        check("memory", &json!({ "memory": {} }), &[]);
    }

    #[test]
    fn devices_are_closed_unless_all_are_open() {
        let rules = |allow| json!({ "devices": [{ "allow": allow, "access": "rwm" }] });
        check("devices", &rules(true), &[]);
        assert_eq!(
            limits("devices", &rules(false))[0],
            ("devices.deny", "a".to_owned())
        );
    }
}
