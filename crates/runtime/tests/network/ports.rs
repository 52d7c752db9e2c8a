//! Published ports: where they answer, who holds them, what happens when they are taken.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};

use model::container::FailureName;
use model::payload::Protocol::{Tcp, Udp};
use runtime::native::network::{Network, NetworkConfig};

use crate::testbed::{
    HOST, address, bridged, host_port, inventory, listen, listen_udp, namespace, on_private_host,
    open, run, task, tcp, udp,
};

const LOCALHOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

#[test]
fn published_ports_answer_on_loopback_and_on_the_hosts_address() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let ports = [(80, 8080, Tcp), (81, 0, Tcp), (53, 8053, Udp), (54, 0, Udp)];
        let state = network.set_up(&bridged(1, &ports)).await.unwrap();
        let app = namespace(&state, 0);
        assert_eq!(host_port(&state, 0, 0), 8080);
        assert!(host_port(&state, 0, 1) >= 32768);
        for (binding, inside_port) in [(0, 80), (1, 81)] {
            let listener = listen(&app, inside_port);
            for target in [LOCALHOST, HOST] {
                let seen = tcp(&listener, None, target, host_port(&state, 0, binding));
                assert!(seen.is_some(), "tcp {target} {inside_port}");
            }
        }
        for (binding, inside_port) in [(2, 53), (3, 54)] {
            let server = listen_udp(&app, inside_port);
            for target in [LOCALHOST, HOST] {
                let seen = udp(&server, None, target, host_port(&state, 0, binding));
                assert!(seen.is_some(), "udp {target} {inside_port}");
            }
        }
    });
}

#[test]
fn two_tasks_publish_the_same_container_port() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let one = network.set_up(&bridged(1, &[(80, 0, Tcp)])).await.unwrap();
        let two = network.set_up(&bridged(2, &[(80, 0, Tcp)])).await.unwrap();
        let ports = [host_port(&one, 0, 0), host_port(&two, 0, 0)];
        assert_ne!(ports[0], ports[1]);
        for (state, port) in [(&one, ports[0]), (&two, ports[1])] {
            let listener = listen(&namespace(state, 0), 80);
            assert!(tcp(&listener, None, LOCALHOST, port).is_some());
        }
    });
}

#[test]
fn a_container_calls_its_own_host_port() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let state = network
            .set_up(&bridged(1, &[(80, 8080, Tcp), (53, 8053, Udp)]))
            .await
            .unwrap();
        let app = namespace(&state, 0);
        let other = network.set_up(&bridged(2, &[])).await.unwrap();
        for bridged_frames_pass_the_firewall in ["0", "1"] {
            // A kernel without br_netfilter has the first case only.
            let switch = "/proc/sys/net/bridge/bridge-nf-call-iptables";
            let _ = std::fs::write(switch, bridged_frames_pass_the_firewall);
            let listener = listen(&app, 80);
            assert!(tcp(&listener, Some(&app), HOST, 8080).is_some());
            let server = listen_udp(&app, 53);
            assert!(udp(&server, Some(&app), HOST, 8053).is_some());
            assert!(tcp(&listener, Some(&namespace(&other, 0)), HOST, 8080).is_some());
        }
    });
}

#[test]
fn a_port_is_held_from_set_up_until_after_tear_down() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        network
            .set_up(&bridged(1, &[(80, 8080, Tcp), (53, 8053, Udp)]))
            .await
            .unwrap();
        assert!(TcpListener::bind("127.0.0.1:8080").is_err());
        assert!(TcpListener::bind("0.0.0.0:8080").is_err());
        assert!(UdpSocket::bind("127.0.0.1:8053").is_err());
        let twice = network
            .set_up(&bridged(2, &[(80, 8080, Tcp)]))
            .await
            .unwrap_err();
        assert!(twice.detail.contains(&task(1).to_string()), "{twice}");

        network.tear_down(task(1)).await.unwrap();
        network.settle().await.unwrap();
        let own = TcpListener::bind("0.0.0.0:8080").unwrap();
        assert!(UdpSocket::bind("127.0.0.1:8053").is_ok());
        assert!(
            tcp(&own, None, HOST, 8080).is_some(),
            "no redirection is left"
        );
    });
}

#[test]
fn a_port_taken_by_another_program_fails_and_leaves_nothing() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        network.set_up(&bridged(1, &[(80, 0, Tcp)])).await.unwrap();
        let before = inventory(&directory);
        let other = TcpListener::bind("127.0.0.1:8080").unwrap();
        let ports = [(81, 0, Tcp), (80, 8080, Tcp)];
        let failure = network.set_up(&bridged(2, &ports)).await.unwrap_err();
        assert_eq!(failure.name, FailureName::CannotStartContainerError);
        assert_eq!(
            failure.detail,
            "port 8080/tcp on the host is already in use by another program; \
             stop that program or choose another hostPort"
        );
        assert_eq!(inventory(&directory), before);
        assert!(
            tcp(&other, None, LOCALHOST, 8080).is_some(),
            "the program keeps its traffic"
        );

        drop(other);
        network.set_up(&bridged(2, &ports)).await.unwrap();
    });
}

#[test]
fn a_dynamic_port_avoids_ports_in_use_and_runs_out_with_a_reason() {
    on_private_host(|directory| async move {
        let config = NetworkConfig {
            port_range: 40000..=40002,
            ..NetworkConfig::default()
        };
        let network = Network::open(&directory, config).await.unwrap();
        let _other = TcpListener::bind("127.0.0.1:40001").unwrap();
        let ports = [(80, 0, Tcp), (81, 40000, Tcp)];
        let state = network.set_up(&bridged(1, &ports)).await.unwrap();
        assert_eq!(
            host_port(&state, 0, 0),
            40002,
            "its own fixed port is avoided as well"
        );
        let failure = network
            .set_up(&bridged(2, &[(80, 0, Tcp)]))
            .await
            .unwrap_err();
        assert_eq!(
            failure.detail,
            "every dynamic tcp port of the host is in use"
        );
    });
}

#[test]
fn ports_come_back_after_another_firewall_flushed_the_rules() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let one = network
            .set_up(&bridged(1, &[(80, 8080, Tcp)]))
            .await
            .unwrap();
        run("nft flush ruleset");
        network
            .set_up(&bridged(2, &[(80, 8081, Tcp)]))
            .await
            .unwrap();
        let listener = listen(&namespace(&one, 0), 80);
        assert!(tcp(&listener, None, LOCALHOST, 8080).is_some());
        run("nft flush ruleset");
        network.tear_down(task(1)).await.unwrap();
        network.tear_down(task(2)).await.unwrap();
        network.settle().await.unwrap();
        assert!(TcpListener::bind("127.0.0.1:8080").is_ok());
        assert_ne!(address(&one, 0), HOST);
    });
}

#[test]
fn a_udp_client_that_keeps_sending_reaches_the_next_task() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        let send = || drop(client.send_to(b"ping", (LOCALHOST, 8053)));
        send();
        for number in 1..=3 {
            let state = network
                .set_up(&bridged(number, &[(53, 8053, Udp)]))
                .await
                .unwrap();
            let server = listen_udp(&namespace(&state, 0), 53);
            server
                .set_read_timeout(Some(std::time::Duration::from_secs(2)))
                .unwrap();
            send();
            assert!(server.recv_from(&mut [0; 4]).is_ok(), "task {number}");
            network.tear_down(task(number)).await.unwrap();
            send();
            network.settle().await.unwrap();
            send();
        }
    });
}
