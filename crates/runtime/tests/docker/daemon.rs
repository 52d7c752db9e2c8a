//! Docker as the engine of the tests.

use std::fs;
use std::path::Path;
use std::process::Command;

pub(crate) const SOCKET: &str = "docker.sock";
/// Whether an image that came from no registry has a digest.
pub(crate) const IMPORTED_HAVE_DIGESTS: bool = false;

pub(crate) fn cgroup() -> String {
    format!("longshore-docker-{}", std::process::id())
}

/// dockerd on a folder; the network namespace lives as long as it does.
pub(crate) fn command(folder: &Path) -> Command {
    let script = "ip link set lo up && exec dockerd \"$@\"";
    let place = |name: &str| folder.join(name).to_string_lossy().into_owned();
    // Instead of the machine's.
    fs::write(folder.join("dockerd.json"), "{}").unwrap();
    let mut command = Command::new("unshare");
    command.args(["--net", "--", "sh", "-c", script, "dockerd"]);
    command.args(["--data-root", &place("data"), "--exec-root", &place("exec")]);
    command.args(["--pidfile", &place("pid")]);
    command.args(["--config-file", &place("dockerd.json")]);
    command.args(["--host", &format!("unix://{}", place(SOCKET))]);
    command.args(["--bip", "172.29.0.1/16"]);
    command.args(["--cgroup-parent", &format!("/{}", cgroup())]);
    command
}
