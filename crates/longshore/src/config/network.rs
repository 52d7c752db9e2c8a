//! The table `network`: where containers get their addresses, and what callers may name.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Network {
    /// IPv4 network that bridges take their subnets from, for example 10.231.0.0/16.
    #[serde(skip_serializing_if = "Option::is_none", with = "pool")]
    pub(crate) pool: Option<Ipv4Net>,
    /// The Availability Zone of each subnet: awsvpc tasks on container instances go to a zone of
    /// their subnets. A subnet without one fits every zone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) subnet_zones: BTreeMap<String, String>,
    /// The networks that subnets and security groups are looked up in. Without any, every name
    /// is taken.
    #[serde(rename = "vpc", skip_serializing_if = "Vec::is_empty")]
    pub(crate) vpcs: Vec<Vpc>,
}

/// One network of its own, as far as callers name its parts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) subnets: Vec<String>,
    #[serde(default)]
    pub(crate) security_groups: Vec<String>,
}

/// Longer prefixes have no room for a bridge with a container behind it.
const POOL_PREFIX_MAX: u8 = 29;

/// Written like 10.231.0.0/16.
mod pool {
    use ipnet::Ipv4Net;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        value: &Option<Ipv4Net>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(pool) => to.collect_str(pool),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Ipv4Net>, D::Error> {
        let text = String::deserialize(from)?;
        let wrong = |_| {
            D::Error::custom(format!(
                "'{text}' is not an IPv4 network like 10.231.0.0/16"
            ))
        };
        text.parse().map(Some).map_err(wrong)
    }
}

impl Network {
    /// What contradicts itself, in words for the operator.
    pub(super) fn problem(&self) -> Option<String> {
        let pool = self.pool.filter(|pool| pool.prefix_len() > POOL_PREFIX_MAX);
        if let Some(pool) = pool {
            return Some(format!(
                "network.pool must be /{POOL_PREFIX_MAX} or larger, but is {pool}"
            ));
        }
        self.problem_of_vpcs()
    }

    fn problem_of_vpcs(&self) -> Option<String> {
        let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for vpc in &self.vpcs {
            let about = |what: String| Some(format!("network.vpc '{}': {what}", vpc.id));
            if !ids.insert(&vpc.id) {
                return about("there are two of that id".to_owned());
            }
            if vpc.subnets.is_empty() {
                return about("it needs at least one subnet".to_owned());
            }
            for name in vpc.subnets.iter().chain(&vpc.security_groups) {
                if let Some(owner) = owners.insert(name, &vpc.id) {
                    return about(format!("{name} belongs to {owner} already"));
                }
            }
        }
        None
    }

    /// As the control plane wants them.
    pub(crate) fn vpcs(&self) -> Vec<control::cx::Vpc> {
        let vpc = |vpc: &Vpc| control::cx::Vpc {
            id: vpc.id.clone(),
            subnets: vpc.subnets.iter().cloned().collect(),
            security_groups: vpc.security_groups.iter().cloned().collect(),
        };
        self.vpcs.iter().map(vpc).collect()
    }
}
