//! A driver on a folder of its own and on the engine of the tests. What its task made is gone
//! when it is dropped.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use logs::Store;
use model::cloudwatch_logs::GetLogEventsInput;
use model::container::{ContainerKey, ContainerSpec, Exit, LogTarget};
use model::payload::{NetworkMode, NetworkSpec, NetworkState};
use model::{TaskId, Timestamp};
use runtime::docker::{DockerConfig, DockerDriver, DockerError, Surroundings};
use runtime::registry::Registries;
use runtime::{Clock, Driver as _};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::engine::{self, Engine, IMAGE};

/// Far beyond what anything here takes; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
const GROUP: &str = "/test";

pub(crate) struct Testbed {
    /// `None` while no server runs.
    driver: Option<DockerDriver>,
    pub(crate) folder: TempDir,
    pub(crate) task: TaskId,
    pub(crate) engine: Arc<Engine>,
}

impl Testbed {
    pub(crate) async fn new() -> Self {
        let engine = block_in_place(engine::engine);
        let folder = tempfile::tempdir().unwrap();
        Self {
            driver: Some(open(folder.path(), &engine.address()).await.unwrap()),
            folder,
            task: fresh_task(),
            engine,
        }
    }

    pub(crate) fn driver(&self) -> &DockerDriver {
        self.driver.as_ref().unwrap()
    }

    /// The same data directory after its server was started again.
    pub(crate) async fn reopen(&mut self) {
        self.reopen_with(Registries::default()).await;
    }

    pub(crate) async fn reopen_with(&mut self, registries: Registries) {
        self.reopen_as(registries, None).await;
    }

    /// With an engine that is to emulate another platform.
    pub(crate) async fn reopen_as(&mut self, registries: Registries, platform: Option<&str>) {
        self.driver = None;
        let mut config = config(self.folder.path(), &self.engine.address(), registries);
        config.surroundings.platform = platform.map(str::to_owned);
        self.driver = Some(DockerDriver::open(config).await.unwrap());
    }

    pub(crate) fn shell(&self, container: &str, script: &str) -> ContainerSpec {
        let key = ContainerKey {
            task: self.task,
            container: container.to_owned(),
        };
        let log = LogTarget {
            group: GROUP.to_owned(),
            stream: format!("{container}/{}", self.task),
        };
        ContainerSpec {
            command: Some(["sh", "-c", script].map(str::to_owned).to_vec()),
            ..ContainerSpec::new(key, IMAGE, log)
        }
    }

    pub(crate) async fn network(&self, mode: NetworkMode, containers: &[&str]) -> NetworkState {
        let names = containers.iter().map(|name| (*name).to_owned()).collect();
        let spec = NetworkSpec::new(self.task, mode, names);
        self.driver().set_up_network(&spec).await.unwrap()
    }

    /// Starts a container without a network.
    pub(crate) async fn start(&self, spec: &ContainerSpec) {
        let network = self
            .network(NetworkMode::None, &[&spec.key.container])
            .await;
        self.driver().start(spec, &network).await.unwrap();
    }

    pub(crate) async fn wait(&self, spec: &ContainerSpec) -> Exit {
        within(self.driver().wait(&spec.key)).await
    }

    /// Runs a container to its end; its lines, if it ended with 0.
    pub(crate) async fn output(&self, spec: &ContainerSpec) -> Vec<String> {
        self.start(spec).await;
        let exit = self.wait(spec).await;
        let lines = self.lines(spec);
        assert_eq!(exit.code, Some(0), "{lines:?}");
        lines
    }

    pub(crate) fn lines(&self, spec: &ContainerSpec) -> Vec<String> {
        let store = Store::open(
            &self.folder.path().join("logs"),
            "us-east-1",
            "000000000000",
        );
        let input = GetLogEventsInput {
            log_group_name: Some(spec.log.group.clone()),
            log_stream_name: Some(spec.log.stream.clone()),
            start_from_head: Some(true),
            ..GetLogEventsInput::default()
        };
        let events = store.get_log_events(&input).map(|output| output.events);
        let events = events.unwrap_or_default().into_iter();
        events.filter_map(|event| event.message).collect()
    }
}

impl Drop for Testbed {
    fn drop(&mut self) {
        let torn_down =
            block_in_place(|| Handle::current().block_on(self.driver().tear_down(self.task)));
        if !std::thread::panicking() {
            torn_down.unwrap();
        }
    }
}

/// A driver on a folder, as a server would open it.
pub(crate) async fn open(folder: &Path, address: &str) -> Result<DockerDriver, DockerError> {
    open_with(folder, address, Registries::default()).await
}

pub(crate) async fn open_with(
    folder: &Path,
    address: &str,
    registries: Registries,
) -> Result<DockerDriver, DockerError> {
    DockerDriver::open(config(folder, address, registries)).await
}

fn config(folder: &Path, address: &str, registries: Registries) -> DockerConfig {
    DockerConfig {
        data: folder.join("data"),
        logs: folder.join("logs"),
        surroundings: Surroundings {
            host: Some(address.to_owned()),
            ..Surroundings::default()
        },
        registries,
        clock: Arc::new(WallClock),
    }
}

struct WallClock;

#[async_trait]
impl Clock for WallClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test of real containers has real time"
    )]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }

    async fn sleep_until(&self, _moment: Timestamp) {
        unreachable!("the driver only asks for the time")
    }
}

/// Different in every test of every run that may go on at the same time.
pub(crate) fn fresh_task() -> TaskId {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    TaskId::from_bits(u128::from(std::process::id()) << 64 | u128::from(number))
}

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work)
        .await
        .expect("it took too long")
}

/// Resolves when the condition holds.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    within(async {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        while !holds() {
            tick.tick().await;
        }
    })
    .await;
}
