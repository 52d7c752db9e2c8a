//! The `resolv.conf` of containers that have a namespace of their own.

use std::fs;
use std::net::IpAddr;

use model::container::Identity;

/// systemd-resolved's own list of servers, behind its stub at 127.0.0.53.
const RESOLVED_UPSTREAM: &str = "/run/systemd/resolve/resolv.conf";

/// The host's `resolv.conf` as a container in its own namespace can use it.
/// Host-mode containers use the host's file unchanged.
pub fn resolv_conf() -> String {
    let host = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let upstream = fs::read_to_string(RESOLVED_UPSTREAM).ok();
    container_resolv_conf(&host, upstream.as_deref())
}

/// Drops name servers that only the host can reach (loopback, or bound to one of its
/// links); if none is left, takes those behind systemd-resolved's stub. Without any
/// server the result has none: asking a foreign one is not ours to decide.
pub fn container_resolv_conf(host: &str, upstream: Option<&str>) -> String {
    let text = match upstream {
        Some(upstream) if !has_reachable_server(host) => upstream,
        _ => host,
    };
    text.lines()
        .filter(|line| server(line).is_none_or(is_reachable))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Servers and search domains of a definition stand in place of the host's, each by themselves.
pub(crate) fn with_identity(text: &str, identity: &Identity) -> String {
    let (servers, domains) = (&identity.dns_servers, &identity.dns_search_domains);
    let is_replaced = |line: &str| match line.split_whitespace().next() {
        Some("nameserver") => !servers.is_empty(),
        Some("search" | "domain") => !domains.is_empty(),
        _ => false,
    };
    let kept = text.lines().filter(|line| !is_replaced(line));
    let mut lines: Vec<String> = kept.map(str::to_owned).collect();
    lines.extend(servers.iter().map(|server| format!("nameserver {server}")));
    if !domains.is_empty() {
        lines.push(format!("search {}", domains.join(" ")));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn has_reachable_server(text: &str) -> bool {
    text.lines().filter_map(server).any(is_reachable)
}

/// The address of a `nameserver` line.
fn server(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    (words.next() == Some("nameserver")).then(|| words.next().unwrap_or_default())
}

fn is_reachable(server: &str) -> bool {
    // An address with a zone (`fe80::1%eth0`) does not parse, rightly: it names a link of the host.
    server
        .parse::<IpAddr>()
        .is_ok_and(|address| !address.is_loopback() && !address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(host: &str, upstream: Option<&str>, expected: &str) {
        assert_eq!(container_resolv_conf(host, upstream), expected);
    }

    #[test]
    fn reachable_servers_stay() {
        let host = "# by hand\nsearch example.net\nnameserver 192.0.2.53\noptions ndots:2\n";
        check(host, None, host);
        check(host, Some("nameserver 198.51.100.1\n"), host);
    }

    #[test]
    fn loopback_servers_are_dropped() {
        check(
            "nameserver 127.0.0.1\nnameserver ::1\nnameserver 192.0.2.53",
            None,
            "nameserver 192.0.2.53\n",
        );
        check("nameserver\t127.0.0.53\nsearch lan\n", None, "search lan\n");
        check("nameserver fe80::1%eth0\n", None, "");
        check("", None, "");
    }

    #[test]
    fn a_definition_names_its_own_servers_and_domains() {
        let host = "search lan\nnameserver 192.0.2.53\noptions ndots:2\n";
        let identity = |servers: &[&str], domains: &[&str]| Identity {
            dns_servers: servers.iter().map(|one| (*one).to_owned()).collect(),
            dns_search_domains: domains.iter().map(|one| (*one).to_owned()).collect(),
            ..Identity::default()
        };
        let check = |servers: &[&str], domains: &[&str], expected: &str| {
            assert_eq!(with_identity(host, &identity(servers, domains)), expected);
        };
        check(&[], &[], host);
        check(
            &["10.0.0.2", "10.0.0.3"],
            &[],
            "search lan\noptions ndots:2\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n",
        );
        check(
            &[],
            &["a.test", "b.test"],
            "nameserver 192.0.2.53\noptions ndots:2\nsearch a.test b.test\n",
        );
    }

    #[test]
    fn behind_the_stub_are_the_real_servers() {
        check(
            "nameserver 127.0.0.53\noptions edns0\nsearch lan\n",
            Some("nameserver 192.0.2.53\nnameserver 127.0.0.1\nsearch lan\n"),
            "nameserver 192.0.2.53\nsearch lan\n",
        );
    }
}
