//! The services this client speaks to, as data: one row each.

/// What distinguishes one awsJson 1.1 service from another on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Service {
    /// Name for people and error texts.
    pub(crate) name: &'static str,
    /// First label of the public host name: `ecs` in `ecs.eu-west-1.amazonaws.com`.
    pub(crate) host_label: &'static str,
    /// Regions in which the ordinary host is the FIPS one.
    pub(crate) fips_is_plain_in: &'static [&'static str],
    /// Service part of the signature's credential scope.
    pub(crate) signing_name: &'static str,
    /// What stands before the operation's name in `x-amz-target`.
    pub(crate) target_prefix: &'static str,
    /// API version, for the user agent.
    pub(crate) api_version: &'static str,
    /// The variable that holds this service's own endpoint.
    pub(crate) endpoint_variable: &'static str,
    /// The key of this service in a profile's `services` section.
    pub(crate) profile_key: &'static str,
}

/// Amazon ECS.
pub(crate) const ECS: Service = Service {
    name: "ECS",
    host_label: "ecs",
    fips_is_plain_in: &[],
    signing_name: model::operations::SIGNING_NAME,
    target_prefix: model::operations::TARGET_PREFIX,
    api_version: model::operations::API_VERSION,
    endpoint_variable: "AWS_ENDPOINT_URL_ECS",
    profile_key: "ecs",
};

/// CloudWatch Logs: where the output of a container is read.
pub(crate) const LOGS: Service = Service {
    name: "CloudWatch Logs",
    host_label: "logs",
    fips_is_plain_in: &["us-gov-east-1", "us-gov-west-1"],
    signing_name: "logs",
    target_prefix: "Logs_20140328",
    api_version: "2014-03-28",
    endpoint_variable: "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
    profile_key: "cloudwatch_logs",
};
