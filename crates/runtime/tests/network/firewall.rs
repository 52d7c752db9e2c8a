//! What the rules let through and what they stop, with another "host" at the far end of a
//! link, and beside other firewalls.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use model::payload::NetworkMode::None as NoNetwork;
use model::payload::Protocol::Tcp;
use runtime::native::network::Network;

use crate::testbed::{
    address, bridged, inside, listen, namespace, on_private_host, open, run, spec, task, tcp,
    tcp_denied,
};

const UPLINK: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

/// Another machine on the host's network; the answer is its namespace.
async fn another_machine(network: &Network) -> PathBuf {
    let state = network
        .set_up(&spec(900, NoNetwork, &["machine"], &[]))
        .await
        .unwrap();
    let machine = namespace(&state, 0);
    run(&format!(
        "ip link add uplink type veth peer name eth0 netns {}",
        machine.display()
    ));
    run(&format!("ip addr add {UPLINK}/24 dev uplink"));
    run("ip link set uplink up");
    inside(&machine, || {
        run(&format!("ip addr add {OUTSIDE}/24 dev eth0"));
        run("ip link set eth0 up");
        run(&format!("ip route add 10.231.0.0/16 via {UPLINK}"));
    });
    machine
}

#[test]
fn the_table_is_what_it_says() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        network
            .set_up(&bridged(1, &[(80, 8080, Tcp)]))
            .await
            .unwrap();
        let expected = r#"table ip longshore0 {
	map tcp_ports {
		type inet_service : ipv4_addr . inet_service
		elements = { 8080 : 10.231.0.2 . 80 }
	}

	map udp_ports {
		type inet_service : ipv4_addr . inet_service
	}

	chain prerouting {
		type nat hook prerouting priority dstnat - 5; policy accept;
		fib daddr type local dnat ip to tcp dport map @tcp_ports
		fib daddr type local dnat ip to udp dport map @udp_ports
	}

	chain output {
		type nat hook output priority -105; policy accept;
		fib daddr type local dnat ip to tcp dport map @tcp_ports
		fib daddr type local dnat ip to udp dport map @udp_ports
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 10.231.0.0/20 oifname != "longshore0" masquerade
		ip saddr 127.0.0.0/8 oifname "longshore0" masquerade
		ip saddr 10.231.0.0/20 oifname "longshore0" ct status dnat masquerade
	}

	chain guard {
		type filter hook prerouting priority raw; policy accept;
		iifname "longshore0" ip daddr 127.0.0.0/8 drop
		iifname "longshore0" ip saddr != 10.231.0.0/20 drop
	}

	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname "longshore0" accept
		oifname "longshore0" ct state established,related accept
		oifname "longshore0" ct status dnat accept
		oifname "longshore0" drop
	}
}
"#;
        assert_eq!(run("nft list table ip longshore0"), expected);
    });
}

#[test]
fn tasks_reach_the_outside_and_the_outside_reaches_published_ports_only() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let state = network
            .set_up(&bridged(1, &[(80, 8080, Tcp)]))
            .await
            .unwrap();
        let app = namespace(&state, 0);
        let machine = another_machine(&network).await;

        let out = listen(&machine, 443);
        assert_eq!(
            tcp(&out, Some(&app), OUTSIDE, 443),
            Some(IpAddr::V4(UPLINK)),
            "masqueraded"
        );
        let web = listen(&app, 80);
        let seen = tcp(&web, Some(&machine), UPLINK, 8080);
        assert_eq!(seen, Some(IpAddr::V4(OUTSIDE)), "with the caller's address");
        let private = listen(&app, 81);
        tcp_denied(&private, Some(&machine), address(&state, 0), 81);
        tcp_denied(&web, Some(&machine), address(&state, 0), 80);
    });
}

#[test]
fn a_task_cannot_reach_the_hosts_loopback_even_with_forged_packets() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let state = network.set_up(&bridged(1, &[])).await.unwrap();
        let app = namespace(&state, 0);
        let api = TcpListener::bind("127.0.0.1:8327").unwrap();
        let gateway = Ipv4Addr::new(10, 231, 0, 1);
        tcp_denied(&api, Some(&app), gateway, 8327);
        inside(&app, forge_loopback);
        tcp_denied(&api, Some(&app), Ipv4Addr::LOCALHOST, 8327);
        // The forgery works, and only the guard stands against it.
        run("nft flush chain ip longshore0 guard");
        assert!(tcp(&api, Some(&app), Ipv4Addr::LOCALHOST, 8327).is_some());
    });
}

/// What a container with CAP_NET_ADMIN could do: send 127.0.0.1 out to the bridge.
fn forge_loopback() {
    std::fs::write("/proc/sys/net/ipv4/conf/eth0/route_localnet", "1").unwrap();
    run("ip addr del 127.0.0.1/8 dev lo");
    run("ip route add 127.0.0.0/8 via 10.231.0.1");
}

#[test]
fn a_task_cannot_send_from_a_foreign_address() {
    on_private_host(|directory| async move {
        let network = open(&directory).await;
        let state = network.set_up(&bridged(1, &[])).await.unwrap();
        let machine = another_machine(&network).await;
        let app = namespace(&state, 0);
        let out = listen(&machine, 443);
        assert!(tcp(&out, Some(&app), OUTSIDE, 443).is_some());
        inside(&app, || {
            run("ip addr add 203.0.113.9/32 dev eth0");
            run("ip route replace default via 10.231.0.1 src 203.0.113.9");
        });
        tcp_denied(&out, Some(&app), OUTSIDE, 443);
    });
}

#[test]
fn beside_docker_the_forward_path_is_opened_and_closed_again() {
    on_private_host(|directory| async move {
        install(&directory, DOCKER);
        let network = open(&directory).await;
        let state = network
            .set_up(&bridged(1, &[(80, 8080, Tcp)]))
            .await
            .unwrap();
        let machine = another_machine(&network).await;
        let out = listen(&machine, 443);
        assert!(tcp(&out, Some(&namespace(&state, 0)), OUTSIDE, 443).is_some());
        let web = listen(&namespace(&state, 0), 80);
        assert!(tcp(&web, Some(&machine), UPLINK, 8080).is_some());
        assert_eq!(network.diagnosis().await.unwrap(), Vec::<String>::new());
        assert_eq!(
            run("nft list chain ip filter DOCKER-USER")
                .matches("longshore0")
                .count(),
            4
        );

        network.tear_down(task(1)).await.unwrap();
        network.close().await.unwrap();
        assert!(!run("nft list chain ip filter DOCKER-USER").contains("longshore0"));
    });
}

const DOCKER: &str = "table ip filter {
    chain DOCKER-USER { return; }
    chain FORWARD { type filter hook forward priority 0; policy drop; jump DOCKER-USER; }
}";

#[test]
fn another_firewall_that_drops_is_named() {
    on_private_host(|directory| async move {
        install(
            &directory,
            "table inet site {
    chain forwarding { type filter hook forward priority 0; policy drop; }
}",
        );
        let network = open(&directory).await;
        network.set_up(&bridged(1, &[])).await.unwrap();
        let diagnosis = network.diagnosis().await.unwrap();
        assert_eq!(diagnosis.len(), 1);
        assert!(
            diagnosis[0].starts_with("the firewall chain `inet site forwarding` drops"),
            "{diagnosis:?}"
        );
    });
}

/// Its rules are in tables of their own, which nf_tables does not show.
#[test]
fn a_policy_of_iptables_legacy_is_named_until_our_links_are_let_through() {
    on_private_host(|directory| async move {
        if !Path::new("/usr/sbin/iptables-legacy").exists() {
            println!("skipped: needs iptables-legacy");
            return;
        }
        let network = open(&directory).await;
        network.set_up(&bridged(1, &[])).await.unwrap();
        let sentences = async || network.diagnosis().await.unwrap();
        assert_eq!(sentences().await, Vec::<String>::new());
        run("iptables-legacy -P FORWARD DROP");
        let told = sentences().await;
        assert_eq!(told.len(), 1, "{told:?}");
        let (found, remedy) = told[0].split_once("; ").unwrap();
        assert!(found.starts_with("the chain FORWARD of iptables-legacy drops"));
        for command in remedy.split(" && ") {
            run(command);
        }
        assert_eq!(sentences().await, Vec::<String>::new());
    });
}

fn install(directory: &Path, rules: &str) {
    std::fs::create_dir_all(directory).unwrap();
    let file = directory.join("rules.nft");
    std::fs::write(&file, rules).unwrap();
    run(&format!("nft -f {}", file.display()));
    std::fs::remove_file(file).unwrap();
}
