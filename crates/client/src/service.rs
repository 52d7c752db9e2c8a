//! The services this client speaks to, as data: one row each.

/// How a service is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// JSON in, JSON out, the operation in a header.
    AwsJson,
    /// Objects under paths: the body of a success is the object itself, errors are XML. Paths
    /// are signed as they are, and the body's digest is sent.
    Objects,
}

/// What distinguishes one service from another on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Service {
    /// Name for people and error texts.
    pub(crate) name: &'static str,
    pub(crate) protocol: Protocol,
    /// First label of the public host name: `ecs` in `ecs.eu-west-1.amazonaws.com`.
    pub(crate) host_label: &'static str,
    /// The same for the hosts that have IPv6 addresses, too.
    pub(crate) dual_stack_label: &'static str,
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
    protocol: Protocol::AwsJson,
    host_label: "ecs",
    dual_stack_label: "ecs",
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
    protocol: Protocol::AwsJson,
    host_label: "logs",
    dual_stack_label: "logs",
    fips_is_plain_in: &["us-gov-east-1", "us-gov-west-1"],
    signing_name: "logs",
    target_prefix: "Logs_20140328",
    api_version: "2014-03-28",
    endpoint_variable: "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
    profile_key: "cloudwatch_logs",
};

/// Systems Manager: parameters.
pub(crate) const SSM: Service = Service {
    name: "Systems Manager",
    protocol: Protocol::AwsJson,
    host_label: "ssm",
    dual_stack_label: "ssm",
    fips_is_plain_in: &[],
    signing_name: "ssm",
    target_prefix: "AmazonSSM",
    api_version: "2014-11-06",
    endpoint_variable: "AWS_ENDPOINT_URL_SSM",
    profile_key: "ssm",
};

/// Secrets Manager.
pub(crate) const SECRETS_MANAGER: Service = Service {
    name: "Secrets Manager",
    protocol: Protocol::AwsJson,
    host_label: "secretsmanager",
    dual_stack_label: "secretsmanager",
    fips_is_plain_in: &[],
    signing_name: "secretsmanager",
    target_prefix: "secretsmanager",
    api_version: "2017-10-17",
    endpoint_variable: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    profile_key: "secrets_manager",
};

/// S3: environment files.
pub(crate) const S3: Service = Service {
    name: "S3",
    protocol: Protocol::Objects,
    host_label: "s3",
    dual_stack_label: "s3",
    fips_is_plain_in: &[],
    signing_name: "s3",
    target_prefix: "",
    api_version: "2006-03-01",
    endpoint_variable: "AWS_ENDPOINT_URL_S3",
    profile_key: "s3",
};

/// Amazon ECR: logins at its registries.
pub(crate) const ECR: Service = Service {
    name: "Amazon ECR",
    protocol: Protocol::AwsJson,
    host_label: "api.ecr",
    dual_stack_label: "ecr",
    fips_is_plain_in: &[],
    signing_name: "ecr",
    target_prefix: "AmazonEC2ContainerRegistry_V20150921",
    api_version: "2015-09-21",
    endpoint_variable: "AWS_ENDPOINT_URL_ECR",
    profile_key: "ecr",
};
