//! Amazon Resource Names: six colon-separated parts, the sixth keeps further colons.

use std::fmt;
use std::str::FromStr;

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, for example
/// `arn:aws:ecs:us-east-1:000000000000:task/default/0c9f…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    pub partition: String,
    pub service: String,
    pub region: String,
    pub account: String,
    /// Everything after the fifth colon, for example `task/default/0c9f…`.
    pub resource: String,
}

/// The text does not have the six parts of an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ARN: six parts separated by colons are needed, the first of them `arn`")]
pub struct ArnError;

impl Arn {
    /// The resource type: what stands before the first `/` of the resource.
    pub fn resource_type(&self) -> &str {
        self.resource.split('/').next().unwrap_or_default()
    }

    /// What stands after the first `/` of the resource; empty if there is none.
    pub fn resource_path(&self) -> &str {
        self.resource.split_once('/').map_or("", |(_, path)| path)
    }
}

impl FromStr for Arn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or(ArnError);
        if next()? != "arn" {
            return Err(ArnError);
        }
        let arn = Self {
            partition: next()?.to_owned(),
            service: next()?.to_owned(),
            region: next()?.to_owned(),
            account: next()?.to_owned(),
            resource: next()?.to_owned(),
        };
        if arn.partition.is_empty() || arn.service.is_empty() || arn.resource.is_empty() {
            return Err(ArnError);
        }
        Ok(arn)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            service,
            region,
            account,
            resource,
        } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_and_written_back() {
        let text = "arn:aws:ecs:eu-west-1:123456789012:task-definition/report:7";
        let arn: Arn = text.parse().unwrap();
        assert_eq!(arn.resource_type(), "task-definition");
        assert_eq!(arn.resource_path(), "report:7");
        assert_eq!(arn.to_string(), text);
    }

    #[track_caller]
    fn check_refused(text: &str) {
        assert_eq!(text.parse::<Arn>(), Err(ArnError));
    }

    #[test]
    fn text_without_six_parts_is_refused() {
        check_refused("");
        check_refused("arn:aws:ecs:eu-west-1:123456789012");
        check_refused("urn:aws:ecs:eu-west-1:123456789012:task/x");
        check_refused("arn:aws:ecs:eu-west-1:123456789012:");
    }
}
