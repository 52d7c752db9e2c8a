//! Holders: ports that answer and are held, one localhost for a task, shared namespaces.

use model::container::{ExtraHost, Identity, NamespaceMode};
use model::payload::{NetworkMode, NetworkSpec, PortMapping, Protocol};
use runtime::Driver as _;

use crate::testbed::{Testbed, until, within};

/// One connection from the engine's machine; what the container answered.
fn ask(bed: &Testbed, port: u16) -> String {
    let port = port.to_string();
    let words = ["/bin/busybox", "nc", "-w", "2", "127.0.0.1", &port];
    String::from_utf8_lossy(&bed.engine.inside(&words).stdout).into_owned()
}

fn bridge(bed: &Testbed) -> NetworkSpec {
    let mapping = PortMapping {
        container: "web".to_owned(),
        container_port: 8080,
        host_port: None,
        protocol: Protocol::Tcp,
    };
    let identity = Identity {
        hostname: Some("box".to_owned()),
        extra_hosts: vec![ExtraHost {
            hostname: "db".to_owned(),
            ip_address: "10.9.8.7".to_owned(),
        }],
        dns_servers: vec!["10.1.1.1".to_owned()],
        dns_search_domains: vec!["corp.example".to_owned()],
    };
    let controls = [("net.core.somaxconn".to_owned(), "99".to_owned())];
    NetworkSpec {
        ports: vec![mapping],
        identities: [("web".to_owned(), identity)].into(),
        system_controls: [("web".to_owned(), controls.into())].into(),
        ..NetworkSpec::new(bed.task, NetworkMode::Bridge, vec!["web".to_owned()])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_port_answers_and_outlives_the_server() {
    let mut bed = Testbed::new().await;
    let network = bed.driver().set_up_network(&bridge(&bed)).await.unwrap();
    let port = network.containers[0].bindings[0].host_port;
    let script = "echo ready; while :; do echo hello | nc -l -p 8080; done";
    let spec = bed.shell("web", script);
    bed.driver().start(&spec, &network).await.unwrap();
    until(|| ask(&bed, port).contains("hello")).await;
    bed.reopen().await;
    assert_eq!(
        bed.driver().set_up_network(&bridge(&bed)).await.unwrap(),
        network
    );
    until(|| ask(&bed, port).contains("hello")).await;
    within(bed.driver().tear_down(bed.task)).await.unwrap();
    assert_eq!(ask(&bed, port), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_controls_are_those_of_the_holder() {
    let bed = Testbed::new().await;
    let asked = bridge(&bed);
    let network = bed.driver().set_up_network(&asked).await.unwrap();
    let script = "hostname; cat /etc/hosts /etc/resolv.conf /proc/sys/net/core/somaxconn";
    let mut spec = bed.shell("web", script);
    spec.identity = asked.identities["web"].clone();
    spec.system_controls = asked.system_controls["web"].clone();
    bed.driver().start(&spec, &network).await.unwrap();
    assert_eq!(bed.wait(&spec).await.code, Some(0));
    let lines = bed.lines(&spec);
    let has = |wanted: &[&str]| {
        let all = |line: &String| {
            wanted
                .iter()
                .all(|word| line.split_whitespace().any(|w| w == *word))
        };
        assert!(lines.iter().any(all), "{wanted:?} in {lines:?}");
    };
    for wanted in [
        &["box"][..],
        &["10.9.8.7", "db"],
        &["nameserver", "10.1.1.1"],
        &["search", "corp.example"],
        &["99"],
    ] {
        has(wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_of_an_awsvpc_task_share_localhost() {
    let bed = Testbed::new().await;
    let network = bed
        .network(NetworkMode::Awsvpc, &["server", "client"])
        .await;
    let server = bed.shell("server", "echo hello | nc -l -p 9000");
    bed.driver().start(&server, &network).await.unwrap();
    let client = bed.shell(
        "client",
        "until nc 127.0.0.1 9000; do :; done; ip -4 addr show eth0",
    );
    bed.driver().start(&client, &network).await.unwrap();
    assert_eq!(bed.wait(&client).await.code, Some(0));
    let lines = bed.lines(&client).join("\n");
    assert!(lines.contains("hello"), "{lines}");
    assert!(lines.contains(&network.interface.unwrap().ipv4), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_can_share_its_processes() {
    let bed = Testbed::new().await;
    let mut server = bed.shell("server", "exec sleep 1000");
    server.pid = NamespaceMode::Task;
    bed.start(&server).await;
    let mut looker = bed.shell("looker", "ps -o args");
    looker.pid = NamespaceMode::Task;
    let lines = bed.output(&looker).await;
    assert!(
        lines.iter().any(|line| line == "/hold"),
        "the holder is the first: {lines:?}"
    );
    assert!(lines.iter().any(|line| line == "sleep 1000"), "{lines:?}");
}
