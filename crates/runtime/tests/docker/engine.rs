//! An engine for the tests of one process: in a folder and a network namespace of its
//! own, so that the machine's bridges and firewall stay as they are. The last test that uses
//! it ends it; nothing of it is left, also after a failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::daemon;

/// How long the engine may take to start or to end on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const BUSYBOX: &str = "/bin/busybox";
pub(crate) const IMAGE: &str = "busybox:test";

pub(crate) struct Engine {
    folder: TempDir,
    process: Child,
}

/// The engine, started if no other test has it.
pub(crate) fn engine() -> Arc<Engine> {
    static RUNNING: Mutex<Weak<Engine>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(engine) = running.upgrade() {
        return engine;
    }
    let engine = Arc::new(Engine::start(|_, _| {}));
    engine.load_image();
    *running = Arc::downgrade(&engine);
    engine
}

impl Engine {
    /// `add` puts more into its folder and behind its command.
    pub(crate) fn start(add: impl FnOnce(&Path, &mut Command)) -> Self {
        let folder = tempfile::Builder::new().prefix("lsd-").tempdir().unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = daemon::command(folder.path());
        add(folder.path(), &mut command);
        command.stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let process = command.spawn().unwrap();
        let mut engine = Self { folder, process };
        engine.until_it_answers();
        engine
    }

    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder().join(daemon::SOCKET)
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.folder.path().join("rootfs.tar")
    }

    /// The same image once more, said to be for another architecture.
    pub(crate) fn load_as(&self, name: &str, architecture: &str) {
        let layer = fs::read(self.archive()).unwrap();
        let digest = hex::encode(Sha256::digest(&layer));
        let config = json!({"architecture": architecture, "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{digest}")]}});
        let manifest =
            json!([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]);
        let archive = self.folder.path().join("foreign.tar");
        let mut tar = tar::Builder::new(fs::File::create(&archive).unwrap());
        let files = [
            ("config.json", config.to_string().into_bytes()),
            ("manifest.json", manifest.to_string().into_bytes()),
            ("layer.tar", layer),
        ];
        for (path, content) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, content.as_slice())
                .unwrap();
        }
        tar.finish().unwrap();
        self.docker(&["load", "--input", &archive.to_string_lossy()]);
    }

    /// Runs the docker command line; what it printed, if it ended well.
    pub(crate) fn docker(&self, words: &[&str]) -> String {
        let done = self.try_docker(words);
        let text = String::from_utf8_lossy(&done.stdout).trim().to_owned();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "docker {words:?}: {errors}");
        text
    }

    fn try_docker(&self, words: &[&str]) -> Output {
        let mut docker = Command::new("docker");
        docker.arg("--host").arg(self.address()).args(words);
        docker.stdin(Stdio::null()).output().unwrap()
    }

    /// A command in the engine's network namespace.
    pub(crate) fn inside(&self, words: &[&str]) -> Output {
        let target = self.pid().to_string();
        let mut enter = Command::new("nsenter");
        enter.args(["--target", &target, "--net", "--"]).args(words);
        enter.output().unwrap()
    }

    fn until_it_answers(&mut self) {
        let deadline = std::time::Duration::from_millis(50);
        let tries = PATIENCE.as_millis() / deadline.as_millis();
        for _ in 0..tries {
            if self.try_docker(&["version"]).status.success() {
                return;
            }
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("the engine ended with {status}: {}", self.log());
            }
            pause(deadline);
        }
        panic!("the engine does not answer: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// busybox under its usual names, and a folder with a file for volumes.
    fn load_image(&self) {
        let root = self.folder.path().join("rootfs");
        for folder in ["bin", "etc", "tmp", "seeded"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::copy(BUSYBOX, root.join("bin/busybox")).unwrap();
        fs::write(root.join("seeded/file"), "from the image\n").unwrap();
        fs::write(root.join("etc/passwd"), "root:x:0:0:root:/:/bin/sh\n").unwrap();
        let names = Command::new(BUSYBOX).arg("--list").output().unwrap().stdout;
        for name in String::from_utf8(names).unwrap().lines() {
            if name != "busybox" {
                std::os::unix::fs::symlink("busybox", root.join("bin").join(name)).unwrap();
            }
        }
        let archive = self.archive();
        let file = fs::File::create(&archive).unwrap();
        let mut tar = tar::Builder::new(file);
        tar.follow_symlinks(false);
        tar.append_dir_all(".", &root).unwrap();
        tar.finish().unwrap();
        let archive = archive.to_string_lossy().into_owned();
        self.docker(&["import", &archive, IMAGE]);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let ids = self.try_docker(&["ps", "--all", "--quiet"]).stdout;
        let ids = String::from_utf8_lossy(&ids).into_owned();
        let ids: Vec<_> = ids.split_whitespace().collect();
        if !ids.is_empty() {
            self.try_docker(&[&["rm", "--force", "--volumes"], &ids[..]].concat());
        }
        // With SIGTERM it ends what it started and gives its mounts back.
        let _ = Command::new("kill")
            .arg(self.process.id().to_string())
            .status();
        let _ = self.process.wait();
        let folder = self.folder.path().to_string_lossy().into_owned();
        end_processes(&folder);
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        for mount in mounts.lines().rev() {
            let place = mount
                .split(' ')
                .nth(1)
                .filter(|place| place.starts_with(&folder));
            if let Some(place) = place {
                let _ = Command::new("umount").args(["--lazy", place]).status();
            }
        }
        remove_cgroups(&daemon::cgroup());
    }
}

/// Those whose command names the folder: Podman keeps one for five minutes after each command
/// inside a container.
fn end_processes(folder: &str) {
    for _ in 0..200 {
        let left = processes_of(folder);
        if left.is_empty() {
            return;
        }
        for pid in left {
            let _ = kill_process(pid, Signal::KILL);
        }
        pause(Duration::from_millis(20));
    }
}

fn processes_of(folder: &str) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let names_it = |entry: fs::DirEntry| {
        let command = fs::read(entry.path().join("cmdline")).ok()?;
        let pid = entry.file_name().to_string_lossy().parse().ok()?;
        let is_of_folder = String::from_utf8_lossy(&command).contains(folder);
        Pid::from_raw(pid).filter(|_| is_of_folder)
    };
    entries.filter_map(names_it).collect()
}

/// In every hierarchy; the kernel takes only empty ones.
fn remove_cgroups(name: &str) {
    let roots = fs::read_dir("/sys/fs/cgroup")
        .into_iter()
        .flatten()
        .flatten();
    let roots = roots
        .map(|entry| entry.path())
        .chain(["/sys/fs/cgroup".into()]);
    for root in roots {
        remove_cgroup(&root.join(name));
    }
}

/// With those below it.
fn remove_cgroup(path: &Path) {
    for below in fs::read_dir(path).into_iter().flatten().flatten() {
        if below.path().is_dir() {
            remove_cgroup(&below.path());
        }
    }
    let _ = fs::remove_dir(path);
}

/// Between two looks from a thread that may block.
fn pause(time: Duration) {
    let (_sender, receiver) = std::sync::mpsc::channel::<()>();
    let _ = receiver.recv_timeout(time);
}
