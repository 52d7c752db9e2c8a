//! What tests of the built binary share: a data directory of their own, the commands, an
//! image made from busybox, and the question what was left behind.
//!
//! Everything a test made is gone when its [`Place`] is dropped, also after a failure.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const LONGSHORE: &str = env!("CARGO_BIN_EXE_longshore");
/// The image of a [`Place`].
pub(crate) const IMAGE: &str = "busybox:t";
/// The exit code of a command that could not do what it was asked.
pub(crate) const COULD_NOT: i32 = 125;

/// Far beyond what anything here takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until the answer is there.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if let Some(answer) = ask() {
            return answer;
        }
        thread::sleep(PAUSE);
    }
    panic!("waited in vain for {what}");
}

/// A folder with a data directory in it.
pub(crate) struct Place {
    folder: TempDir,
    started: AtomicU32,
}

impl Place {
    pub(crate) fn new() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "this test makes containers, mounts and namespaces: run it as root, with `cargo xtask test`"
        );
        let folder = tempfile::Builder::new().prefix("ls-").tempdir().unwrap();
        Self {
            folder,
            started: AtomicU32::new(0),
        }
    }

    /// With the image in its store.
    pub(crate) fn with_image() -> Self {
        let place = Self::new();
        place.import_image().succeeded();
        place
    }

    pub(crate) fn import_image(&self) -> Done {
        let root = self.root_file_system();
        self.run(&["image", "import", &root, "--tag", IMAGE])
    }

    /// A folder with busybox under a few of its names.
    pub(crate) fn root_file_system(&self) -> String {
        let root = self.path("root");
        if !root.exists() {
            for folder in ["bin", "etc", "tmp"] {
                fs::create_dir_all(root.join(folder)).unwrap();
            }
            fs::copy("/bin/busybox", root.join("bin/busybox"))
                .expect("/bin/busybox of Debian's busybox-static: `cargo xtask test` installs it");
            for name in ["mv", "sh", "sleep"] {
                symlink("busybox", root.join("bin").join(name)).unwrap();
            }
        }
        text(&root)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Writes a file beside the data directory; its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        text(&path)
    }

    /// A file with a task definition: one container with a shell script; `change` has the last
    /// word.
    pub(crate) fn definition(
        &self,
        family: &str,
        script: &str,
        change: impl FnOnce(&mut Value),
    ) -> String {
        let app =
            json!({ "name": "app", "image": IMAGE, "memory": 32, "command": ["sh", "-c", script] });
        let mut definition =
            json!({ "family": family, "networkMode": "none", "containerDefinitions": [app] });
        change(&mut definition);
        self.file(&format!("{family}.json"), definition.to_string())
    }

    /// A command on this place's data directory, with nothing else of the caller's environment.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        self.command_through(&[], words)
    }

    /// The same, started by another program that makes the surroundings.
    pub(crate) fn command_through(&self, program: &[&str], words: &[&str]) -> Command {
        let line: Vec<&str> = [program, &[LONGSHORE], words].concat();
        let mut command = Command::new(line[0]);
        command
            .args(&line[1..])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", self.folder.path())
            .env("LONGSHORE_DATA_DIR", self.data())
            .current_dir(self.folder.path());
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, words: &[&str]) -> Done {
        self.start(self.command(words)).wait()
    }

    /// Starts a command whose output goes to files.
    #[track_caller]
    pub(crate) fn start(&self, mut command: Command) -> Running {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let [out, err] = ["out", "err"].map(|name| self.path(&format!("{number}.{name}")));
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .expect("the program starts");
        Running { child, out, err }
    }

    /// `longshore up` on a free port; returns when it is ready.
    #[track_caller]
    pub(crate) fn serve(&self, flags: &[&str]) -> Server {
        self.serve_with(self.command(&[&["up", "--listen", "127.0.0.1:0"], flags].concat()))
    }

    #[track_caller]
    pub(crate) fn serve_with(&self, up: Command) -> Server {
        let running = self.start(up);
        let url = until("the ready line", || {
            assert!(running.is_alive(), "the server ended: {}", running.err());
            let line = running.out();
            Some(line.strip_suffix('\n')?.strip_prefix("ready ")?.to_owned())
        });
        Server { running, url }
    }

    /// The tasks there are and were, as DescribeTasks tells them.
    #[track_caller]
    pub(crate) fn tasks(&self) -> Vec<Value> {
        let shown = self.run(&["ps", "--all", "--json"]).succeeded();
        let answer: Value = serde_json::from_str(&shown.out).unwrap();
        answer["tasks"].as_array().unwrap().clone()
    }

    /// That what failed before has not broken anything: the next task runs, and after it nothing
    /// but its memory is left.
    #[track_caller]
    pub(crate) fn assert_works(&self) {
        let definition = self.definition("works", "echo it works", |_| {});
        let done = self.run(&["run", &definition]).succeeded();
        assert_eq!(done.out, "it works\n");
        for task in self.tasks() {
            assert_eq!(task["lastStatus"], "STOPPED");
            self.assert_no_cgroup(id(&task));
        }
        self.assert_nothing_left();
    }

    /// No folder, image in the making, lease, mount, namespace or process.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        assert_empty_handed(&self.data());
        let own = text(self.folder.path());
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let left: Vec<&str> = mounts.lines().filter(|line| line.contains(&own)).collect();
        assert!(left.is_empty(), "{left:?}");
        until("the last process to go", || {
            processes_with(&own).is_empty().then_some(())
        });
    }

    #[track_caller]
    pub(crate) fn assert_no_cgroup(&self, task: &str) {
        let root = Path::new("/sys/fs/cgroup");
        let mut hierarchies = vec![root.to_owned()];
        hierarchies.extend(entries(root).iter().map(|name| root.join(name)));
        for hierarchy in hierarchies {
            let group = hierarchy.join("longshore").join(task);
            until(&format!("the end of {}", group.display()), || {
                (!group.exists()).then_some(())
            });
        }
    }

    /// Stops what a failed test has left, without asking whether it works.
    fn clean_up(&self) {
        if entries(&self.data().join("native/tasks")).is_empty() {
            return;
        }
        let server = self.serve(&["--driver", "native"]);
        for task in self.tasks() {
            self.run(&["stop", id(&task)]);
        }
        until("the end of all tasks", || {
            entries(&self.data().join("native/tasks"))
                .is_empty()
                .then_some(())
        });
        server.stop().succeeded();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A second panic would hide the first.
        let cleaning = std::panic::AssertUnwindSafe(|| self.clean_up());
        let _ = std::panic::catch_unwind(cleaning);
    }
}

/// A command that has been started. It is ended when it is dropped.
pub(crate) struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn is_alive(&self) -> bool {
        is_alive(self.pid())
    }

    pub(crate) fn out(&self) -> String {
        fs::read_to_string(&self.out).unwrap()
    }

    pub(crate) fn err(&self) -> String {
        fs::read_to_string(&self.err).unwrap()
    }

    /// Waits until the command has written the line.
    #[track_caller]
    pub(crate) fn until_line(&self, line: &str) {
        until(line, || {
            let found = self.out().lines().any(|one| one == line);
            assert!(
                found || self.is_alive(),
                "it ended without {line:?}: {}",
                self.err()
            );
            found.then_some(())
        });
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("it still runs");
    }

    #[track_caller]
    pub(crate) fn wait(mut self) -> Done {
        let status = until("the command's end", || self.child.try_wait().unwrap());
        Done {
            status,
            out: self.out(),
            err: self.err(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // It may end by itself in between.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Done {
    status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    #[track_caller]
    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{}", self.err);
        self
    }

    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        self.ended_with(0)
    }

    /// That the command could not do what it was asked and says why in these words, in one
    /// line of standard error and nothing on standard output.
    #[track_caller]
    pub(crate) fn refused(self, words: &[&str]) {
        let done = self.ended_with(COULD_NOT);
        assert_eq!(done.out, "");
        let says = |line: &str| words.iter().all(|word| line.contains(word));
        assert!(done.err.lines().any(says), "not {words:?}: {}", done.err);
    }
}

/// A running `longshore up`.
pub(crate) struct Server {
    running: Running,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn pid(&self) -> u32 {
        self.running.pid()
    }

    #[track_caller]
    pub(crate) fn stop(self) -> Done {
        self.running.signal(Signal::TERM);
        self.running.wait()
    }
}

/// That a data directory has no task, lease, namespace, or image in the making.
#[track_caller]
pub(crate) fn assert_empty_handed(data: &Path) {
    for folder in [
        "tasks",
        "removed",
        "images/tmp",
        "images/leases",
        "network/netns",
    ] {
        let folder = data.join("native").join(folder);
        until(&format!("nothing in {}", folder.display()), || {
            entries(&folder).is_empty().then_some(())
        });
    }
}

/// The id in a task's ARN.
pub(crate) fn id(task: &Value) -> &str {
    let arn = task["taskArn"].as_str().unwrap();
    arn.rsplit('/').next().unwrap()
}

/// Whether the process is there and not a zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != 'Z')
}

/// Names in a folder; none if there is no such folder.
pub(crate) fn entries(folder: &Path) -> Vec<String> {
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = found
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn processes_with(word: &str) -> Vec<String> {
    let lines = entries(Path::new("/proc")).into_iter().map(|pid| {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    });
    lines.filter(|line| line.contains(word)).collect()
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}
