//! An entry of `failures`, understood.

use std::fmt;

use model::shapes::Failure;

/// Why something was not placed. On EC2 there is one per container instance that was
/// looked at and not one per task.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunTaskFailure {
    /// The container instance, capacity provider or task definition that is to blame.
    pub arn: Option<String>,
    /// The service's words, mostly none.
    pub detail: Option<String>,
    /// The reason, sorted.
    pub kind: FailureKind,
    /// The reason as the service spells it; empty if it gave none.
    pub reason: String,
}

/// What the reason of a failure says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The instance has too little left of something.
    Resource(Resource),
    /// The agent of the instance is not connected.
    AgentDisconnected,
    /// The instance lacks an attribute that the task definition requires.
    Attribute,
    /// The instance is in another zone than every given subnet.
    Location,
    /// There is no such instance in the cluster.
    Missing,
    /// The instance was deregistered.
    Inactive,
    /// The instance does not satisfy a placement constraint.
    Constraint(Constraint),
    /// Fargate, or the capacity provider, has no room.
    CapacityUnavailable,
    /// The account may not run more at once.
    ConcurrencyLimit,
    /// A reason that this version does not know.
    Other(String),
}

/// What an instance has too little of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Resource {
    Cpu,
    Memory,
    Ports,
    Eni,
    Gpu,
    /// The word after `RESOURCE:`.
    Other(String),
}

/// Which placement constraint an instance does not satisfy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Constraint {
    MemberOf,
    DistinctInstance,
}

/// Whether the same request can succeed another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RetryHint {
    /// Something has to be changed first.
    Never,
    /// When tasks have ended, or capacity has come.
    Later,
    /// In a moment: nobody has to make room.
    Now,
}

impl FailureKind {
    /// Sorts a reason.
    pub fn of(reason: &str) -> Self {
        match reason {
            "AGENT" => Self::AgentDisconnected,
            "ATTRIBUTE" => Self::Attribute,
            "LOCATION" => Self::Location,
            "MISSING" => Self::Missing,
            "INACTIVE" => Self::Inactive,
            "RESOURCE:FARGATE" | "EMPTY CAPACITY PROVIDER" | "NO ACTIVE INSTANCES" => {
                Self::CapacityUnavailable
            }
            _ => Self::of_phrase(reason),
        }
    }

    fn of_phrase(reason: &str) -> Self {
        if let Some(resource) = reason.strip_prefix("RESOURCE:") {
            Self::Resource(Resource::of(resource))
        } else if reason.starts_with("MemberOf placement constraint unsatisfied") {
            Self::Constraint(Constraint::MemberOf)
        } else if reason.starts_with("DistinctInstance placement constraint unsatisfied") {
            Self::Constraint(Constraint::DistinctInstance)
        } else if reason.starts_with("Capacity is unavailable at this time") {
            Self::CapacityUnavailable
        // "You've", with either apostrophe.
        } else if reason.contains("reached the limit on the number of") {
            Self::ConcurrencyLimit
        } else {
            Self::Other(reason.to_owned())
        }
    }

    /// Whether repeating the request helps. A reason that this version does not know
    /// counts as one that stays.
    pub fn retry_hint(&self) -> RetryHint {
        match self {
            // Agents connect again by themselves within seconds.
            Self::AgentDisconnected => RetryHint::Now,
            Self::Resource(_)
            | Self::Constraint(Constraint::DistinctInstance)
            | Self::CapacityUnavailable
            | Self::ConcurrencyLimit => RetryHint::Later,
            Self::Attribute
            | Self::Location
            | Self::Missing
            | Self::Inactive
            | Self::Constraint(Constraint::MemberOf)
            | Self::Other(_) => RetryHint::Never,
        }
    }
}

impl Resource {
    fn of(name: &str) -> Self {
        match name {
            "CPU" => Self::Cpu,
            "MEMORY" => Self::Memory,
            "PORTS" => Self::Ports,
            "ENI" => Self::Eni,
            "GPU" => Self::Gpu,
            name => Self::Other(name.to_owned()),
        }
    }
}

impl RunTaskFailure {
    /// Whether repeating the request helps.
    pub fn retry_hint(&self) -> RetryHint {
        self.kind.retry_hint()
    }
}

impl From<&Failure> for RunTaskFailure {
    fn from(failure: &Failure) -> Self {
        let reason = failure.reason.clone().unwrap_or_default();
        Self {
            arn: failure.arn.clone(),
            detail: failure.detail.clone(),
            kind: FailureKind::of(&reason),
            reason,
        }
    }
}

impl From<RunTaskFailure> for Failure {
    fn from(failure: RunTaskFailure) -> Self {
        let reason = failure.reason;
        Self {
            arn: failure.arn,
            detail: failure.detail,
            reason: (!reason.is_empty()).then_some(reason),
        }
    }
}

impl fmt::Display for RunTaskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(arn) = &self.arn {
            write!(f, "{arn}: ")?;
        }
        let no_reason = self.reason.is_empty();
        f.write_str(if no_reason {
            "no reason given"
        } else {
            &self.reason
        })?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_sorted_and_say_whether_to_try_again() {
        use FailureKind::*;
        use RetryHint::*;
        let capacity = "Capacity is unavailable at this time. Please try again later or in a \
                        different availability zone";
        let vcpus = "You've reached the limit on the number of vCPUs you can run concurrently";
        let tasks = "You\u{2019}ve reached the limit on the number of tasks you can run \
                     concurrently";
        let cases = [
            (
                "RESOURCE:CPU",
                FailureKind::Resource(super::Resource::Cpu),
                Later,
            ),
            (
                "RESOURCE:MEMORY",
                FailureKind::Resource(super::Resource::Memory),
                Later,
            ),
            (
                "RESOURCE:PORTS",
                FailureKind::Resource(super::Resource::Ports),
                Later,
            ),
            (
                "RESOURCE:ENI",
                FailureKind::Resource(super::Resource::Eni),
                Later,
            ),
            (
                "RESOURCE:GPU",
                FailureKind::Resource(super::Resource::Gpu),
                Later,
            ),
            (
                "RESOURCE:INFERENCE",
                FailureKind::Resource(super::Resource::Other("INFERENCE".to_owned())),
                Later,
            ),
            ("RESOURCE:FARGATE", CapacityUnavailable, Later),
            ("EMPTY CAPACITY PROVIDER", CapacityUnavailable, Later),
            ("NO ACTIVE INSTANCES", CapacityUnavailable, Later),
            (capacity, CapacityUnavailable, Later),
            (vcpus, ConcurrencyLimit, Later),
            (tasks, ConcurrencyLimit, Later),
            ("AGENT", AgentDisconnected, Now),
            ("ATTRIBUTE", Attribute, Never),
            ("LOCATION", Location, Never),
            ("MISSING", Missing, Never),
            ("INACTIVE", Inactive, Never),
            (
                "MemberOf placement constraint unsatisfied.",
                FailureKind::Constraint(super::Constraint::MemberOf),
                Never,
            ),
            (
                "DistinctInstance placement constraint unsatisfied.",
                FailureKind::Constraint(super::Constraint::DistinctInstance),
                Later,
            ),
            ("MOON", Other("MOON".to_owned()), Never),
        ];
        for (reason, kind, hint) in cases {
            assert_eq!(FailureKind::of(reason), kind, "{reason}");
            assert_eq!(kind.retry_hint(), hint, "{reason}");
        }
    }
}
