//! Where a request goes: the public host of a region, or a URL that someone gave.

use std::fmt;
use std::net::IpAddr;

mod partition;
mod rules;

pub(crate) use rules::{Endpoints, Given};

/// A resolver of the caller's own. While one is configured, the rules of AWS stand
/// aside; it is asked once for each service when a configuration is built.
pub trait ResolveEndpoint: fmt::Debug + Send + Sync {
    /// Where a service is, or in one sentence why that cannot be said.
    fn endpoint(&self, parameters: &EndpointParameters<'_>) -> Result<ResolvedEndpoint, String>;
}

/// What a [`ResolveEndpoint`] may decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointParameters<'a> {
    /// `ecs` or `logs`.
    pub service: &'a str,
    /// The region of the configuration.
    pub region: &'a str,
    /// The URL that somebody configured for the service, if any.
    pub url: Option<&'a str>,
    /// Whether FIPS endpoints are asked for.
    pub use_fips: bool,
    /// Whether endpoints with IPv6 are asked for.
    pub use_dual_stack: bool,
}

/// What a [`ResolveEndpoint`] returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedEndpoint {
    /// `http` or `https`, host, perhaps port and path.
    pub url: String,
    /// Signed for instead of the service's own name.
    pub signing_name: Option<String>,
    /// Signed for instead of the configured region.
    pub signing_region: Option<String>,
}

impl ResolvedEndpoint {
    /// An endpoint that is signed for as usual.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            signing_name: None,
            signing_region: None,
        }
    }
}

/// A checked base URL: `http` or `https`, a host, perhaps a port and a path.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    url: String,
    host: String,
    /// Signed for instead of the service's own name.
    pub(crate) signing_name: Option<String>,
    /// Signed for instead of the configured region.
    pub(crate) signing_region: Option<String>,
}

impl Endpoint {
    /// An endpoint that someone wrote down.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let url = text.trim();
        let (scheme, rest) = match url.split_once("://") {
            Some((scheme @ ("http" | "https"), rest)) => (scheme, rest.trim_end_matches('/')),
            Some((scheme, _)) => {
                return Err(format!(
                    "endpoint `{url}`: `{scheme}` is neither http nor https"
                ));
            }
            None => {
                return Err(format!(
                    "endpoint `{url}` has no scheme: write http:// or https://"
                ));
            }
        };
        if rest.contains(['?', '#', '@']) || rest.contains(char::is_whitespace) {
            return Err(format!(
                "endpoint `{url}` may hold a host, a port and a path only"
            ));
        }
        let authority = rest.split('/').next().unwrap_or_default();
        let host = host_of(authority).ok_or(format!("endpoint `{url}` has no valid host"))?;
        Ok(Self {
            url: format!("{scheme}://{rest}"),
            host: host.to_owned(),
            signing_name: None,
            signing_region: None,
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn is_plain_http(&self) -> bool {
        self.url.starts_with("http://")
    }

    /// The same without TLS.
    fn into_plain_http(mut self) -> Self {
        if let Some(rest) = self.url.strip_prefix("https://") {
            self.url = format!("http://{rest}");
        }
        self
    }

    /// The host without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Whether no proxy may stand in between: this machine, and addresses that only it
    /// can reach, such as that of the metadata service.
    pub(crate) fn is_local(&self) -> bool {
        self.host() == "localhost" || self.host().parse().is_ok_and(is_local)
    }
}

fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_link_local(),
        // The last is the network of the metadata services of AWS.
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unicast_link_local()
                || address.segments()[..2] == [0xfd00, 0xec2]
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// The host of `host`, `host:port` or `[v6]:port`; `None` when there is none or the port is not a number.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rfind(']') {
        Some(end) if authority.starts_with('[') => authority.split_at(end + 1),
        Some(_) => return None,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port_is_fine = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|p| p.parse::<u16>().is_ok());
    (!host.is_empty() && port_is_fine).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for text in [
            "localhost:80",
            "ftp://x",
            "http://",
            "http://u:p@x",
            "http://x:99999",
            "http://a b",
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            Endpoint::parse("http://x:1/base/ ").unwrap().url(),
            "http://x:1/base"
        );
    }

    #[test]
    fn local_addresses_are_recognised() {
        for url in [
            "http://127.0.0.1:8327",
            "http://localhost",
            "http://[::1]:80/x",
            "http://169.254.170.2",
            "http://[fd00:ec2::254]",
        ] {
            assert!(Endpoint::parse(url).unwrap().is_local(), "{url}");
        }
        for url in [
            "http://10.0.0.1",
            "http://localhost.example",
            "https://[2001:db8::1]",
        ] {
            assert!(!Endpoint::parse(url).unwrap().is_local(), "{url}");
        }
    }
}
