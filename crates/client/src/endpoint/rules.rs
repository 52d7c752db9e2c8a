//! The rule set: which endpoint follows from region, FIPS and dual-stack.
//!
//! Source: the endpoint rules of ECS and of CloudWatch Logs (botocore 1.44, 2026-11),
//! whose error texts are kept word by word; what stands in brackets behind them is ours
//! and names who asked.

use std::sync::Arc;

use super::partition::Partition;
use super::{Endpoint, EndpointParameters, ResolveEndpoint, ResolvedEndpoint};
use crate::service::{LOGS, Service};

/// A value and who gave it, for the text of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given<T> {
    pub(crate) value: T,
    /// A variable, a key of a profile, or "the program".
    pub(crate) by: String,
}

impl<T> Given<T> {
    /// Given in code.
    pub(crate) fn in_code(value: T) -> Self {
        Self {
            value,
            by: "the program".to_owned(),
        }
    }
}

/// What the endpoints of all services follow from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Endpoints {
    pub(crate) ecs_url: Option<Given<String>>,
    /// Logs calls go where ECS calls go unless they have a URL of their own.
    pub(crate) logs_url: Option<Given<String>>,
    pub(crate) fips: Option<Given<bool>>,
    pub(crate) dual_stack: Option<Given<bool>>,
    /// Speak plain HTTP whatever the URL says.
    pub(crate) plain_http: bool,
    /// Takes the place of the rules.
    pub(crate) resolver: Option<Arc<dyn ResolveEndpoint>>,
}

impl Endpoints {
    /// The endpoint of a service, or why there is none.
    pub(crate) fn of(&self, service: &Service, region: &str) -> Result<Endpoint, String> {
        let url = match service.host_label {
            label if label == LOGS.host_label => self.logs_url.as_ref(),
            _ => None,
        };
        let url = url.or(self.ecs_url.as_ref());
        if let Some(resolver) = &self.resolver {
            return self.ask(resolver.as_ref(), service, region, url);
        }
        let endpoint = match url {
            Some(url) => self.custom(url)?,
            None => Endpoint::parse(&self.public(service, region)?)?,
        };
        Ok(if self.plain_http {
            endpoint.into_plain_http()
        } else {
            endpoint
        })
    }

    /// The same with the URL that one call gives; it goes before everything else.
    pub(crate) fn at(&self, url: &str) -> Self {
        Self {
            ecs_url: Some(Given::in_code(url.to_owned())),
            logs_url: None,
            resolver: None,
            ..self.clone()
        }
    }

    /// A scheme that the caller's own resolver chose is kept.
    fn ask(
        &self,
        resolver: &dyn ResolveEndpoint,
        service: &Service,
        region: &str,
        url: Option<&Given<String>>,
    ) -> Result<Endpoint, String> {
        let ResolvedEndpoint {
            url,
            signing_name,
            signing_region,
        } = resolver.endpoint(&EndpointParameters {
            service: service.host_label,
            region,
            url: url.map(|url| url.value.as_str()),
            use_fips: is_on(&self.fips),
            use_dual_stack: is_on(&self.dual_stack),
        })?;
        let mut endpoint = Endpoint::parse(&url)?;
        endpoint.signing_name = signing_name;
        endpoint.signing_region = signing_region;
        Ok(endpoint)
    }

    fn custom(&self, url: &Given<String>) -> Result<Endpoint, String> {
        for (words, kind) in [("FIPS", &self.fips), ("Dualstack", &self.dual_stack)] {
            if let Some(kind) = kind.as_ref().filter(|kind| kind.value) {
                return Err(format!(
                    "Invalid Configuration: {words} and custom endpoint are not supported \
                     ({} asks for {words}, {} for {}: unset one of them)",
                    kind.by, url.by, url.value
                ));
            }
        }
        Endpoint::parse(&url.value).map_err(|problem| format!("{}: {problem}", url.by))
    }

    fn public(&self, service: &Service, region: &str) -> Result<String, String> {
        if !is_host_label(region) {
            return Err(format!(
                "`{region}` cannot be a region: only letters, digits and hyphens are allowed"
            ));
        }
        let name = match is_on(&self.dual_stack) {
            true => service.dual_stack_label,
            false => service.host_label,
        };
        let suffix = self.suffix(Partition::of(region))?;
        let is_plain = service.fips_is_plain_in.contains(&region) && !is_on(&self.dual_stack);
        let kind = if is_on(&self.fips) && !is_plain {
            "-fips"
        } else {
            ""
        };
        Ok(format!("https://{name}{kind}.{region}.{suffix}"))
    }

    /// The domain, if the partition has what is asked for.
    fn suffix(&self, partition: &'static Partition) -> Result<&'static str, String> {
        let has_fips = partition.has_fips;
        let dual_stack = partition.dual_stack_suffix;
        let problem = match (is_on(&self.fips), is_on(&self.dual_stack)) {
            (true, true) if !has_fips || dual_stack.is_none() => {
                "FIPS and DualStack are enabled, but this partition does not support one or both"
            }
            (true, false) if !has_fips => {
                "FIPS is enabled but this partition does not support FIPS"
            }
            (false, true) if dual_stack.is_none() => {
                "DualStack is enabled but this partition does not support DualStack"
            }
            (_, true) => return Ok(dual_stack.unwrap_or(partition.dns_suffix)),
            (_, false) => return Ok(partition.dns_suffix),
        };
        let who: Vec<&str> = [&self.fips, &self.dual_stack]
            .into_iter()
            .flatten()
            .filter(|given| given.value)
            .map(|given| given.by.as_str())
            .collect();
        Err(format!("{problem} (asked for by {})", who.join(" and ")))
    }
}

fn is_on(given: &Option<Given<bool>>) -> bool {
    given.as_ref().is_some_and(|given| given.value)
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
    use crate::service::{ECR, ECS};

    /// What a partition lacks, what is asked for, and the words of the refusal.
    #[track_caller]
    fn refuse(has_fips: bool, has_dual_stack: bool, fips: bool, dual_stack: bool, words: &str) {
        let partition = Box::leak(Box::new(Partition::example(
            has_fips,
            has_dual_stack.then_some("api.example"),
        )));
        let on = |value, by: &str| {
            let by = by.to_owned();
            Some(Given { value, by })
        };
        let endpoints = Endpoints {
            fips: on(fips, "A"),
            dual_stack: on(dual_stack, "B"),
            ..Endpoints::default()
        };
        assert_eq!(endpoints.suffix(partition).unwrap_err(), words);
    }

    #[test]
    fn a_partition_without_fips_or_dual_stack_refuses_them() {
        let both = "FIPS and DualStack are enabled, but this partition does not support one or \
                    both (asked for by A and B)";
        refuse(false, false, true, true, both);
        refuse(true, false, true, true, both);
        refuse(false, true, true, true, both);
        refuse(
            false,
            true,
            true,
            false,
            "FIPS is enabled but this partition does not support FIPS (asked for by A)",
        );
        refuse(
            true,
            false,
            false,
            true,
            "DualStack is enabled but this partition does not support DualStack (asked for by B)",
        );
    }

    #[test]
    fn ecr_has_two_names() {
        for (region, fips, dual_stack, expected) in [
            ("eu-west-1", false, false, "api.ecr.eu-west-1.amazonaws.com"),
            (
                "us-east-1",
                true,
                false,
                "api.ecr-fips.us-east-1.amazonaws.com",
            ),
            ("us-east-1", false, true, "ecr.us-east-1.api.aws"),
            ("us-east-1", true, true, "ecr-fips.us-east-1.api.aws"),
            (
                "cn-north-1",
                false,
                false,
                "api.ecr.cn-north-1.amazonaws.com.cn",
            ),
        ] {
            let endpoints = Endpoints {
                fips: Some(Given::in_code(fips)),
                dual_stack: Some(Given::in_code(dual_stack)),
                ..Endpoints::default()
            };
            let url = endpoints.of(&ECR, region).unwrap();
            assert_eq!(url.url(), format!("https://{expected}"));
        }
    }

    #[test]
    fn a_region_must_be_a_host_label() {
        for region in ["", "evil.example/", "a b", "-x", "x-", "x@y"] {
            assert!(Endpoints::default().of(&ECS, region).is_err(), "{region:?}");
        }
    }
}
