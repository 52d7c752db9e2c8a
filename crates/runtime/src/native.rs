//! Containers without a daemon: images, network, and one shim process per container.
//!
//! A container's whole state is in its folder (`native/container/folder.rs`), so the driver
//! keeps nothing in memory and a restarted server continues where the one before it ended.
//!
//! What differs from Docker's defaults: `MKNOD` is not among the default capabilities, no new
//! privileges are gained by set-user-id programs, a container has at most 8192 processes and
//! threads, and it never uses swap beyond its memory limit. Privileged containers have none
//! of these restrictions but the last two.

mod cgroup;
mod clock;
mod container;
pub mod image;
pub mod network;
mod prepare;
mod requirements;
mod rootfs;
pub mod shim;
mod spec;
mod stage;
mod sweeper;
mod volume;

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::TaskId;
use model::container::{
    ContainerKey, ContainerSpec, Existing, Exit, Failure, FailureName, PulledImage, Started,
};
use model::payload::{NetworkSpec, NetworkState};
use rustix::process::Signal;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::driver::{Capacity, Driver, Executed};
use cgroup::Cgroups;
use container::folder::{Folder, Folders};
use container::template::Template;
use container::{execute, holder, launch, outcome};
use image::{ImageStore, Login, Progress, Registries};
use network::{Network, NetworkConfig};
pub use requirements::{Examined, NativeError, Outcome, examine};
use sweeper::Sweeper;

/// A killed container ends at once; one that hangs in the kernel is given up after this.
const KILL_TIME: Duration = Duration::from_secs(10);

/// What the composition root knows.
#[derive(Clone, Debug)]
pub struct NativeConfig {
    /// The data directory; everything of the driver is in `native` below it.
    pub data: PathBuf,
    /// The root of the log store.
    pub logs: PathBuf,
    /// How to start a shim: a program and its first arguments, `["/proc/self/exe", "shim"]` for
    /// a binary whose subcommand `shim` calls [`shim::run`] with the rest.
    pub shim: Vec<OsString>,
    pub network: NetworkConfig,
    /// Credentials for pulling, and registries without TLS.
    pub registries: Registries,
}

/// See the module.
pub struct NativeDriver {
    shim: Vec<OsString>,
    template: Template,
    logs: PathBuf,
    folders: Folders,
    filters: PathBuf,
    /// Held while a process is looked for that keeps namespaces of a task.
    holders: tokio::sync::Mutex<()>,
    /// Volumes that outlive their tasks.
    volumes: PathBuf,
    /// The layer below all images.
    base: PathBuf,
    cgroups: Cgroups,
    capacity: Capacity,
    images: ImageStore,
    network: Network,
    sweeper: Sweeper,
}

impl NativeDriver {
    /// Looks at the host, opens images and network, and takes up what a former server left.
    pub async fn open(config: NativeConfig) -> Result<Self, NativeError> {
        let cgroups = requirements::check()?;
        let root = requirements::folder(&config.data.join("native"))?;
        let tasks = requirements::folder(&root.join("tasks"))?;
        let images = ImageStore::open(&root.join("images")).map_err(|error| error.to_failure())?;
        let network = Network::open(&root.join("network"), config.network).await?;
        let folders = Folders::new(tasks);
        let cannot_read = |source| NativeError::Folder {
            path: root.display().to_string(),
            source,
        };
        network
            .recover(&folders.tasks().map_err(cannot_read)?)
            .await?;
        let images = images.with_registries(config.registries);
        let removed = requirements::folder(&root.join("removed"))?;
        let base = requirements::folder(&root.join("base"))?;
        stage::make_base(&base).map_err(cannot_read)?;
        let sweeper = Sweeper::start(removed, cgroups.clone(), images.clone());
        Ok(Self {
            sweeper: sweeper.map_err(cannot_read)?,
            template: Template::start(&config.shim).map_err(NativeError::Shim)?,
            shim: config.shim,
            logs: requirements::folder(&config.logs)?,
            folders,
            base,
            filters: requirements::folder(&root.join("filters"))?,
            holders: tokio::sync::Mutex::default(),
            volumes: requirements::folder(&root.join("volumes"))?,
            cgroups,
            capacity: requirements::capacity(),
            images,
            network,
        })
    }

    /// The image store, for the `image` commands.
    pub fn images(&self) -> &ImageStore {
        &self.images
    }

    /// The networks of tasks, for diagnosis and for closing them with the server.
    pub fn network(&self) -> &Network {
        &self.network
    }

    fn folder(&self, key: &ContainerKey) -> Result<Folder, Failure> {
        let other = "has other characters than letters, digits, - and _; rename it";
        let refuse = || cannot_create(format!("the container name {:?} {other}", key.container));
        self.folders.container(key).ok_or_else(refuse)
    }

    /// Kills the container if it still runs and waits for its end. Keeps a new start out as
    /// long as the lock lives; an ended container has been started, and needs none.
    async fn end(&self, folder: &Folder, key: &ContainerKey) -> Result<Option<File>, Failure> {
        if folder.exit().is_some() {
            return Ok(None);
        }
        let settled = timeout(KILL_TIME, launch::settled(folder)).await;
        let lock = settled.map_err(|_| cannot_stop("it is still being started"))??;
        if folder.started().is_some() && folder.exit().is_none() {
            self.signal(key, Signal::KILL.as_raw()).await?;
            let ended = timeout(KILL_TIME, outcome::wait(folder, key, &self.cgroups)).await;
            ended.map_err(|_| cannot_stop("it did not end within 10 seconds of SIGKILL"))?;
        }
        Ok(lock)
    }

    /// Ends the container and removes all that is left.
    async fn discard(&self, key: &ContainerKey) -> Result<(), Failure> {
        let Some(folder) = self.folders.container(key) else {
            return Ok(());
        };
        let lock = self.end(&folder, key).await?;
        // The shim may still be unmounting the container's root.
        if let Some(Ok(Some(shim))) = folder.shim().map(|shim| shim.open()) {
            let gone = timeout(KILL_TIME, container::process::ended(&shim)).await;
            gone.map_err(|_| cannot_stop("its shim did not end"))?
                .map_err(cannot_stop)?;
        }
        let (cgroups, key, images) = (self.cgroups.clone(), key.clone(), self.images.clone());
        let remove = move || -> io::Result<()> {
            cgroups.remove_container(&key)?;
            folder.remove()?;
            drop(lock);
            images.release(&key.runtime_id()).map_err(io::Error::other)
        };
        blocking(remove).await.map_err(cannot_stop)
    }
}

#[async_trait]
impl Driver for NativeDriver {
    fn name(&self) -> &'static str {
        "native"
    }

    fn capacity(&self) -> Capacity {
        self.capacity.clone()
    }

    async fn set_up_network(&self, spec: &NetworkSpec) -> Result<NetworkState, Failure> {
        match self.network.set_up(spec).await {
            // The port may be one of a task that was just torn down: it gets free with a delay
            // that nobody waits for until somebody wants the port.
            Err(_) if !spec.ports.is_empty() => {
                self.network.settle().await?;
                self.network.set_up(spec).await
            }
            made => made,
        }
    }

    async fn pull(&self, spec: &ContainerSpec) -> Result<PulledImage, Failure> {
        let told = Arc::new(|progress: Progress| tracing::debug!(?progress, "pulling"));
        let login = spec.registry_login.as_ref().map(|login| Login::Password {
            user: login.user.clone(),
            password: login.password.clone(),
        });
        let pulled = self.images.pull(&spec.image, login, told).await;
        let image = pulled.map_err(|error| error.to_failure())?;
        Ok(PulledImage {
            stop_signal: image.stop_signal(),
            digest: image.digest,
        })
    }

    async fn start(
        &self,
        spec: &ContainerSpec,
        network: &NetworkState,
    ) -> Result<Started, Failure> {
        let folder = self.folder(&spec.key)?;
        if let Some(record) = folder.started() {
            // Even if its image is no longer in the store.
            return Ok(launch::started(&spec.key, &record));
        }
        self.sweeper.settled(Some(spec.key.task)).await;
        let request = self.request(spec, network).await?;
        let started = launch::start(&self.template, &folder, &self.cgroups, &request).await;
        if started.is_err() {
            // A lease without a container would keep the layers until the task is torn down.
            let _ = self.images.release(&spec.key.runtime_id());
        }
        started
    }

    async fn wait(&self, key: &ContainerKey) -> Exit {
        let folder = self.folders.container(key);
        match folder.filter(|folder| folder.started().is_some()) {
            Some(folder) => outcome::wait(&folder, key, &self.cgroups).await,
            None => Exit {
                code: None,
                out_of_memory: false,
                at: clock::now(),
                reason: Some("the container is not known to this host".to_owned()),
            },
        }
    }

    async fn signal(&self, key: &ContainerKey, signal: i32) -> Result<(), Failure> {
        let started = self
            .folders
            .container(key)
            .and_then(|folder| folder.started());
        // A container that has ended is as good as told. SIGKILL to the first process of a
        // process namespace is for all of its processes.
        let told = started.map_or(Ok(false), |started| started.process.signal(signal));
        told.map(drop).map_err(cannot_stop)
    }

    async fn execute(
        &self,
        key: &ContainerKey,
        command: &[String],
        timeout: Duration,
    ) -> Result<Executed, Failure> {
        let folder = self.folder(key)?;
        if folder.started().is_none() || folder.exit().is_some() {
            return Err(Failure::new(
                FailureName::CannotInspectContainerError,
                format!("the container {} does not run", key.container),
            ));
        }
        execute::execute(&self.shim, &folder, command, timeout).await
    }

    async fn remove(&self, key: &ContainerKey) -> Result<(), Failure> {
        self.discard(key).await
    }

    async fn tear_down(&self, task: TaskId) -> Result<(), Failure> {
        let mut locks = Vec::new();
        for key in self.folders.of_task(task).map_err(cannot_stop)? {
            if let Some(folder) = self.folders.container(&key) {
                locks.push(self.end(&folder, &key).await?);
            }
        }
        let ended = holder::end(&self.folders.task(task)).await;
        ended.map_err(cannot_stop)?;
        let swept = self.sweeper.sweep(&self.folders, task).await;
        swept.map_err(cannot_stop)?;
        self.network.tear_down(task).await
    }

    async fn existing(&self) -> Result<Vec<Existing>, Failure> {
        let known = |key: ContainerKey| {
            let folder = self.folders.container(&key)?;
            let at = folder.started()?.at;
            let started = Started {
                runtime_id: key.runtime_id(),
                at,
            };
            Some(Existing {
                started,
                exit: folder.exit(),
                key,
            })
        };
        let keys = self.folders.all().map_err(|error| {
            Failure::new(
                FailureName::InternalError,
                format!("the folders of the containers cannot be read: {error}"),
            )
        })?;
        Ok(keys.into_iter().filter_map(known).collect())
    }

    async fn close(&self) -> Result<(), Failure> {
        self.sweeper.settled(None).await;
        self.network.settle().await?;
        self.network.close().await
    }
}

fn cannot_create(detail: String) -> Failure {
    Failure::new(FailureName::CannotCreateContainerError, detail)
}

fn cannot_stop(error: impl ToString) -> Failure {
    Failure::new(
        FailureName::CannotStopContainerError,
        format!("the container cannot be removed: {}", error.to_string()),
    )
}

/// Runs file work off the runtime's own threads.
async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}
