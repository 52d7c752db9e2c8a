//! The defence against web pages: a browser that was led to this port is turned away.
//!
//! A page can make a browser send requests to loopback, and by rebinding its own name to a
//! loopback address it could even read the answers. But such requests name the page's host in
//! `Host`, or carry `Origin`; no AWS client does either.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::request::Parts;

use crate::gateway::ApiError;

/// Which `Host` headers are ours.
pub(crate) struct Hosts {
    listen: IpAddr,
    extra: Vec<String>,
}

impl Hosts {
    pub(crate) fn new(listen: IpAddr, extra: Vec<String>) -> Self {
        Self { listen, extra }
    }

    /// 403 for requests that a foreign page can have caused.
    pub(crate) fn check(&self, head: &Parts) -> Result<(), ApiError> {
        if head.headers.contains_key(ORIGIN) {
            return Err(forbidden(
                "Requests from web pages (with an Origin header) are refused.",
            ));
        }
        let mut hosts = head.headers.get_all(HOST).iter();
        let host = hosts
            .next()
            .and_then(|host| host.to_str().ok())
            .and_then(name);
        let target_is_ours = head.uri.host().is_none_or(|host| self.allow(host));
        match host {
            Some(host) if self.allow(host) && hosts.next().is_none() && target_is_ours => Ok(()),
            _ => Err(forbidden(
                "The Host header names a host that this server does not answer for; use its \
                 address, or add the name to `allowed-hosts` of its configuration.",
            )),
        }
    }

    fn allow(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if self
            .extra
            .iter()
            .any(|extra| extra.eq_ignore_ascii_case(host))
        {
            return true;
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            let address = address.to_canonical();
            // Listening everywhere we answer for every address. An address cannot be rebound.
            return address.is_loopback()
                || address == self.listen.to_canonical()
                || self.listen.is_unspecified();
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        // RFC 6761: names under `localhost` are loopback everywhere.
        host == "localhost" || host.ends_with(".localhost")
    }
}

/// The host without its port; `None` if this is no `host[:port]`.
fn name(host: &str) -> Option<&str> {
    let end_of_address = host.rfind(']').map_or(0, |at| at + 1);
    match host[end_of_address..].find(':') {
        None => Some(host),
        Some(colon) => {
            let (name, port) = host.split_at(end_of_address + colon);
            let is_port = port[1..].bytes().all(|byte| byte.is_ascii_digit());
            is_port.then_some(name)
        }
    }
}

fn forbidden(message: &str) -> ApiError {
    ApiError::named("AccessDeniedException", 403, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(listen: &str, host: &str, expected: bool) {
        let hosts = Hosts::new(listen.parse().unwrap(), vec!["build.example".into()]);
        let request = http::Request::builder()
            .header("host", host)
            .body(())
            .unwrap();
        assert_eq!(
            hosts.check(&request.into_parts().0).is_ok(),
            expected,
            "{host}"
        );
    }

    #[test]
    fn own_names_are_taken() {
        for host in [
            "127.0.0.1:8327",
            "127.0.0.1",
            "127.1.2.3:80",
            "[::1]:8327",
            "[::1]",
            "[::ffff:127.0.0.1]:1",
            "localhost:8327",
            "LOCALHOST",
            "localhost.",
            "ecs.localhost:8327",
            "build.example:8327",
            "192.0.2.7:8327",
        ] {
            check("192.0.2.7", host, true);
        }
    }

    #[test]
    fn foreign_names_are_refused() {
        for host in [
            "evil.example:8327",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "notlocalhost",
            "192.0.2.8",
            "[2001:db8::1]:8327",
            "127.0.0.1:evil",
            "a@localhost",
            "",
            ":8327",
        ] {
            check("192.0.2.7", host, false);
        }
    }

    #[test]
    fn listening_everywhere_takes_every_address_but_no_name() {
        check("0.0.0.0", "192.0.2.8:8327", true);
        check("::", "[2001:db8::1]:8327", true);
        check("0.0.0.0", "evil.example", false);
    }

    #[test]
    fn an_origin_or_two_hosts_are_refused() {
        let hosts = Hosts::new([127, 0, 0, 1].into(), Vec::new());
        let check = |headers: &[(&str, &str)]| {
            let request = headers
                .iter()
                .fold(http::Request::builder(), |request, (name, value)| {
                    request.header(*name, *value)
                });
            let head = request.body(()).unwrap().into_parts().0;
            assert_eq!(hosts.check(&head).unwrap_err().status, 403);
        };
        check(&[]);
        check(&[("host", "localhost"), ("host", "localhost")]);
        check(&[("host", "localhost"), ("origin", "http://localhost:8327")]);
        check(&[("host", "localhost"), ("origin", "null")]);
    }
}
