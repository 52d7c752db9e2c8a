//! Containers in an engine with Docker's API: Docker, Podman, Colima and what else speaks it.
//!
//! The engine may be far away, so nothing here looks at its files, and the driver keeps nothing
//! that the engine does not: names are drawn from tasks, and labels say whose a container is and
//! where its output goes. A restarted server finds it all again.
//!
//! What a container has beyond the definition is what the native driver gives it: no `MKNOD`,
//! no new privileges by set-user-id programs, at most 8192 processes, no swap beyond its
//! memory. The limits of a task fall to each of its containers.

mod body;
mod endpoint;
mod engine;
mod error;
mod execute;
mod frames;
mod holder;
mod identity;
mod mounts;
mod names;
mod network;
mod objects;
mod output;
mod platform;
mod pull;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bollard::errors::Error;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{KillContainerOptions, WaitContainerOptions};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use model::TaskId;
use model::container::{
    ContainerKey, ContainerSpec, Existing, Exit, Failure, FailureName, NamespaceMode, PulledImage,
    Started,
};
use model::payload::{NetworkSpec, NetworkState};
use tokio::time::{sleep, timeout};

use crate::clock::Clock;
use crate::driver::{Capacity, Driver, Executed, own_network};
use crate::registry::Registries;
use crate::signals::SIGKILL;
pub use endpoint::Surroundings;
use engine::Engine;
pub use error::DockerError;
use error::{
    cannot_create, cannot_inspect, cannot_start, cannot_stop, is_conflict, is_missing, no_answer,
    words,
};
use frames::Kind;
use objects::{Found, Objects, Wanted, is_running, was_started};
use output::{Followers, Source};

/// One that hangs in the kernel is given up after this.
const KILL_TIME: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What the composition root knows.
pub struct DockerConfig {
    /// The data directory; the driver has one small file in `docker` below it.
    pub data: PathBuf,
    /// The root of the log store.
    pub logs: PathBuf,
    pub surroundings: Surroundings,
    /// Logins for pulling, and registries that stand for others.
    pub registries: Registries,
    /// Stamps the end of a container that the engine no longer has.
    pub clock: Arc<dyn Clock>,
}

/// What answers and where, for a person to read; makes nothing in the engine. One that says
/// nothing at all within `patience` is an error.
pub async fn examine(
    surroundings: &Surroundings,
    patience: Duration,
) -> Result<String, DockerError> {
    engine::describe(surroundings, patience).await
}

/// See the module.
pub struct DockerDriver {
    clock: Arc<dyn Clock>,
    objects: Objects,
    followers: Followers,
    registries: Registries,
}

impl DockerDriver {
    /// Finds the engine, and takes up what a former server left in it.
    pub async fn open(config: DockerConfig) -> Result<Self, DockerError> {
        let engine = Engine::connect(&config.surroundings).await?;
        let owner = identity::of(&config.data.join("docker"))?;
        let driver = Self {
            followers: Followers::new(engine.client.clone(), &config.logs, config.clock.clone()),
            objects: Objects::new(engine, owner),
            registries: config.registries,
            clock: config.clock,
        };
        let unfinished = driver.known(None).await;
        let endpoint = &driver.objects.engine().endpoint;
        for (key, container) in unfinished.map_err(|error| no_answer(endpoint, &error))? {
            driver.follow(&key, &container);
        }
        Ok(driver)
    }

    /// The started containers of definitions, of all tasks or of one.
    async fn known(
        &self,
        task: Option<TaskId>,
    ) -> Result<Vec<(ContainerKey, ContainerInspectResponse)>, Error> {
        let listed = self.objects.list(task).await?.into_iter();
        let of_definitions = listed.filter_map(|container| {
            let labels = container.labels?.into_iter().collect();
            Some((names::key(&labels)?, container.id?))
        });
        let inspected = of_definitions.map(async |(key, id)| {
            let found = self.objects.inspect(&id).await?;
            Ok(found.filter(was_started).map(|found| (key, found)))
        });
        let inspected: Result<Vec<_>, Error> = join_all(inspected).await.into_iter().collect();
        Ok(inspected?.into_iter().flatten().collect())
    }

    fn follow(&self, key: &ContainerKey, container: &ContainerInspectResponse) {
        let is_podman = self.objects.engine().is_podman;
        if let Some(source) = source(container, is_podman) {
            self.followers.follow(key, source);
        }
    }

    /// Waits for the end; `None` if there is no such container.
    async fn end_of(&self, name: &str) -> Option<ContainerInspectResponse> {
        let mut pause = FIRST_PAUSE;
        loop {
            let options = WaitContainerOptions {
                condition: "not-running".to_owned(),
            };
            let mut ends = Box::pin(self.objects.client().wait_container(name, Some(options)));
            let is_missing = matches!(ends.next().await, Some(Err(error)) if is_missing(&error));
            // The answer to the wait has no times, and a connection that broke has none at all.
            match self.objects.inspect(name).await {
                Ok(Some(container)) if !is_running(&container) => return Some(container),
                Ok(None) if is_missing => return None,
                _ => {}
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Kills the container if it runs, and waits until its output is in the log store.
    async fn end(&self, key: &ContainerKey, name: &str) -> Result<(), Failure> {
        self.signal(key, SIGKILL).await?;
        let ended = async {
            self.end_of(name).await;
            self.followers.finished(key).await;
        };
        timeout(KILL_TIME, ended).await.map_err(|_| {
            let detail = "the container did not end within 10 seconds of SIGKILL";
            Failure::new(FailureName::CannotStopContainerError, detail)
        })
    }

    async fn discard(&self, key: &ContainerKey) -> Result<(), Failure> {
        let Ok(name) = names::container(key) else {
            return Ok(());
        };
        let found = self.objects.inspect(&name).await;
        if let Some(container) = found.map_err(|error| cannot_stop(&error))? {
            self.follow(key, &container);
            self.end(key, &name).await?;
            let removed = self.objects.remove(&name).await;
            removed.map_err(|error| cannot_stop(&error))?;
        }
        self.followers.forget(key);
        Ok(())
    }

    /// The holder of what the containers of the task share, if this one shares anything.
    async fn shared(&self, spec: &ContainerSpec) -> Result<Option<String>, Failure> {
        match [spec.pid, spec.ipc].contains(&NamespaceMode::Task) {
            true => network::shared(&self.objects, spec.key.task)
                .await
                .map(Some),
            false => Ok(None),
        }
    }

    async fn labels(&self, spec: &ContainerSpec) -> Result<Vec<(String, String)>, Failure> {
        let start = self.followers.length(&spec.log).await;
        let start = start.map_err(|cause| {
            let detail = format!("its log cannot be written: {cause}");
            Failure::new(FailureName::CannotCreateContainerError, detail)
        })?;
        let own = [
            (names::CONTAINER, spec.key.container.clone()),
            (names::RUNTIME_ID, spec.key.runtime_id()),
            (names::LOG_GROUP, spec.log.group.clone()),
            (names::LOG_STREAM, spec.log.stream.clone()),
            (names::LOG_START, start.to_string()),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        Ok(self
            .objects
            .labels(spec.key.task)
            .into_iter()
            .chain(own)
            .collect())
    }
}

#[async_trait]
impl Driver for DockerDriver {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn capacity(&self) -> Capacity {
        self.objects.engine().capacity.clone()
    }

    async fn set_up_network(&self, spec: &NetworkSpec) -> Result<NetworkState, Failure> {
        network::set_up(&self.objects, spec).await
    }

    async fn pull(&self, spec: &ContainerSpec) -> Result<PulledImage, Failure> {
        pull::pull(&self.objects, spec, &self.registries).await
    }

    async fn start(
        &self,
        spec: &ContainerSpec,
        network: &NetworkState,
    ) -> Result<Started, Failure> {
        let name = names::container(&spec.key)?;
        let shared = self.shared(spec).await?;
        let image = pull::find(&self.objects, &spec.image, &self.registries).await?;
        let network = own_network(&spec.key, network)?;
        let place = body::Place {
            network: network.namespace.as_deref().unwrap_or("host"),
            linked: &network.hosts,
            shared: shared.as_deref(),
            labels: self.labels(spec).await?,
            image: image.as_ref(),
        };
        let container = Wanted {
            body: body::create(spec, &place)?,
            platform: self.objects.platform(),
        };
        let made = self.objects.make(&name, &container, was_started).await;
        if let Found::There(container) = made.map_err(|error| refused(spec, &error))? {
            self.follow(&spec.key, &container);
            return Ok(objects::started(&spec.key, &container));
        }
        if let Err(error) = self.objects.start(&name).await {
            // The first failure is the one to tell.
            let _ = self.objects.remove(&name).await;
            return Err(cannot_start(&error));
        }
        let found = self.objects.inspect(&name).await;
        let found = found.map_err(|error| cannot_inspect(&error))?;
        let container = found.ok_or_else(|| {
            let detail = "the container was removed from the engine while it was being started";
            Failure::new(FailureName::ContainerVanishedError, detail)
        })?;
        self.follow(&spec.key, &container);
        Ok(objects::started(&spec.key, &container))
    }

    async fn wait(&self, key: &ContainerKey) -> Exit {
        let ended = match names::container(key) {
            Ok(name) => self.end_of(&name).await,
            Err(_) => None,
        };
        if let Some(container) = &ended {
            self.follow(key, container);
        }
        self.followers.finished(key).await;
        let known = ended
            .filter(was_started)
            .and_then(|container| objects::exit(&container));
        known.unwrap_or_else(|| Exit {
            code: None,
            out_of_memory: false,
            at: self.clock.now(),
            reason: Some("the engine does not have the container any more".to_owned()),
        })
    }

    async fn signal(&self, key: &ContainerKey, signal: i32) -> Result<(), Failure> {
        let Ok(name) = names::container(key) else {
            return Ok(());
        };
        let options = KillContainerOptions {
            signal: signal.to_string(),
        };
        match self
            .objects
            .client()
            .kill_container(&name, Some(options))
            .await
        {
            // A container that has ended is as good as told.
            Err(error) if is_missing(&error) || is_conflict(&error) => Ok(()),
            told => told.map_err(|error| cannot_stop(&error)),
        }
    }

    async fn execute(
        &self,
        key: &ContainerKey,
        command: &[String],
        timeout: Duration,
    ) -> Result<Executed, Failure> {
        let name = names::container(key)?;
        execute::execute(&self.objects, &name, key, command, timeout).await
    }

    async fn remove(&self, key: &ContainerKey) -> Result<(), Failure> {
        self.discard(key).await
    }

    async fn tear_down(&self, task: TaskId) -> Result<(), Failure> {
        let known = self
            .known(Some(task))
            .await
            .map_err(|error| cannot_stop(&error))?;
        let discarded = known.iter().map(|(key, _)| self.discard(key));
        join_all(discarded)
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
        // Holders, and what was created but never started.
        let rest = self
            .objects
            .list(Some(task))
            .await
            .map_err(|error| cannot_stop(&error))?;
        let ids = rest.into_iter().filter_map(|container| container.id);
        let removed = ids.map(async |id| self.objects.remove(&id).await);
        let removed: Result<(), Error> = join_all(removed).await.into_iter().collect();
        removed.map_err(|error| cannot_stop(&error))?;
        let volumes = self.objects.remove_volumes(task).await;
        volumes.map_err(|error| cannot_stop(&error))
    }

    async fn existing(&self) -> Result<Vec<Existing>, Failure> {
        let known = self
            .known(None)
            .await
            .map_err(|error| cannot_inspect(&error))?;
        let one = |(key, container): (ContainerKey, ContainerInspectResponse)| Existing {
            started: objects::started(&key, &container),
            exit: objects::exit(&container),
            key,
        };
        Ok(known.into_iter().map(one).collect())
    }

    /// Nothing is kept beyond the tasks but the holder's image.
    async fn close(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// Where the output of a container goes, as its labels say.
fn source(container: &ContainerInspectResponse, is_podman: bool) -> Option<Source> {
    let config = container.config.as_ref()?;
    let labels = config.labels.as_ref()?;
    Some(Source {
        id: container.id.clone()?,
        kind: match config.tty {
            Some(true) if is_podman => Kind::BareTerminal,
            Some(true) => Kind::Terminal,
            _ => Kind::Pipe,
        },
        target: model::container::LogTarget {
            group: labels.get(names::LOG_GROUP)?.clone(),
            stream: labels.get(names::LOG_STREAM)?.clone(),
        },
        start: labels.get(names::LOG_START)?.parse().ok()?,
    })
}

fn refused(spec: &ContainerSpec, error: &Error) -> Failure {
    let text = words(error);
    if is_missing(error) && text.to_lowercase().contains("no such image") {
        let detail = format!(
            "the image {} is not in the engine; pull or load it first",
            spec.image
        );
        return Failure::new(FailureName::CannotCreateContainerError, detail);
    }
    cannot_create(error)
}
