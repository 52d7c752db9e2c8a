//! A running server: store, writer, agent and HTTP, started in the order in which
//! they need each other and stopped in the reverse.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use agent::{Agent, Resolver};
use api::{Auth, HttpConfig};
use control::cx::{Random, root_arn};
use control::hosting::{self, HostedInstance, LocalMachine};
use control::limits::Limits;
use control::record::instance::Agent as InstanceAgent;
use control::{Caller, Settings, State};
use runtime::Driver;
use store::journal::{SCHEMA_VERSION, Sqlite};
use store::{DataDirLock, Journal, JournalError, LockError, StoreError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle as TaskHandle;

use crate::arguments::AuthMode;
use crate::clock::{ServerClock, SystemClock};
use crate::config::{Config, ConfigError};
use crate::data_dir::{self, DataDirError, ServerFile};
use crate::driver::{self, DriverError, Drivers};
use crate::faults::{Faults, Faulty};
use crate::gateway::ServerGateway;
use crate::history::History;
use crate::instances;
use crate::keys::{OneKey, RootKey};
use crate::plane::LocalPlane;
use crate::references::{Mapping, MappingError, Services, Sources};
use crate::scaling;
use crate::sweeper;
use crate::writer::{self, Writer};

/// Host ports that the ECS agent's host reserves (`placement.md` §6); ours is added.
const RESERVED_TCP_PORTS: [u16; 5] = [22, 2375, 2376, 51678, 51679];

/// Why a server does not start; one sentence each.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("{}", lock_sentence(.0))]
    Lock(#[from] LockError),
    #[error("{0}")]
    DataDir(#[from] DataDirError),
    #[error("{0}")]
    Journal(#[from] JournalError),
    #[error("the stored state cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Driver(#[from] DriverError),
    #[error("{0}")]
    Mapping(#[from] MappingError),
    #[error("{address} cannot be listened on: {source}; choose another address with --listen")]
    Listen { address: String, source: io::Error },
    #[error("the writer thread does not start: {0}")]
    Thread(io::Error),
    #[error("the container instances cannot be registered: {0}")]
    Register(String),
    #[error("{0}")]
    Instances(String),
}

fn lock_sentence(error: &LockError) -> String {
    match error {
        LockError::Io { dir, source } if data_dir::is_full(source) => data_dir::full_disk(dir),
        other => other.to_string(),
    }
}

pub(crate) struct Server {
    pub(crate) file: ServerFile,
    pub(crate) writer: Writer,
    /// For a command without a log, which has this server for its own tasks.
    pub(crate) warning: Option<String>,
    drivers: Vec<Arc<dyn Driver>>,
    data_dir: PathBuf,
    stop: oneshot::Sender<()>,
    http: TaskHandle<()>,
    agents: Vec<TaskHandle<()>>,
    /// What goes on beside the calls.
    housekeeping: Vec<TaskHandle<()>>,
    thread: JoinHandle<()>,
    // Dropped last: as long as anything of ours runs, the directory is ours.
    lock: DataDirLock,
}

impl Server {
    /// Starts everything. The lock is an argument so that a lost race is known early.
    pub(crate) async fn start(
        config: &Config,
        data_dir: &Path,
        lock: DataDirLock,
        embedded: bool,
        clock: ServerClock,
    ) -> Result<Self, StartError> {
        let listener = listen(config).await?;
        let address = listener.local_addr().map_err(|source| StartError::Listen {
            address: config.listen.clone(),
            source,
        })?;
        let services = services(config);
        // Tokens expire by the time of the world, also where a test moves the server's.
        let ecr = services.ecr(Arc::new(SystemClock));
        let sources = sources(config, services)?;
        let drivers = driver::open(config, data_dir, &clock, ecr).await?;
        let machine = machine(&*drivers.own, address.port());
        let hosted = instances::hosted(&config.instances, &machine, drivers.is_scripted)
            .map_err(StartError::Instances)?;
        // Only now, so that a server that cannot start leaves nothing.
        let key = RootKey::obtain(data_dir)?;
        let settings = Arc::new(settings(config, drivers.is_scripted));
        let faults = Faults::new(root(&settings));
        let drivers = agents(drivers, &settings, &faults, &clock);
        let on_commit = on_commit(&drivers);
        let (writer, thread) = start_writer(data_dir, &settings, clock.clone(), on_commit)?;
        faults.attach(writer.clone());
        register(&writer, &settings, machine, hosted).await?;
        let mut agents = Vec::new();
        for (driver, plane) in &drivers {
            plane.attach(writer.clone());
            let clock = Arc::new(clock.clone());
            let resolver = resolver(&sources, &**driver);
            let agent = Agent::new(driver.clone(), plane.clone(), clock, resolver);
            agents.push(tokio::spawn(agent.run()));
        }
        let drivers = drivers.into_iter().map(|(driver, _)| driver).collect();
        let file = server_file(config, address, &key, embedded);
        let (stop, stopped) = oneshot::channel();
        let (history, following) = History::follow(writer.commits(), config.consistency_delay);
        let gateway = ServerGateway {
            writer: writer.clone(),
            settings: settings.clone(),
            logs: logs::Store::open(
                &driver::logs_root(data_dir),
                &config.region,
                &config.account,
            ),
            clock: clock.clone(),
            history,
            faults,
        };
        let mut http = HttpConfig::new(auth(config, &key), Arc::new(SystemClock));
        http.open_metrics = config.metrics.open;
        http.allowed_hosts.clone_from(&config.allowed_hosts);
        let http = tokio::spawn(api::serve(listener, Arc::new(gateway), http, async {
            // A dropped sender means that the server is gone, which is a reason to stop, too.
            let _ = stopped.await;
        }));
        let sweeper = tokio::spawn(sweeper::sweep(writer.clone(), settings.clone(), clock));
        let hook = config.capacity.hook.clone();
        let scaling = tokio::spawn(scaling::watch_wishes(writer.clone(), hook));
        file.write(data_dir)?;
        let data_dir = data_dir.to_owned();
        Ok(Self {
            file,
            writer,
            warning: sources.warning(),
            drivers,
            data_dir,
            stop,
            http,
            agents,
            housekeeping: vec![sweeper, scaling, following],
            thread,
            lock,
        })
    }

    /// Stops serving and leaves tasks running.
    pub(crate) async fn stop(self) {
        ServerFile::remove(&self.data_dir);
        let _ = self.stop.send(());
        // Aborted or panicked tasks have been logged; there is nothing left to do with them.
        let _ = self.http.await;
        self.housekeeping.iter().for_each(TaskHandle::abort);
        for agent in self.agents {
            agent.abort();
            let _ = agent.await;
        }
        for task in self.housekeeping {
            let _ = task.await;
        }
        for driver in self.drivers {
            if let Err(error) = driver.close().await {
                tracing::warn!(%error, "something shared by tasks was left behind");
            }
        }
        self.writer.stop().await;
        let thread = self.thread;
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        drop(self.lock);
    }
}

async fn listen(config: &Config) -> Result<TcpListener, StartError> {
    let addresses = config.addresses()?;
    TcpListener::bind(&*addresses)
        .await
        .map_err(|source| StartError::Listen {
            address: config.listen.clone(),
            source,
        })
}

fn services(config: &Config) -> Services {
    let lookup = |name: &str| std::env::var(name).ok();
    Services::new(&config.endpoints, &config.region, lookup)
}

/// Where the values come from that definitions only name.
fn sources(config: &Config, services: Services) -> Result<Arc<Sources>, MappingError> {
    let mapping = config.secrets.as_deref().map(Mapping::open).transpose()?;
    let sources = Sources::new(mapping, services);
    if let Some(warning) = sources.warning() {
        tracing::warn!("{warning}");
    }
    Ok(Arc::new(sources))
}

/// Scripted containers have no environment that anybody could see: nothing is fetched for them,
/// unless there is where from, and then a missing value fails their tasks as it does others.
fn resolver(sources: &Arc<Sources>, driver: &dyn Driver) -> Option<Arc<dyn Resolver>> {
    let is_needed = driver.name() != "scripted" || sources.is_configured();
    is_needed.then(|| Arc::clone(sources) as _)
}

fn settings(config: &Config, scripted: bool) -> Settings {
    Settings {
        region: config.region.clone(),
        account: config.account.clone(),
        availability_zone: format!("{}a", config.region),
        subnet_zones: config.network.subnet_zones.clone(),
        vpcs: config.network.vpcs(),
        volumes: config.volumes.allowed(),
        scripted,
        limits: Limits {
            stopped_task_retention_seconds: i64::from(config.retention.stopped_tasks),
            provisioning_timeout_seconds: i64::from(config.capacity.provisioning_timeout),
        },
    }
}

fn start_writer(
    data_dir: &Path,
    settings: &Arc<Settings>,
    clock: ServerClock,
    on_commit: writer::OnCommit,
) -> Result<(Writer, JoinHandle<()>), StartError> {
    let mut journal = Sqlite::open(&data_dir.join("longshore.db"), SCHEMA_VERSION)?;
    let state = State::load(&mut journal.load()?)?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| DataDirError::Random(error.to_string()))?;
    let random = Random::from_seed(seed);
    writer::start(
        state,
        Box::new(journal),
        random,
        settings.clone(),
        clock,
        on_commit,
    )
    .map_err(StartError::Thread)
}

/// Each driver with what its agent hears from.
fn agents(
    drivers: Drivers,
    settings: &Arc<Settings>,
    faults: &Arc<Faults>,
    clock: &ServerClock,
) -> Vec<(Arc<dyn Driver>, Arc<LocalPlane>)> {
    let agent = |driver, kind| {
        let driver: Arc<dyn Driver> = Arc::new(Faulty::new(driver, faults.clone(), clock.clone()));
        (
            driver,
            LocalPlane::new(kind, settings.clone(), clock.clone()),
        )
    };
    let beside = drivers.beside;
    let beside = beside.map(|driver| agent(driver, InstanceAgent::Scripted));
    let own = agent(drivers.own, InstanceAgent::Local);
    std::iter::once(own).chain(beside).collect()
}

fn on_commit(agents: &[(Arc<dyn Driver>, Arc<LocalPlane>)]) -> writer::OnCommit {
    let all: Vec<_> = agents.iter().map(|(_, plane)| plane.on_commit()).collect();
    Box::new(move |tasks| all.iter().for_each(|tell| tell(tasks)))
}

fn machine(driver: &dyn Driver, port: u16) -> LocalMachine {
    let capacity = driver.capacity();
    let mut reserved_tcp_ports = RESERVED_TCP_PORTS.to_vec();
    reserved_tcp_ports.push(port);
    reserved_tcp_ports.sort_unstable();
    LocalMachine {
        cpu_units: capacity.cpu_units,
        memory_mib: capacity.memory_mib,
        architecture: capacity.architecture,
        reserved_tcp_ports,
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Registers the container instances of this server.
async fn register(
    writer: &Writer,
    settings: &Settings,
    machine: LocalMachine,
    hosted: Vec<HostedInstance>,
) -> Result<(), StartError> {
    let call = Box::new(move |cx: &mut control::Cx<'_>| {
        hosting::register(cx, &machine, &hosted);
        Ok(Box::new(()) as control::operation::Answer)
    });
    let done = writer.run(root(settings), call).await;
    done.map(drop)
        .map_err(|error| StartError::Register(error.to_string()))
}

/// The server itself as a caller.
pub(crate) fn root(settings: &Settings) -> Arc<Caller> {
    Arc::new(Caller {
        principal_arn: settings.root_arn(),
    })
}

fn auth(config: &Config, key: &RootKey) -> Auth {
    match config.auth {
        AuthMode::Required => Auth::Required(Arc::new(OneKey::new(key, &config.account))),
        AuthMode::None => Auth::None(api::Caller {
            principal_arn: Arc::from(root_arn(&config.account)),
            account: Arc::from(config.account.as_str()),
            access_key_id: Arc::from(key.access_key_id.as_str()),
            region: Arc::from(config.region.as_str()),
        }),
    }
}

fn server_file(config: &Config, address: SocketAddr, key: &RootKey, embedded: bool) -> ServerFile {
    ServerFile {
        url: format!("http://{address}"),
        pid: std::process::id(),
        started_at: SystemClock.now(),
        embedded,
        region: config.region.clone(),
        key: key.clone(),
    }
}
