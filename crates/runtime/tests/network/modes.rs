//! The four network modes: what a task gets, and who reaches whom.

use std::net::{IpAddr, Ipv4Addr, TcpListener};

use model::container::FailureName;
use model::payload::NetworkMode::{Awsvpc, Bridge, Host, None as NoNetwork};
use model::payload::Protocol::{Tcp, Udp};

use crate::testbed::{
    address, bridged, inside, inventory, listen, namespace, on_private_host, open, run, spec, task,
    tcp,
};

#[test]
fn none_gives_each_container_a_loopback_and_nothing_else() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let before = inventory(&directory);
        let state = network
            .set_up(&spec(1, NoNetwork, &["a", "b"], &[]))
            .await
            .unwrap();
        let [a, b] = [namespace(&state, 0), namespace(&state, 1)];
        assert_ne!(a, b);
        let listener = listen(&a, 80);
        assert!(tcp(&listener, Some(&a), Ipv4Addr::LOCALHOST, 80).is_some());
        assert_eq!(inside(&b, || run("ip -o link show")).lines().count(), 1);
        assert!(
            !run("ip -o link show").contains("longshore"),
            "no bridge without need"
        );
        drop(listener);
        network.tear_down(task(1)).await.unwrap();
        network.settle().await.unwrap();
        assert_eq!(inventory(&directory), before);
    });
}

#[test]
fn a_container_without_networking_is_alone_in_every_mode() {
    for mode in [Host, Bridge, Awsvpc] {
        on_private_host(|directory| async move {
            let network = open(&directory).await;
            let before = inventory(&directory);
            let mut asked = spec(1, mode, &["alone", "other"], &[]);
            asked.isolated.insert("alone".to_owned());
            let state = network.set_up(&asked).await.unwrap();
            let [alone, other] = [&state.containers[0], &state.containers[1]];
            assert_eq!(alone.ipv4, None, "{mode:?}");
            assert_ne!(alone.namespace, other.namespace, "{mode:?}");
            let links = inside(&namespace(&state, 0), || run("ip -o link show"));
            assert_eq!(links.lines().count(), 1, "{mode:?}: {links}");
            network.tear_down(task(1)).await.unwrap();
            network.settle().await.unwrap();
            // The kernel ends links in the background.
            let left = inventory(&directory);
            let files = |text: &str| {
                text.lines()
                    .skip(1)
                    .take(3)
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            assert_eq!(files(&left), files(&before), "{mode:?}");
        });
    }
}

#[test]
fn host_mode_only_looks_at_the_ports() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let ports = [("app", 8080, 0, Tcp), ("app", 8053, 8053, Udp)];
        let state = network
            .set_up(&spec(1, Host, &["app"], &ports))
            .await
            .unwrap();
        let container = &state.containers[0];
        assert_eq!((&container.namespace, &container.ipv4), (&None, &None));
        assert_eq!(
            container
                .bindings
                .iter()
                .map(|b| b.host_port)
                .collect::<Vec<_>>(),
            [8080, 8053]
        );
        let _container =
            TcpListener::bind("0.0.0.0:8080").expect("the container can bind its port");

        let failure = network
            .set_up(&spec(2, Host, &["app"], &ports))
            .await
            .unwrap_err();
        assert_eq!(failure.name, FailureName::CannotStartContainerError);
        assert!(failure.detail.contains("port 8080/tcp"), "{failure}");
        network.tear_down(task(1)).await.unwrap();
        assert!(!run("ip -o link show").contains("longshore"));
    });
}

#[test]
fn awsvpc_containers_share_localhost_and_one_address() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let state = network
            .set_up(&spec(1, Awsvpc, &["db", "app"], &[]))
            .await
            .unwrap();
        let [db, app] = [namespace(&state, 0), namespace(&state, 1)];
        assert_eq!(db, app);
        let interface = state.interface.clone().unwrap();
        assert_eq!(interface.ipv4, address(&state, 1).to_string());
        let link = inside(&app, || run("ip -o link show eth0"));
        assert!(link.contains(&interface.mac), "{link}");

        let listener = listen(&db, 5432);
        assert!(tcp(&listener, Some(&app), Ipv4Addr::LOCALHOST, 5432).is_some());
        assert!(
            tcp(&listener, None, address(&state, 0), 5432).is_some(),
            "from the host"
        );
        let other = network
            .set_up(&spec(2, Awsvpc, &["app"], &[]))
            .await
            .unwrap();
        let seen = tcp(
            &listener,
            Some(&namespace(&other, 0)),
            address(&state, 0),
            5432,
        );
        assert_eq!(
            seen,
            Some(IpAddr::V4(address(&other, 0))),
            "from another task"
        );
    });
}

#[test]
fn bridge_containers_reach_each_other_by_address() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let state = network
            .set_up(&spec(
                1,
                model::payload::NetworkMode::Bridge,
                &["a", "b"],
                &[],
            ))
            .await
            .unwrap();
        let listener = listen(&namespace(&state, 0), 80);
        let seen = tcp(
            &listener,
            Some(&namespace(&state, 1)),
            address(&state, 0),
            80,
        );
        assert_eq!(
            seen,
            Some(IpAddr::V4(address(&state, 1))),
            "with their own address"
        );
    });
}

#[test]
fn a_subnet_that_is_full_says_so() {
    on_private_host(|directory| async move {
        let config = runtime::native::network::NetworkConfig {
            pool: "10.99.0.0/29".parse().unwrap(),
            ..Default::default()
        };
        let network = runtime::native::network::Network::open(&directory, config)
            .await
            .unwrap();
        for number in 1..=5 {
            network.set_up(&bridged(number, &[])).await.unwrap();
        }
        let failure = network.set_up(&bridged(6, &[])).await.unwrap_err();
        assert_eq!(
            failure.detail,
            "all 5 addresses of 10.99.0.0/29 are in use; stop tasks or configure a larger subnet"
        );
        network.tear_down(task(3)).await.unwrap();
        network.set_up(&bridged(6, &[])).await.unwrap();
    });
}
