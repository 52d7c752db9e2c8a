//! Every limit of the API in one place, with its source and the month in which it was checked.
//! `api::config` bounds what it is sent before an operation is known, such as a body.

use std::ops::RangeInclusive;

use model::Timestamp;
/// Characters of a container's `reason` (Container reference, 2026-08).
pub use model::payload::REASON_CHARS_MAX;
/// Size of the regular expressions of a query (ours, 2026-11).
pub use scheduler::expression::pattern::SIZE_MAX as PATTERN_SIZE_MAX;
/// What the scheduler holds to; sources and dates stand there.
pub use scheduler::limits::{
    ATTRIBUTE_NAME_CHARS_MAX, EXPRESSION_CHARS_MAX, EXPRESSION_NESTING_MAX, HOST_PORTS_MAX,
    STRATEGIES_MAX,
};

/// Limits that an operator may change. The others are constants of this module.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a stopped task stays visible, in seconds; AWS promises at least one hour. With
    /// less, a client token is forgotten with its tasks, before its own hour is over.
    pub stopped_task_retention_seconds: i64,
    /// How long a task waits for its capacity provider, in seconds; AWS says 10 to 30 minutes.
    pub provisioning_timeout_seconds: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            stopped_task_retention_seconds: 3600,
            provisioning_timeout_seconds: 900,
        }
    }
}

/// What a type of EBS volume allows.
#[derive(Clone, Debug)]
pub struct VolumeType {
    pub name: &'static str,
    pub size_gib: RangeInclusive<i32>,
    /// `None` where they cannot be chosen.
    pub iops: Option<RangeInclusive<i32>>,
    pub needs_iops: bool,
}

const fn volume_type(
    name: &'static str,
    size_gib: RangeInclusive<i32>,
    iops: Option<RangeInclusive<i32>>,
    needs_iops: bool,
) -> VolumeType {
    VolumeType {
        name,
        size_gib,
        iops,
        needs_iops,
    }
}

/// Tasks of a cluster that wait for capacity providers (ECS quotas, 2026-08).
pub const WAITING_TASKS_MAX: usize = 500;
/// Tasks per RunTask call (RunTask reference, 2026-08).
pub const COUNT_MAX: i32 = 10;
/// Characters of `clientToken` (RunTask reference, 2026-08).
pub const CLIENT_TOKEN_CHARS_MAX: usize = 64;
/// Characters of `startedBy`; models before 2025, and with them
/// the first seed of this project, said 36 (RunTask reference, 2026-08).
pub const STARTED_BY_CHARS_MAX: usize = 128;
/// Characters of `startedBy` of StartTask, whose text was not changed (StartTask reference,
/// 2026-08).
pub const START_TASK_STARTED_BY_CHARS_MAX: usize = 36;
/// Container instances per StartTask call (StartTask reference, 2026-08).
pub const START_INSTANCES_MAX: usize = 10;
/// Characters of `group` (RunTask reference, 2026-08).
pub const GROUP_CHARS_MAX: usize = 255;
/// UTF-16 code units, as Java counts, of `overrides` as compact JSON (RunTask reference, 2026-08;
/// the unit is ours: AWS does not say whether `😀` counts once or twice).
pub const OVERRIDES_UTF16_MAX: usize = 8192;
/// Volumes that a call can configure (RunTask reference, 2026-08).
pub const VOLUME_CONFIGURATIONS_MAX: usize = 1;
/// MiB/s of a gp3 volume; EC2 itself takes 2,000 by now (from 125: EC2 CreateVolume reference; to
/// 1000: RunTask reference, 2026-11).
pub const VOLUME_THROUGHPUT: RangeInclusive<i32> = 125..=1000;
/// MiB/s at which a volume takes over its snapshot; ECS names no range (EBS guide, 2026-11).
pub const VOLUME_INITIALIZATION_RATE: RangeInclusive<i32> = 100..=300;
/// Types of EBS volumes (RunTask and EC2 CreateVolume references, 2026-08).
pub const VOLUME_TYPES: [VolumeType; 7] = [
    volume_type("gp2", 1..=16_384, None, false),
    volume_type("gp3", 1..=16_384, Some(3000..=16_000), false),
    volume_type("io1", 4..=16_384, Some(100..=64_000), true),
    volume_type("io2", 4..=16_384, Some(100..=256_000), true),
    volume_type("st1", 125..=16_384, None, false),
    volume_type("sc1", 125..=16_384, None, false),
    volume_type("standard", 1..=1024, None, false),
];
/// CPU units at the task level outside Fargate: 0.125 to 192 vCPU (task definition guide, 2026-08).
pub const TASK_CPU_UNITS: RangeInclusive<u32> = 128..=196_608;
/// GiB of scratch space that a definition or an override may ask of Fargate (guide, 2026-08).
pub const EPHEMERAL_STORAGE_GIB: RangeInclusive<i32> = 21..=200;
/// GiB of scratch space of a Fargate task that asks for none (guide, 2026-08).
pub const EPHEMERAL_STORAGE_GIB_DEFAULT: i32 = 20;
/// Characters of a StopTask reason; its reference gives none (observed texts, 2026-08).
pub const STOP_REASON_CHARS_MAX: usize = 255;
/// Tags of one's own per resource; keys beginning with `aws:` do not count (RunTask reference,
/// 2026-08).
pub const TAGS_MAX: usize = 50;
/// Characters of a tag key (Tag reference, 2026-08).
pub const TAG_KEY_CHARS_MAX: usize = 128;
/// Characters of a tag value (Tag reference, 2026-08).
pub const TAG_VALUE_CHARS_MAX: usize = 256;
/// Subnets of an awsvpc configuration (RunTask reference, 2026-08).
pub const SUBNETS_MAX: usize = 16;
/// Security groups of an awsvpc configuration (RunTask reference, 2026-08).
pub const SECURITY_GROUPS_MAX: usize = 5;
/// Items of a Describe call for tasks, clusters and container instances (their references,
/// 2026-08).
pub const DESCRIBE_MAX: usize = 100;
/// Container instances per UpdateContainerInstancesState call (its reference, 2026-08).
pub const UPDATE_INSTANCES_MAX: usize = 10;
/// Attributes per PutAttributes and DeleteAttributes call (their references, 2026-08).
pub const PUT_ATTRIBUTES_MAX: usize = 10;
/// Custom attributes per container instance (ECS quotas, 2026-08).
pub const CUSTOM_ATTRIBUTES_MAX: usize = 10;
/// Characters of the value of an attribute (Attribute reference, 2026-08).
pub const ATTRIBUTE_VALUE_CHARS_MAX: usize = 128;
/// How long a deregistered container instance, a deleted cluster or capacity provider stays
/// describable; AWS says for a while (ours, 2026-11).
pub const INACTIVE_MILLIS: i64 = 3600 * 1000;
/// Capacity providers that a cluster may be associated with (ECS quotas, 2026-08).
pub const CLUSTER_PROVIDERS_MAX: usize = 20;
/// Capacity providers of a page, default and maximum (DescribeCapacityProviders reference,
/// 2026-08).
pub const PROVIDERS_PAGE_MAX: i32 = 10;
/// Account settings of a page, default and maximum (ListAccountSettings reference, 2026-08).
pub const ACCOUNT_SETTINGS_PAGE_MAX: i32 = 10;
/// Items of a page, default and maximum, of the listings built here (their references, 2026-08).
pub const PAGE_MAX: i32 = 100;
/// Fault rules at a time (ours, 2026-11).
pub const FAULT_RULES_MAX: usize = 1000;
/// Milliseconds of a fault's latency or delay: a day (ours, 2026-11).
pub const FAULT_MILLIS_MAX: u64 = 24 * 3600 * 1000;
/// Seconds by which a fault's date may be wrong, to either side: ten years (ours, 2026-11).
pub const FAULT_DATE_SECONDS_MAX: i64 = 10 * 366 * 24 * 3600;
/// Container definitions per task definition (ECS quotas, 2026-08).
pub const CONTAINERS_MAX: usize = 10;
/// Bytes of a task definition as JSON (ECS quotas, 2026-08).
pub const TASK_DEFINITION_BYTES_MAX: usize = 64 * 1024;
/// Task definitions per DeleteTaskDefinitions call (its reference, 2026-08).
pub const DELETE_TASK_DEFINITIONS_MAX: usize = 10;
/// Constraints of a task, definition and request together (RunTask reference, 2026-08).
pub const CONSTRAINTS_MAX: usize = 10;
/// Items of a capacity provider strategy; models before 2026 said 6 (RunTask reference,
/// 2026-08).
pub const CAPACITY_PROVIDERS_MAX: usize = 20;
/// CPU units of a task on Fargate's platform version 1.3.0 (ECS task size reference, 2026-08).
pub const PLATFORM_1_3_CPU_UNITS_MAX: u32 = 4096;
/// CPU units of a Fargate task with Windows (task size table, 2026-08).
pub const FARGATE_WINDOWS_CPU_UNITS: RangeInclusive<u32> = 1024..=4096;
/// Files in `environmentFiles` of a container (task definition guide, 2026-08).
pub const ENVIRONMENT_FILES_MAX: usize = 10;
/// Port ranges in `portMappings` of a container (PortMapping reference, 2026-08).
pub const PORT_RANGES_MAX: usize = 100;
/// Seconds of `startTimeout` and `stopTimeout` on Fargate (ContainerDefinition reference,
/// 2026-08).
pub const FARGATE_TIMEOUT_SECONDS_MAX: i32 = 120;
/// MiB a container needs at least; container runtimes refuse less (ContainerDefinition reference,
/// 2026-08).
pub const CONTAINER_MEMORY_MIB_MIN: i32 = 6;
/// Characters of names of clusters, families, containers and volumes (their references, 2026-08).
pub const NAME_CHARS_MAX: usize = 255;
/// Bytes that `clientToken` may hold (RunTask reference, 2026-08).
pub const CLIENT_TOKEN_BYTES: RangeInclusive<u8> = 33..=126;
/// `base` of an item of a capacity provider strategy (its reference, 2026-08).
pub const STRATEGY_BASE: RangeInclusive<i32> = 0..=100_000;
/// `weight` of an item of a capacity provider strategy (its reference, 2026-08).
pub const STRATEGY_WEIGHT: RangeInclusive<i32> = 0..=1000;
/// `targetCapacity` of managed scaling, in percent (ManagedScaling reference, 2026-08).
pub const SCALING_TARGET_PERCENT: RangeInclusive<i32> = 1..=100;
/// Instances of a step of managed scaling (ManagedScaling reference, 2026-08).
pub const SCALING_STEP: RangeInclusive<i32> = 1..=10_000;
/// `instanceWarmupPeriod` of managed scaling, in seconds (ManagedScaling reference, 2026-08).
pub const SCALING_WARMUP_SECONDS: RangeInclusive<i32> = 0..=10_000;
/// Numbers of ports of a container (PortMapping reference, 2026-08).
pub const PORTS: RangeInclusive<i32> = 1..=65_535;
/// Characters of the name of a port mapping (PortMapping reference, 2026-08).
pub const PORT_NAME_CHARS_MAX: usize = 64;
/// Seconds between health checks; 30 by default (HealthCheck reference, 2026-08).
pub const HEALTH_INTERVAL_SECONDS: RangeInclusive<i32> = 5..=300;
/// Seconds that a health check may take; 5 by default (HealthCheck reference, 2026-08).
pub const HEALTH_TIMEOUT_SECONDS: RangeInclusive<i32> = 2..=60;
/// Failed health checks in a row; 3 by default (HealthCheck reference, 2026-08).
pub const HEALTH_RETRIES: RangeInclusive<i32> = 1..=10;
/// Seconds in which failed health checks do not count (HealthCheck reference, 2026-08).
pub const HEALTH_START_PERIOD_SECONDS: RangeInclusive<i32> = 0..=300;
/// Seconds that a container runs before it may be restarted (ContainerRestartPolicy reference,
/// 2026-08).
pub const RESTART_PERIOD_SECONDS: RangeInclusive<i32> = 60..=1800;
/// Exit codes after which a container is not restarted (ContainerRestartPolicy reference,
/// 2026-08).
pub const RESTART_IGNORED_CODES_MAX: usize = 50;
/// `swappiness` of a container (LinuxParameters reference, 2026-08).
pub const SWAPPINESS: RangeInclusive<i32> = 0..=100;
/// Platform versions of Fargate for Linux, the newest first: it is `LATEST` (platform version
/// guide, 2026-08).
pub const PLATFORM_VERSIONS_LINUX: [&str; 2] = ["1.4.0", "1.3.0"];
/// The same for Windows (platform version guide, 2026-08).
pub const PLATFORM_VERSIONS_WINDOWS: [&str; 1] = ["1.0.0"];
/// Sizes of Fargate tasks: CPU units, MiB, and the step of those (task size reference, tried on
/// the service 2026-08). The smallest has no regular step.
pub const FARGATE_SIZES: [(u32, RangeInclusive<u32>, u32); 8] = [
    (256, 512..=512, 512),
    (256, 1024..=2048, 1024),
    (512, 1024..=4096, 1024),
    (1024, 2048..=8192, 1024),
    (2048, 4096..=16_384, 1024),
    (4096, 8192..=30_720, 1024),
    (8192, 16_384..=61_440, 4096),
    (16_384, 32_768..=122_880, 8192),
];
/// A token lives at most this long (idempotency page, 2026-08).
pub const TOKEN_LIFETIME_MILLIS: i64 = 24 * 3600 * 1000;
/// A token outlives the last of its tasks by this (idempotency page, 2026-08).
pub const TOKEN_AFTER_STOP_MILLIS: i64 = 3600 * 1000;

/// The moment before which a stopped task is forgotten.
pub fn stopped_task_horizon(limits: &Limits, now: Timestamp) -> Timestamp {
    now.plus_millis(-limits.stopped_task_retention_seconds.saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    #[test]
    fn every_limit_has_a_source_and_a_month() {
        let row = Regex::new(r"((?m:^/// .*\n)+)pub const (\w+):").unwrap();
        let sourced = Regex::new(r"\([^()]*[a-z][^()]*20\d\d-\d\d(\)|;)").unwrap();
        for text in [
            include_str!("limits.rs"),
            include_str!("../../scheduler/src/limits.rs"),
        ] {
            let table = text.split("#[cfg(test)]").next().unwrap();
            let rows: Vec<_> = row.captures_iter(table).collect();
            assert_eq!(rows.len(), table.matches("pub const ").count());
            for found in rows {
                let words = found[1].replace("/// ", "").replace('\n', " ");
                assert!(sourced.is_match(&words), "{}: {words}", &found[2]);
            }
        }
    }
}
