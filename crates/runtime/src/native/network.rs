//! The network of a task on this host: namespaces, addresses, published ports.
//!
//! | Mode | Made |
//! |---|---|
//! | none | one namespace per container, loopback only |
//! | host | nothing; the ports are looked at, the container binds them itself |
//! | bridge | per container a namespace and an address behind the bridge; host ports are held by bound sockets and redirected by nf_tables |
//! | awsvpc | per task a namespace and an address behind the bridge, shared by its containers |
//!
//! Bridge and table come with the first task that needs them, so that hosts without
//! nf_tables can run the other modes. With them `net.ipv4.ip_forward` is switched on.
//!
//! **What tasks reach.** Tasks in bridge and awsvpc mode reach each other by address, the
//! outside through masquerading, and whatever the host serves on its own addresses,
//! published ports included. They do not reach what the host serves on loopback, not even
//! with forged packets, and cannot send from a foreign IPv4 source. From other hosts only
//! published ports reach a task. Host ports are published on IPv4 only.

mod address;
mod bridge;
mod flows;
mod host;
mod legacy;
mod link;
mod namespace;
mod netlink;
mod nftables;
mod port;
mod publish;
mod reaper;
mod recovery;
mod resolv;
mod state;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;
use std::thread::{self, JoinHandle};

use ipnet::Ipv4Net;
use model::TaskId;
use model::container::{Failure, FailureName};
use model::payload::{NetworkMode, NetworkSpec, NetworkState};
use nix::libc;
use tokio::sync::{mpsc, oneshot};

use self::host::Host;
pub use self::nftables::{Firewall, firewall};
pub(crate) use self::resolv::with_identity;
pub use self::resolv::{container_resolv_conf, resolv_conf};

/// Calls that wait for the owner; a caller waits for room beyond that.
const CALLS_MAX: usize = 256;

/// ECS's own range where the host's is not known.
const PORT_RANGE: RangeInclusive<u16> = 49153..=65535;

/// What an operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkConfig {
    /// Links and tables are named so, followed by a number: `longshore0`. At most 12 bytes.
    pub bridge: String,
    /// Cut into the subnets of bridges. Each server on a host takes one, the first that no
    /// other server has and no route of the host overlaps.
    pub pool: Ipv4Net,
    /// Size of a bridge's subnet; 20 gives room for 4093 addresses.
    pub bridge_prefix_length: u8,
    /// Where dynamic host ports come from.
    pub port_range: RangeInclusive<u16>,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            bridge: "longshore".to_owned(),
            pool: Ipv4Net::new_assert([10, 231, 0, 0].into(), 16),
            bridge_prefix_length: 20,
            port_range: PORT_RANGE,
        }
    }
}

impl NetworkConfig {
    /// The defaults, with the host's own range of ephemeral ports.
    pub fn of_host() -> Self {
        let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
        Self {
            port_range: parse_port_range(&text).unwrap_or(PORT_RANGE),
            ..Self::default()
        }
    }

    fn check(&self) -> Result<(), Failure> {
        let wrong = if self.bridge.is_empty() || self.bridge.len() > 12 {
            "the bridge name must have 1 to 12 bytes"
        } else if self.bridge_prefix_length > 29 || self.pool.prefix_len() > 29 {
            "the subnet of a bridge must be /29 or larger"
        } else if self.port_range.is_empty() || *self.port_range.start() == 0 {
            "the range of dynamic ports must not be empty or begin with 0"
        } else {
            return Ok(());
        };
        Err(Failure::new(FailureName::ContainerNetworkingError, wrong))
    }
}

fn parse_port_range(text: &str) -> Option<RangeInclusive<u16>> {
    let mut numbers = text.split_whitespace().map(str::parse::<u16>);
    let (low, high) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (0 < low && low <= high).then_some(low..=high)
}

type Call = Box<dyn FnOnce(&mut Host) + Send>;

/// The networks of this server's tasks. Dropping it leaves them in place, without the
/// sockets that hold their ports; `recover` takes them up again.
#[derive(Debug)]
pub struct Network {
    calls: Option<mpsc::Sender<Call>>,
    owner: Option<JoinHandle<()>>,
}

impl Network {
    /// State and namespaces live in `directory`. Works in the network namespace of the
    /// calling thread.
    pub async fn open(directory: &Path, config: NetworkConfig) -> Result<Self, Failure> {
        config.check()?;
        let directory = directory.to_owned();
        let (calls, mut inbox) = mpsc::channel::<Call>(CALLS_MAX);
        let (opened, outcome) = oneshot::channel();
        let run = move || match Host::open(&directory, config) {
            Ok(mut host) => {
                let _ = opened.send(Ok(()));
                while let Some(call) = inbox.blocking_recv() {
                    call(&mut host);
                }
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        let owner = thread::Builder::new()
            .name("network".to_owned())
            .spawn(run)
            .map_err(|error| failure("start the network thread", &error))?;
        outcome.await.map_err(|_| ended())??;
        Ok(Self {
            calls: Some(calls),
            owner: Some(owner),
        })
    }

    /// Makes the network of a task; a second call answers with what the first made. If it
    /// fails, nothing is left.
    pub async fn set_up(&self, spec: &NetworkSpec) -> Result<NetworkState, Failure> {
        let spec = spec.clone();
        let has_namespaces = spec.mode != NetworkMode::Host;
        self.call_then(
            move |host| (host.set_up(&spec), ()),
            move |host, ()| {
                if has_namespaces {
                    host.prepare();
                }
            },
        )
        .await?
    }

    /// Removes the network of a task; an unknown task has none. Nobody waits for the kernel to
    /// end its namespaces, nor for its ports, which become free some milliseconds later, when
    /// no redirection names them any more.
    pub async fn tear_down(&self, task: TaskId) -> Result<(), Failure> {
        self.call_then(
            move |host| match host.take(task) {
                Ok(network) => (Ok(()), network),
                Err(failure) => (Err(failure), None),
            },
            |host, network| {
                if let Some(network) = network {
                    host.give_back(network);
                }
            },
        )
        .await?
    }

    /// After a restart: takes up the networks of live tasks, holds their ports again, and
    /// removes everything else that a former life left.
    pub async fn recover(&self, live: &BTreeSet<TaskId>) -> Result<(), Failure> {
        let live = live.clone();
        self.call(move |host| host.recover(&live)).await?
    }

    /// Waits until nothing is left of the tasks torn down so far, and their ports are free.
    pub async fn settle(&self) -> Result<(), Failure> {
        self.call(|host| host.settle()).await
    }

    /// Removes bridge and table if no task uses them any more.
    pub async fn close(&self) -> Result<(), Failure> {
        self.call(Host::close).await?
    }

    /// What on this host keeps task networks from working, one sentence each.
    pub async fn diagnosis(&self) -> Result<Vec<String>, Failure> {
        self.call(|host| host.diagnosis()).await
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Host) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        self.call_then(move |host| (work(host), ()), |_, ()| {})
            .await
    }

    /// Answers with the first part of what `work` returns; the second is for `later`, which
    /// is done before the next call.
    async fn call_then<T: Send + 'static, R>(
        &self,
        work: impl FnOnce(&mut Host) -> (T, R) + Send + 'static,
        later: impl FnOnce(&mut Host, R) + Send + 'static,
    ) -> Result<T, Failure> {
        let (reply, outcome) = oneshot::channel();
        let call: Call = Box::new(move |host| {
            let (answer, rest) = work(host);
            let _ = reply.send(answer);
            later(host, rest);
        });
        let calls = self.calls.as_ref().ok_or_else(ended)?;
        calls.send(call).await.map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.calls = None;
        // Some milliseconds at most; afterwards every port and the claim of the bridge are free.
        if let Some(owner) = self.owner.take() {
            let _ = owner.join();
        }
    }
}

fn ended() -> Failure {
    Failure::new(
        FailureName::InternalError,
        "the network thread has ended; restart the server",
    )
}

/// An error of the kernel, with what it usually takes to get past it.
fn failure(what: &str, error: &io::Error) -> Failure {
    let hint = match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => "; the native driver needs root",
        Some(libc::EROFS) => "; /proc/sys must be writable",
        Some(libc::EOPNOTSUPP | libc::EPROTONOSUPPORT | libc::EAFNOSUPPORT) => {
            "; the kernel lacks a part that this network mode needs (bridge, veth, nf_tables with fib and nat)"
        }
        Some(libc::ENOSPC) => {
            "; a limit of the kernel or the disk is reached (user.max_net_namespaces)"
        }
        _ => "",
    };
    Failure::new(
        FailureName::ContainerNetworkingError,
        format!("cannot {what}: {error}{hint}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_range(text: &str, expected: Option<RangeInclusive<u16>>) {
        assert_eq!(parse_port_range(text), expected);
    }

    #[test]
    fn the_kernel_tells_its_port_range() {
        check_range("32768\t60999\n", Some(32768..=60999));
        check_range("60999 32768", None);
        check_range("0 100", None);
        check_range("", None);
    }

    #[test]
    fn a_configuration_that_cannot_work_is_refused() {
        assert!(NetworkConfig::default().check().is_ok());
        let long = NetworkConfig {
            bridge: "a-very-long-name".to_owned(),
            ..NetworkConfig::default()
        };
        assert!(long.check().is_err());
        let small = NetworkConfig {
            bridge_prefix_length: 30,
            ..NetworkConfig::default()
        };
        assert!(small.check().is_err());
    }
}
