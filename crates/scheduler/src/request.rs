//! What is asked for: equal tasks, where they may go, what binds and what guides the choice.

use std::sync::Arc;

use crate::expression::Expression;
use crate::limits::STRATEGIES_MAX;
use crate::{Demand, Host, RequiredAttribute};

/// `count` equal tasks.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub pool: Pool<'a>,
    pub count: usize,
    pub demand: &'a Demand,
    pub attributes: &'a [RequiredAttribute<'a>],
    /// The tasks' group: spread counts it, distinctInstance forbids it twice.
    pub group: &'a str,
    /// `awsvpc`: the zones of the given subnets. Empty: any zone.
    pub zones: &'a [&'a str],
    /// All must hold.
    pub constraints: &'a [Constraint],
    /// Each narrows what the one before left; the last tie is broken at random. Five at most:
    /// the rest are not looked at.
    pub strategies: &'a [Strategy],
}

impl Request<'_> {
    pub(crate) fn strategies(&self) -> &[Strategy] {
        let count = self.strategies.len().min(STRATEGIES_MAX);
        &self.strategies[..count]
    }
}

/// Which hosts are looked at. Only ACTIVE ones ever are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool<'a> {
    /// Launch type EC2: hosts of the cluster that are not external.
    Ec2 { cluster: &'a str },
    /// Launch type EXTERNAL: external hosts of the cluster.
    External { cluster: &'a str },
    /// Launch type FARGATE: hosts that lend themselves to it, whatever their cluster.
    Fargate,
    /// Hosts of the cluster that belong to a capacity provider.
    Provider { cluster: &'a str, provider: &'a str },
}

impl Pool<'_> {
    pub(crate) fn holds(self, host: &Host) -> bool {
        self.counts(host)
            && match self {
                Self::Ec2 { .. } => !host.external,
                Self::External { .. } => host.external,
                Self::Fargate => true,
                Self::Provider { provider, .. } => {
                    host.capacity_provider.as_deref() == Some(provider)
                }
            }
    }

    /// Whether the tasks on `host` count for spread: all ACTIVE hosts of the cluster do,
    /// candidates or not (`placement.md` §5).
    pub(crate) fn counts(self, host: &Host) -> bool {
        host.active
            && match self {
                Self::Fargate => host.fargate,
                Self::Ec2 { cluster }
                | Self::External { cluster }
                | Self::Provider { cluster, .. } => host.cluster == cluster,
            }
    }
}

/// What a host must satisfy.
#[derive(Clone, Debug)]
pub enum Constraint {
    MemberOf(Arc<Expression>),
    /// No task of the group is on the host.
    DistinctInstance,
}

/// What makes one host better than another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    Random,
    /// The fewest tasks of the group.
    Spread(SpreadBy),
    /// The least left.
    Binpack(BinpackBy),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpreadBy {
    InstanceId,
    /// The attribute's name. Hosts without it are one more bucket.
    Attribute(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinpackBy {
    Cpu,
    Memory,
}
