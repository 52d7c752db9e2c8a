//! A private host to test on, and conversations over its network.

use std::fs::{self, File};
use std::future::Future;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use model::TaskId;
use model::payload::{NetworkMode, NetworkSpec, NetworkState, PortMapping, Protocol};
use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns, unshare};
use runtime::native::network::{Network, NetworkConfig};

/// The address of the private host on its "network card".
pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const PATIENCE: Duration = Duration::from_secs(5);
/// For conversations that must not come about.
const DENIAL: Duration = Duration::from_millis(300);

/// One test at a time: a program that another test starts would inherit sockets for the
/// moment between fork and exec, and keep a port busy that was just released.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs a test as root of a private host. The state folder is on a file system that
/// vanishes with the test, mounts included.
pub(crate) fn on_private_host<F: Future<Output = ()>>(test: impl FnOnce(PathBuf) -> F + Send) {
    if !nix::unistd::Uid::effective().is_root() {
        println!("skipped: needs root");
        return;
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let outcome = thread::scope(|scope| {
        scope
            .spawn(|| {
                unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).unwrap();
                let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
                mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
                mount(
                    Some("tmpfs"),
                    "/mnt",
                    Some("tmpfs"),
                    MsFlags::empty(),
                    None::<&str>,
                )
                .unwrap();
                run("ip link set lo up");
                run(&format!("ip addr add {HOST}/32 dev lo"));
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                runtime.block_on(test(PathBuf::from("/mnt/network")));
            })
            .join()
    });
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

pub(crate) async fn open(directory: &Path) -> Network {
    Network::open(directory, NetworkConfig::of_host())
        .await
        .unwrap()
}

pub(crate) fn task(number: u128) -> TaskId {
    TaskId::from_bits(number)
}

/// `ports`: container, container port, host port (0 = dynamic), protocol.
pub(crate) fn spec(
    number: u128,
    mode: NetworkMode,
    containers: &[&str],
    ports: &[(&str, u16, u16, Protocol)],
) -> NetworkSpec {
    let mapping =
        |&(container, container_port, host_port, protocol): &(&str, u16, u16, Protocol)| {
            PortMapping {
                container: container.to_owned(),
                container_port,
                host_port: (host_port != 0).then_some(host_port),
                protocol,
            }
        };
    NetworkSpec {
        ports: ports.iter().map(mapping).collect(),
        ..NetworkSpec::new(
            task(number),
            mode,
            containers.iter().map(|&name| name.to_owned()).collect(),
        )
    }
}

/// A bridge task with one container `app`.
pub(crate) fn bridged(number: u128, ports: &[(u16, u16, Protocol)]) -> NetworkSpec {
    let ports: Vec<_> = ports
        .iter()
        .map(|&(inside, host, protocol)| ("app", inside, host, protocol))
        .collect();
    spec(number, NetworkMode::Bridge, &["app"], &ports)
}

pub(crate) fn namespace(state: &NetworkState, container: usize) -> PathBuf {
    PathBuf::from(state.containers[container].namespace.as_ref().unwrap())
}

pub(crate) fn address(state: &NetworkState, container: usize) -> Ipv4Addr {
    state.containers[container]
        .ipv4
        .as_ref()
        .unwrap()
        .parse()
        .unwrap()
}

pub(crate) fn host_port(state: &NetworkState, container: usize, binding: usize) -> u16 {
    state.containers[container].bindings[binding].host_port
}

/// Runs on a thread inside a namespace; sockets made there stay there.
pub(crate) fn inside<T: Send>(namespace: &Path, work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            setns(
                File::open(namespace).unwrap().as_fd(),
                CloneFlags::CLONE_NEWNET,
            )
            .unwrap();
            work()
        });
        thread.join().unwrap()
    })
}

/// Whether a TCP client reaches the listener at `target`; answers the source it saw.
/// The client runs in `from`, or on the host.
pub(crate) fn tcp(
    listener: &TcpListener,
    from: Option<&Path>,
    target: impl Into<IpAddr>,
    port: u16,
) -> Option<IpAddr> {
    talk_tcp(
        listener,
        from,
        SocketAddr::new(target.into(), port),
        PATIENCE,
    )
}

#[track_caller]
pub(crate) fn tcp_denied(
    listener: &TcpListener,
    from: Option<&Path>,
    target: impl Into<IpAddr>,
    port: u16,
) {
    assert_eq!(
        talk_tcp(listener, from, SocketAddr::new(target.into(), port), DENIAL),
        None
    );
}

fn talk_tcp(
    listener: &TcpListener,
    from: Option<&Path>,
    target: SocketAddr,
    patience: Duration,
) -> Option<IpAddr> {
    thread::scope(|scope| {
        let client = scope.spawn(|| match from {
            Some(namespace) => inside(namespace, || ask_tcp(target, patience)),
            None => ask_tcp(target, patience),
        });
        let mut events = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        let source = match poll(&mut events, PollTimeout::try_from(patience).unwrap()) {
            Ok(1) => listener.accept().ok().and_then(|(mut connection, source)| {
                connection.set_read_timeout(Some(patience)).unwrap();
                let mut question = [0; 4];
                connection.read_exact(&mut question).ok()?;
                connection.write_all(&question).ok()?;
                Some(source.ip())
            }),
            _ => None,
        };
        client.join().unwrap().and(source)
    })
}

fn ask_tcp(target: SocketAddr, patience: Duration) -> Option<()> {
    let mut connection = TcpStream::connect_timeout(&target, patience).ok()?;
    connection.set_read_timeout(Some(patience)).unwrap();
    connection.write_all(b"ping").ok()?;
    let mut answer = [0; 4];
    connection.read_exact(&mut answer).ok()
}

/// As [`tcp`], with one datagram each way.
pub(crate) fn udp(
    server: &UdpSocket,
    from: Option<&Path>,
    target: impl Into<IpAddr>,
    port: u16,
) -> Option<IpAddr> {
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    let client = || UdpSocket::bind("0.0.0.0:0").unwrap();
    let client = from.map_or_else(client, |namespace| inside(namespace, client));
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.connect((target.into(), port)).unwrap();
    client.send(b"ping").ok()?;
    let mut question = [0; 4];
    let (_, source) = server.recv_from(&mut question).ok()?;
    server.send_to(&question, source).ok()?;
    client.recv(&mut question).ok()?;
    Some(source.ip())
}

pub(crate) fn listen(namespace: &Path, port: u16) -> TcpListener {
    inside(namespace, || TcpListener::bind(("0.0.0.0", port)).unwrap())
}

pub(crate) fn listen_udp(namespace: &Path, port: u16) -> UdpSocket {
    inside(namespace, || UdpSocket::bind(("0.0.0.0", port)).unwrap())
}

/// Runs a program for checking, and answers what it printed.
#[track_caller]
pub(crate) fn run(command: &str) -> String {
    let mut words = command.split_whitespace();
    let output = Command::new(words.next().unwrap())
        .args(words)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// All that a task's network could leave on the host.
pub(crate) fn inventory(directory: &Path) -> String {
    let links = run("ip -o link show");
    let mut names: Vec<_> = links
        .lines()
        .filter_map(|line| line.split(": ").nth(1))
        .collect();
    names.sort_unstable();
    let files = |path: PathBuf| {
        let entries = fs::read_dir(path).into_iter().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let mounts = fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
    let mounts = mounts
        .lines()
        .filter(|line| line.contains(" /mnt/"))
        .count();
    let rules = run("nft list ruleset");
    format!(
        "links {names:?}\nstate {:?}\nnetns {:?}\nmounts {mounts}\n{rules}",
        files(directory.to_owned()),
        files(directory.join("netns"))
    )
}

/// Waits for what the kernel does in the background.
#[track_caller]
pub(crate) fn eventually(directory: &Path, expected: &str) {
    for _ in 0..500 {
        if inventory(directory) == expected {
            return;
        }
        thread::park_timeout(Duration::from_millis(10));
    }
    assert_eq!(inventory(directory), expected);
}
