//! Promises about networks: the same answer each time, ports held until the end.

use model::payload::{NetworkMode, NetworkState, PortMapping, Protocol};

use super::host::{Host, network};

pub(crate) async fn check(host: &Host) {
    ports_are_held(host).await;
    a_task_has_one_address(host).await;
}

fn mapping(host_port: Option<u16>) -> PortMapping {
    let container = "app".to_owned();
    PortMapping {
        container,
        container_port: 8080,
        host_port,
        protocol: Protocol::Tcp,
    }
}

fn host_port(state: &NetworkState) -> u16 {
    let app = state
        .containers
        .iter()
        .find(|c| c.container == "app")
        .expect("app has a network");
    match &app.bindings[..] {
        [binding] => {
            assert_eq!(
                (binding.container_port, binding.protocol),
                (8080, Protocol::Tcp)
            );
            binding.host_port
        }
        _ => panic!("one binding was asked for, not {:?}", app.bindings),
    }
}

async fn ports_are_held(host: &Host) {
    let driver = &host.driver;
    let [first, second, third] = [(); 3].map(|()| host.new_task());
    let asked = network(first, NetworkMode::Bridge, &["app"], vec![mapping(None)]);
    let state = driver
        .set_up_network(&asked)
        .await
        .expect("a free port can be had");
    let again = driver
        .set_up_network(&asked)
        .await
        .expect("a network can be asked for again");
    assert_eq!(state, again);
    let port = host_port(&state);

    let asked = network(
        second,
        NetworkMode::Bridge,
        &["app"],
        vec![mapping(Some(port))],
    );
    let failure = driver
        .set_up_network(&asked)
        .await
        .expect_err("the port is held");
    assert!(
        failure.detail.contains(&port.to_string()),
        "{failure} does not name the port"
    );

    let asked = network(third, NetworkMode::Bridge, &["app"], vec![mapping(None)]);
    let other = driver
        .set_up_network(&asked)
        .await
        .expect("another free port can be had");
    assert_ne!(host_port(&other), port);

    driver
        .tear_down(first)
        .await
        .expect("a network can be removed");
    let asked = network(
        second,
        NetworkMode::Bridge,
        &["app"],
        vec![mapping(Some(port))],
    );
    let state = driver
        .set_up_network(&asked)
        .await
        .expect("the port is free again");
    assert_eq!(host_port(&state), port);
    for task in [second, third] {
        driver
            .tear_down(task)
            .await
            .expect("a network can be removed");
    }
}

async fn a_task_has_one_address(host: &Host) {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let task = host.new_task();
        let asked = network(task, NetworkMode::Awsvpc, &["app", "side"], Vec::new());
        let state = host
            .driver
            .set_up_network(&asked)
            .await
            .expect("an address can be had");
        let again = host
            .driver
            .set_up_network(&asked)
            .await
            .expect("it can be asked for again");
        assert_eq!(state, again);
        let interface = state.interface.expect("awsvpc has an interface");
        for container in &state.containers {
            assert_eq!(
                container.ipv4.as_ref(),
                Some(&interface.ipv4),
                "they share localhost"
            );
            assert!(container.bindings.is_empty(), "awsvpc publishes nothing");
        }
        assert!(
            !seen.contains(&interface.ipv4),
            "two tasks share {}",
            interface.ipv4
        );
        seen.push(interface.ipv4);
    }
}
