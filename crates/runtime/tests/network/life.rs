//! Repeated calls, restarts, several servers, leaks, speed.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use model::payload::NetworkMode::{Awsvpc, None as NoNetwork};
use model::payload::Protocol::{Tcp, Udp};

use crate::testbed::{
    address, bridged, eventually, host_port, inventory, listen, namespace, on_private_host, open,
    run, spec, task, tcp,
};

#[test]
fn repeating_a_call_changes_nothing() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let spec = bridged(1, &[(80, 0, Tcp)]);
        let first = network.set_up(&spec).await.unwrap();
        let before = inventory(&directory);
        assert_eq!(network.set_up(&spec).await.unwrap(), first);
        assert_eq!(inventory(&directory), before);
        network.tear_down(task(1)).await.unwrap();
        network.tear_down(task(1)).await.unwrap();
        network.tear_down(task(99)).await.unwrap();
    });
}

#[test]
fn a_restarted_server_finds_what_it_made() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let spec = bridged(1, &[(80, 0, Tcp)]);
        let first = network.set_up(&spec).await.unwrap();
        drop(network);
        let network = open(&directory).await;
        let second = bridged(2, &[(80, 0, Tcp)]);
        assert_ne!(
            address(&network.set_up(&second).await.unwrap(), 0),
            address(&first, 0)
        );
        assert_eq!(network.set_up(&spec).await.unwrap(), first);
        let listener = listen(&namespace(&first, 0), 80);
        assert!(
            tcp(
                &listener,
                None,
                Ipv4Addr::LOCALHOST,
                host_port(&first, 0, 0)
            )
            .is_some()
        );
    });
}

#[test]
fn recovery_holds_the_ports_of_live_tasks_and_removes_the_rest() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let live = network
            .set_up(&bridged(1, &[(80, 8080, Tcp)]))
            .await
            .unwrap();
        let alone = inventory(&directory);
        for number in 2..6 {
            network
                .set_up(&bridged(number, &[(80, 0, Tcp), (53, 0, Udp)]))
                .await
                .unwrap();
        }
        network
            .set_up(&spec(6, Awsvpc, &["a", "b"], &[]))
            .await
            .unwrap();
        network
            .set_up(&spec(7, NoNetwork, &["a"], &[]))
            .await
            .unwrap();
        fs::write(directory.join("netns/half-made"), "").unwrap();
        fs::write(directory.join(format!("{}.json", task(8))), "{").unwrap();
        drop(network);
        assert!(
            TcpListener::bind("127.0.0.1:8080").is_ok(),
            "nobody holds it"
        );

        let network = open(&directory).await;
        network.recover(&BTreeSet::from([task(1)])).await.unwrap();
        eventually(&directory, &alone);
        assert!(TcpListener::bind("127.0.0.1:8080").is_err());
        let listener = listen(&namespace(&live, 0), 80);
        assert!(tcp(&listener, None, Ipv4Addr::LOCALHOST, 8080).is_some());
        drop(listener);

        network.recover(&BTreeSet::new()).await.unwrap();
        assert!(TcpListener::bind("127.0.0.1:8080").is_ok());
        assert!(
            !run("ip -o link show").contains("longshore"),
            "no bridge without need"
        );
    });
}

#[test]
fn a_port_that_was_taken_meanwhile_stays_with_its_taker() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        network
            .set_up(&bridged(1, &[(80, 8080, Tcp)]))
            .await
            .unwrap();
        drop(network);
        let taker = TcpListener::bind("0.0.0.0:8080").unwrap();
        let network = open(&directory).await;
        network.recover(&BTreeSet::from([task(1)])).await.unwrap();
        assert!(tcp(&taker, None, Ipv4Addr::LOCALHOST, 8080).is_some());
        let diagnosis = network.diagnosis().await.unwrap();
        assert!(
            diagnosis
                .iter()
                .any(|sentence| sentence.starts_with("port 8080/tcp of task"))
        );
    });
}

#[test]
fn a_task_whose_namespace_is_gone_starts_afresh() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let spec = bridged(1, &[(80, 8080, Tcp)]);
        let first = network.set_up(&spec).await.unwrap();
        drop(network);
        run(&format!("umount {}", namespace(&first, 0).display()));
        let network = open(&directory).await;
        let again = network.set_up(&spec).await.unwrap();
        let listener = listen(&namespace(&again, 0), 80);
        assert!(tcp(&listener, None, Ipv4Addr::LOCALHOST, 8080).is_some());
    });
}

#[test]
fn servers_on_one_host_have_bridges_of_their_own() {
    on_private_host(|directory| async move {
        let [one, two] = [directory.join("one"), directory.join("two")];
        let first = open(&one).await;
        let a = first.set_up(&bridged(1, &[(80, 8080, Tcp)])).await.unwrap();
        let second = open(&two).await;
        let b = second
            .set_up(&bridged(1, &[(80, 8081, Tcp)]))
            .await
            .unwrap();
        for (state, port) in [(&a, 8080), (&b, 8081)] {
            let listener = listen(&namespace(state, 0), 80);
            assert!(tcp(&listener, None, Ipv4Addr::LOCALHOST, port).is_some());
        }
        assert_eq!(bridges(), ["longshore0", "longshore1"]);

        // The first server is away with a task left: its bridge is not up for grabs.
        drop(first);
        drop(second);
        let third = open(&directory.join("three")).await;
        third.set_up(&bridged(1, &[])).await.unwrap();
        assert_eq!(bridges(), ["longshore0", "longshore1", "longshore2"]);
        let first = open(&one).await;
        assert_eq!(
            first.set_up(&bridged(1, &[(80, 8080, Tcp)])).await.unwrap(),
            a
        );

        // A server whose folder was deleted does not come back.
        remove_folder(&two);
        let fourth = open(&directory.join("four")).await;
        fourth.set_up(&bridged(1, &[])).await.unwrap();
        assert_eq!(bridges(), ["longshore0", "longshore1", "longshore2"]);
    });
}

fn bridges() -> Vec<String> {
    let links = run("ip -o link show type bridge");
    let names = links.lines().filter_map(|line| line.split(": ").nth(1));
    let mut names: Vec<_> = names.map(str::to_owned).collect();
    names.sort();
    names
}

fn remove_folder(directory: &Path) {
    for entry in fs::read_dir(directory.join("netns")).unwrap() {
        run(&format!("umount {}", entry.unwrap().path().display()));
    }
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_subnet_the_host_routes_elsewhere_is_passed_over() {
    on_private_host(|directory| async move {
        run("ip link add vpn0 type veth peer name vpn1");
        run("ip link set vpn0 up");
        run("ip route add 10.231.8.0/24 dev vpn0");
        let network = open(&directory).await;
        let state = network.set_up(&bridged(1, &[])).await.unwrap();
        assert_eq!(address(&state, 0), Ipv4Addr::new(10, 231, 16, 2));
    });
}

#[test]
fn fifty_tasks_leave_nothing() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        network
            .set_up(&bridged(1, &[(80, 8080, Tcp)]))
            .await
            .unwrap();
        let before = inventory(&directory);
        let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
        let open_before = descriptors();
        for number in 2..52 {
            let spec = match number % 3 {
                0 => spec(number, Awsvpc, &["a", "b"], &[]),
                1 => spec(number, NoNetwork, &["a", "b"], &[]),
                _ => bridged(number, &[(80, 0, Tcp), (53, 0, Udp), (81, 8081, Tcp)]),
            };
            network.set_up(&spec).await.unwrap();
            network.tear_down(task(number)).await.unwrap();
            network.settle().await.unwrap();
        }
        eventually(&directory, &before);
        assert_eq!(descriptors(), open_before);
        network.tear_down(task(1)).await.unwrap();
        network.close().await.unwrap();
        assert!(!run("ip -o link show").contains("longshore"));
        assert_eq!(run("nft list ruleset"), "");
    });
}

#[test]
fn many_tasks_at_once() {
    on_private_host(|directory| async move {
        let network = std::sync::Arc::new(open(&directory).await);
        let local = tokio::task::LocalSet::new();
        let states = local
            .run_until(async {
                let start = |number| {
                    let network = network.clone();
                    tokio::task::spawn_local(async move {
                        network
                            .set_up(&bridged(number, &[(80, 0, Tcp)]))
                            .await
                            .unwrap()
                    })
                };
                let started: Vec<_> = (1..=20).map(start).collect();
                let mut states = Vec::new();
                for state in started {
                    states.push(state.await.unwrap());
                }
                states
            })
            .await;
        let addresses: BTreeSet<_> = states.iter().map(|state| address(state, 0)).collect();
        let ports: BTreeSet<_> = states.iter().map(|state| host_port(state, 0, 0)).collect();
        assert_eq!((addresses.len(), ports.len()), (20, 20));
    });
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "prints how long calls take; nothing depends on it"
)]
fn speed() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let began = std::time::Instant::now();
        network.set_up(&bridged(1, &[])).await.unwrap();
        println!(
            "first bridge task, with bridge and table: {:.1?}",
            began.elapsed()
        );
        let kinds = [
            ("none, 1 container", spec(0, NoNetwork, &["a"], &[])),
            ("awsvpc, 2 containers", spec(0, Awsvpc, &["a", "b"], &[])),
            ("bridge, 1 container, 1 port", bridged(0, &[(80, 0, Tcp)])),
        ];
        for (position, (name, spec)) in kinds.into_iter().enumerate() {
            let (mut up, mut down) = (Vec::new(), Vec::new());
            for number in 0..40 {
                let mut spec = spec.clone();
                spec.task = task(1000 * (position as u128 + 1) + number);
                let began = std::time::Instant::now();
                network.set_up(&spec).await.unwrap();
                up.push(began.elapsed());
                let began = std::time::Instant::now();
                network.tear_down(spec.task).await.unwrap();
                down.push(began.elapsed());
            }
            up.sort_unstable();
            down.sort_unstable();
            println!(
                "{name}: set_up {:.2?}, tear_down {:.2?} (medians of 40)",
                up[20], down[20]
            );
        }
        let began = std::time::Instant::now();
        network.settle().await.unwrap();
        println!("settle: {:.1?}", began.elapsed());
    });
}
