//! Where a request goes: the public host of a region, or a URL that someone gave.

use std::fmt;

use crate::service::Service;

/// A partition of AWS: regions that share a domain.
struct Partition {
    /// What the region's name begins with.
    region_prefixes: &'static [&'static str],
    dns_suffix: &'static str,
}

/// Tried in order; a region that none of them knows belongs to [`COMMERCIAL`].
/// `us-iso…` and `us-gov-…` are longer than any prefix of the commercial partition
/// could be, which is why that one has none.
const PARTITIONS: &[Partition] = &[
    Partition {
        region_prefixes: &["cn-", "aws-cn-"],
        dns_suffix: "amazonaws.com.cn",
    },
    Partition {
        region_prefixes: &["us-gov-", "aws-us-gov-"],
        dns_suffix: "amazonaws.com",
    },
    Partition {
        region_prefixes: &["eusc-"],
        dns_suffix: "amazonaws.eu",
    },
    Partition {
        region_prefixes: &["us-iso-", "aws-iso-global"],
        dns_suffix: "c2s.ic.gov",
    },
    Partition {
        region_prefixes: &["us-isob-", "aws-iso-b-"],
        dns_suffix: "sc2s.sgov.gov",
    },
    Partition {
        region_prefixes: &["eu-isoe-", "aws-iso-e-"],
        dns_suffix: "cloud.adc-e.uk",
    },
    Partition {
        region_prefixes: &["us-isof-", "aws-iso-f-"],
        dns_suffix: "csp.hci.ic.gov",
    },
];

const COMMERCIAL: &str = "amazonaws.com";

/// A checked base URL: `http` or `https`, a host, perhaps a port and a path.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    url: String,
    host: String,
}

impl Endpoint {
    /// The public endpoint of a service in a region.
    pub(crate) fn public(service: &Service, region: &str) -> Result<Self, String> {
        if !is_host_label(region) {
            return Err(format!(
                "`{region}` cannot be a region: only letters, digits and hyphens are allowed"
            ));
        }
        Self::parse(&format!(
            "https://{}.{region}.{}",
            service.host_label,
            dns_suffix(region)
        ))
    }

    /// An endpoint that someone wrote down.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let url = text.trim().trim_end_matches('/');
        let rest = match url.split_once("://") {
            Some(("http" | "https", rest)) => rest,
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
            url: url.to_owned(),
            host: host.to_owned(),
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn is_plain_http(&self) -> bool {
        self.url.starts_with("http://")
    }

    /// Whether the host is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let address = self.host.trim_start_matches('[').trim_end_matches(']');
        address == "localhost"
            || address
                .parse()
                .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

fn dns_suffix(region: &str) -> &'static str {
    PARTITIONS
        .iter()
        .find(|partition| {
            partition
                .region_prefixes
                .iter()
                .any(|p| region.starts_with(p))
        })
        .map_or(COMMERCIAL, |partition| partition.dns_suffix)
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

fn is_host_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{ECS, LOGS};

    #[track_caller]
    fn check(region: &str, url: &str) {
        assert_eq!(Endpoint::public(&ECS, region).unwrap().url(), url);
    }

    #[test]
    fn every_partition_has_its_domain() {
        check("eu-west-1", "https://ecs.eu-west-1.amazonaws.com");
        check("cn-north-1", "https://ecs.cn-north-1.amazonaws.com.cn");
        check("us-gov-west-1", "https://ecs.us-gov-west-1.amazonaws.com");
        check("eusc-de-east-1", "https://ecs.eusc-de-east-1.amazonaws.eu");
        check("us-iso-east-1", "https://ecs.us-iso-east-1.c2s.ic.gov");
        check("us-isob-east-1", "https://ecs.us-isob-east-1.sc2s.sgov.gov");
        check(
            "eu-isoe-west-1",
            "https://ecs.eu-isoe-west-1.cloud.adc-e.uk",
        );
        check(
            "us-isof-south-1",
            "https://ecs.us-isof-south-1.csp.hci.ic.gov",
        );
        check("local", "https://ecs.local.amazonaws.com");
        let logs = Endpoint::public(&LOGS, "eu-west-1").unwrap();
        assert_eq!(logs.url(), "https://logs.eu-west-1.amazonaws.com");
    }

    #[test]
    fn a_region_must_be_a_host_label() {
        for region in ["", "evil.example/", "a b", "-x", "x-"] {
            assert!(Endpoint::public(&ECS, region).is_err(), "{region:?}");
        }
    }

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
    fn loopback_is_recognised() {
        for url in [
            "http://127.0.0.1:8327",
            "http://localhost",
            "http://[::1]:80/x",
        ] {
            assert!(Endpoint::parse(url).unwrap().is_loopback(), "{url}");
        }
        for url in [
            "http://10.0.0.1",
            "http://localhost.example",
            "https://[2001:db8::1]",
        ] {
            assert!(!Endpoint::parse(url).unwrap().is_loopback(), "{url}");
        }
    }
}
