//! The driver under test, and tasks for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use logs::Store;
use model::TaskId;
use model::cloudwatch_logs::GetLogEventsInput;
use model::container::{ContainerKey, ContainerSpec, Exit, LogTarget};
use model::payload::{NetworkMode, NetworkSpec, NetworkState, PortMapping};

use crate::Driver;
use crate::scripted::SCRIPT_LABEL;

/// Longest time a check waits for anything; a slow machine needs a part of it.
const PATIENCE: Duration = Duration::from_secs(30);
const LOG_GROUP: &str = "/conformance";

/// What a container does, in two languages.
#[derive(Clone, Debug)]
pub(crate) struct Behaviour {
    pub(crate) script: String,
    pub(crate) shell: String,
}

impl Behaviour {
    pub(crate) fn new(script: &str, shell: &str) -> Self {
        Self {
            script: script.to_owned(),
            shell: shell.to_owned(),
        }
    }

    /// Says `ready`, then runs until SIGTERM, on which it exits with 7.
    pub(crate) fn service() -> Self {
        Self::new(
            "on SIGTERM exit 7; log ready",
            "trap 'exit 7' TERM; echo ready; while :; do /bin/busybox sleep 0.05; done",
        )
    }
}

pub(crate) struct Host {
    pub(crate) driver: Arc<dyn Driver>,
    image: String,
    logs: PathBuf,
    tasks: AtomicU32,
}

impl Host {
    pub(crate) fn new(driver: Arc<dyn Driver>, image: &str, logs: &Path) -> Self {
        let tasks = AtomicU32::new(0);
        Self {
            driver,
            image: image.to_owned(),
            logs: logs.to_owned(),
            tasks,
        }
    }

    /// The same host after its server was started again.
    pub(crate) async fn reopen(self, open: impl AsyncFn() -> Arc<dyn Driver>) -> Self {
        let Self {
            driver,
            image,
            logs,
            tasks,
        } = self;
        drop(driver);
        Self {
            driver: open().await,
            image,
            logs,
            tasks,
        }
    }

    pub(crate) fn new_task(&self) -> TaskId {
        task(self.tasks.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn container(&self, task: TaskId, name: &str, does: &Behaviour) -> ContainerSpec {
        let words = ["/bin/busybox", "sh", "-c"].map(str::to_owned).to_vec();
        ContainerSpec {
            entry_point: Some(words),
            command: Some(vec![does.shell.clone()]),
            labels: [(SCRIPT_LABEL.to_owned(), does.script.clone())].into(),
            ..ContainerSpec::new(
                ContainerKey {
                    task,
                    container: name.to_owned(),
                },
                self.image.clone(),
                LogTarget {
                    group: LOG_GROUP.to_owned(),
                    stream: format!("{name}/{task}"),
                },
            )
        }
    }

    pub(crate) async fn network(&self, task: TaskId) -> NetworkState {
        let spec = network(task, NetworkMode::None, &["app"], Vec::new());
        self.driver
            .set_up_network(&spec)
            .await
            .expect("a task without network needs nothing")
    }

    /// A task of one container, `app`, that has been started.
    pub(crate) async fn started(&self, does: &Behaviour) -> ContainerSpec {
        let spec = self.container(self.new_task(), "app", does);
        self.start(&spec).await;
        spec
    }

    /// The image under a name of which only its mirror knows.
    pub(crate) fn mirrored_image(&self) -> String {
        let tag = self.image.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        format!("{}:{tag}", super::MIRRORED)
    }

    /// Pulls and starts the container of a task that has only this one.
    pub(crate) async fn start(&self, spec: &ContainerSpec) {
        let network = self.network(spec.key.task).await;
        self.driver.pull(spec).await.expect("the image is there");
        self.driver
            .start(spec, &network)
            .await
            .expect("the container can be started");
    }

    pub(crate) async fn wait(&self, key: &ContainerKey) -> Exit {
        let exit = tokio::time::timeout(PATIENCE, self.driver.wait(key)).await;
        exit.unwrap_or_else(|_| panic!("{key:?} did not end within {PATIENCE:?}"))
    }

    /// The lines of a container's log, oldest first.
    pub(crate) fn lines(&self, spec: &ContainerSpec) -> Vec<String> {
        let store = Store::open(&self.logs, "us-east-1", "000000000000");
        let input = GetLogEventsInput {
            log_group_name: Some(spec.log.group.clone()),
            log_stream_name: Some(spec.log.stream.clone()),
            start_from_head: Some(true),
            ..GetLogEventsInput::default()
        };
        let events = store
            .get_log_events(&input)
            .map(|output| output.events)
            .unwrap_or_default();
        events
            .into_iter()
            .filter_map(|event| event.message)
            .collect()
    }

    /// Waits until the container has written `line`, playing the part of the agent, which
    /// always waits for its containers.
    pub(crate) async fn until_logged(&self, spec: &ContainerSpec, line: &str) {
        let logged = async {
            while !self.lines(spec).iter().any(|known| known == line) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            () = logged => {}
            exit = self.wait(&spec.key) => assert!(
                self.lines(spec).iter().any(|known| known == line),
                "{line:?} was not written, {:?} was, then {exit:?}", self.lines(spec),
            ),
        }
    }

    fn tasks(&self) -> impl Iterator<Item = TaskId> {
        (0..self.tasks.load(Ordering::Relaxed)).map(task)
    }

    pub(crate) async fn clean_up(&self) {
        for task in self.tasks() {
            if let Err(failure) = self.driver.tear_down(task).await {
                tracing::warn!(%task, %failure, "left behind");
            }
        }
    }

    pub(crate) async fn check_clean(&self) {
        let existing = self.driver.existing().await.expect("the host can be asked");
        let left: Vec<_> = existing.into_iter().map(|found| found.key).collect();
        let ours: Vec<_> = self
            .tasks()
            .filter(|t| left.iter().any(|key| key.task == *t))
            .collect();
        assert!(ours.is_empty(), "tear_down left {ours:?}");
    }
}

pub(crate) fn network(
    task: TaskId,
    mode: NetworkMode,
    containers: &[&str],
    ports: Vec<PortMapping>,
) -> NetworkSpec {
    let containers = containers.iter().map(|name| (*name).to_owned()).collect();
    NetworkSpec {
        ports,
        ..NetworkSpec::new(task, mode, containers)
    }
}

/// Different in every process, so that what a killed run left is not in the way.
fn task(number: u32) -> TaskId {
    TaskId::from_bits(u128::from(std::process::id()) << 64 | u128::from(number) | 0xc04f << 32)
}
