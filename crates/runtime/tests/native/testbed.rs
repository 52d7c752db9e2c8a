//! A driver on a folder of its own, with one image made from busybox. Everything it made is
//! gone when it is dropped, also after a failure.

use std::fs;
use std::future::Future;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::TaskId;
use model::container::{ContainerKey, ContainerSpec, Exit, Failure, LogTarget, Started};
use model::payload::{NetworkMode, NetworkSpec, NetworkState};
use runtime::Driver as _;
use runtime::native::image::{ImageConfig, Source};
use runtime::native::network::NetworkConfig;
use runtime::native::{NativeConfig, NativeDriver};
use runtime::registry::Registries;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

/// Far beyond what anything here takes; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Testbed {
    pub(crate) driver: NativeDriver,
    pub(crate) folder: TempDir,
    pub(crate) task: TaskId,
}

impl Testbed {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("ls-").tempdir().unwrap();
        let driver = open(folder.path()).await;
        let root = folder.path().join("root");
        make_root(&root);
        let name = "busybox".parse().unwrap();
        driver
            .images()
            .import(Source::Dir(&root), &name, ImageConfig::default())
            .unwrap();
        Self {
            driver,
            folder,
            task: fresh_task(),
        }
    }

    pub(crate) fn spec(&self, container: &str, command: &[&str]) -> ContainerSpec {
        spec(self.task, container, command)
    }

    pub(crate) fn shell(&self, script: &str) -> ContainerSpec {
        self.spec("main", &["sh", "-c", script])
    }

    pub(crate) async fn network(&self, containers: &[&str]) -> NetworkState {
        let spec = NetworkSpec::new(
            self.task,
            NetworkMode::None,
            containers.iter().map(|name| (*name).to_owned()).collect(),
        );
        self.driver.set_up_network(&spec).await.unwrap()
    }

    pub(crate) async fn start(&self, spec: &ContainerSpec) -> Result<Started, Failure> {
        let network = self.network(&[&spec.key.container]).await;
        self.driver.start(spec, &network).await
    }

    /// Starts the container and waits for its end.
    pub(crate) async fn run(&self, spec: &ContainerSpec) -> Exit {
        self.start(spec).await.unwrap();
        self.wait(&spec.key).await
    }

    pub(crate) async fn wait(&self, key: &ContainerKey) -> Exit {
        within(self.driver.wait(key)).await
    }

    /// Runs a script; what it wrote, if it ended with 0.
    pub(crate) async fn output(&self, spec: &ContainerSpec) -> String {
        let exit = self.run(spec).await;
        let lines = self.lines(&spec.key).join("\n");
        assert_eq!(exit.code, Some(0), "{lines}");
        lines
    }

    /// The messages in the container's log stream.
    pub(crate) fn lines(&self, key: &ContainerKey) -> Vec<String> {
        lines(self.folder.path(), key)
    }

    /// Resolves when the container has written the line.
    pub(crate) async fn line(&self, key: &ContainerKey, line: &str) {
        until(|| self.lines(key).iter().any(|each| each == line)).await;
    }
}

impl Drop for Testbed {
    fn drop(&mut self) {
        let torn_down = block_in_place(|| {
            Handle::current().block_on(async {
                self.driver.tear_down(self.task).await?;
                self.driver.close().await
            })
        });
        if !std::thread::panicking() {
            torn_down.unwrap();
        }
    }
}

/// A driver on a folder, as a server would open it.
pub(crate) async fn open(folder: &Path) -> NativeDriver {
    open_with(folder, Registries::default()).await
}

pub(crate) async fn open_with(folder: &Path, registries: Registries) -> NativeDriver {
    let config = NativeConfig {
        data: folder.join("data"),
        logs: folder.join("logs"),
        shim: vec![env!("CARGO_BIN_EXE_native-shim").into()],
        network: NetworkConfig::of_host(),
        registries,
    };
    NativeDriver::open(config).await.unwrap()
}

pub(crate) fn spec(task: TaskId, container: &str, command: &[&str]) -> ContainerSpec {
    ContainerSpec {
        command: Some(command.iter().map(|word| (*word).to_owned()).collect()),
        ..ContainerSpec::new(
            ContainerKey {
                task,
                container: container.to_owned(),
            },
            "busybox",
            LogTarget {
                group: "/test".to_owned(),
                stream: stream(container),
            },
        )
    }
}

fn stream(container: &str) -> String {
    format!("stream-{container}")
}

/// Different in every test of every run that may go on at the same time.
pub(crate) fn fresh_task() -> TaskId {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    TaskId::from_bits(u128::from(std::process::id()) << 64 | u128::from(number))
}

/// A root file system with busybox under its usual names, and two accounts.
fn make_root(root: &Path) {
    for folder in ["bin", "etc", "tmp", "root", "home/app"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::copy("/bin/busybox", root.join("bin/busybox")).unwrap();
    let list = Command::new("/bin/busybox")
        .arg("--list")
        .output()
        .unwrap()
        .stdout;
    for name in String::from_utf8(list)
        .unwrap()
        .lines()
        .filter(|name| *name != "busybox")
    {
        symlink("busybox", root.join("bin").join(name)).unwrap();
    }
    fs::write(
        root.join("etc/passwd"),
        "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n",
    )
    .unwrap();
    fs::write(
        root.join("etc/group"),
        "root:x:0:\napp:x:1001:\nextra:x:2000:app\n",
    )
    .unwrap();
}

pub(crate) fn lines(folder: &Path, key: &ContainerKey) -> Vec<String> {
    let wanted = format!("{}.jsonl", stream(&key.container));
    let Some(path) = find(&folder.join("logs"), &wanted) else {
        return Vec::new();
    };
    let text = fs::read_to_string(path).unwrap();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            event["m"].as_str().unwrap().to_owned()
        })
        .collect()
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if let Some(found) = find(&path, name) {
                return Some(found);
            }
        } else if entry.file_name().to_str() == Some(name) {
            return Some(path);
        }
    }
    None
}

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work)
        .await
        .expect("it took too long")
}

/// Resolves when the condition holds.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    within(async {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        while !holds() {
            tick.tick().await;
        }
    })
    .await;
}
