//! Podman as the engine of the tests.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::{Resource, getrlimit};

pub(crate) const SOCKET: &str = "podman.sock";
/// Whether an image that came from no registry has a digest.
pub(crate) const IMPORTED_HAVE_DIGESTS: bool = true;

/// What Podman keeps outside its folders: locks, addresses, network namespaces.
const OF_THE_MACHINE: [&str; 3] = ["/dev/shm", "/var/lib/cni", "/run/netns"];

/// Podman's own, as nothing in its configuration names another one.
pub(crate) fn cgroup() -> String {
    "libpod_parent".to_owned()
}

/// Podman's service on a folder; the namespaces live as long as it does.
pub(crate) fn command(folder: &Path) -> Command {
    let place = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let configuration = folder.join("containers.conf");
    fs::write(&configuration, configured(folder)).unwrap();
    let own: String = OF_THE_MACHINE
        .map(|path| format!("mkdir -p {path} && mount -t tmpfs tmpfs {path} && "))
        .concat();
    let script = format!("{own}ip link set lo up && exec podman \"$@\"");
    let mut command = Command::new("unshare");
    command.env("CONTAINERS_CONF", configuration);
    command.args(["--net", "--mount", "--", "sh", "-c", &script, "podman"]);
    command.args(["--root", &place("root"), "--runroot", &place("run")]);
    command.args(["--log-level", "info", "system", "service", "--time", "0"]);
    command.arg(format!("unix://{}", place(SOCKET)));
    command
}

/// For a machine without systemd, and with limits that this process may not raise.
fn configured(folder: &Path) -> String {
    let limit = |resource, most: u64| getrlimit(resource).maximum.unwrap_or(most).min(most);
    let files = limit(Resource::Nofile, 1 << 20);
    let processes = limit(Resource::Nproc, 1 << 15);
    let folder = folder.display();
    format!(
        "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n\
         tmp_dir = \"{folder}/tmp\"\nvolume_path = \"{folder}/volumes\"\n\
         [containers]\n\
         default_ulimits = [\"nofile={files}:{files}\", \"nproc={processes}:{processes}\"]\n"
    )
}
