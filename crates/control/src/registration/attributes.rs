//! `requiresAttributes`: what a host must be able to do for this definition
//! (`placement.md` §3). Hosts register what they implement, so that placement
//! needs no further knowledge.

use std::collections::BTreeSet;

use model::shapes::{
    Attribute, ContainerDefinition, CpuArchitecture, NetworkMode, RuntimePlatform, TaskDefinition,
};

pub(super) fn required(shape: &TaskDefinition) -> Vec<Attribute> {
    let mut names = BTreeSet::new();
    of_task(shape, &mut names);
    for container in shape.container_definitions.iter().flatten() {
        of_container(shape, container, &mut names);
    }
    let named = |name| Attribute {
        name: Some(name),
        ..Attribute::default()
    };
    let platform = shape.runtime_platform.iter().flat_map(of_platform);
    names.into_iter().map(named).chain(platform).collect()
}

fn of_task(shape: &TaskDefinition, names: &mut BTreeSet<String>) {
    let host = shape.network_mode == Some(NetworkMode::Host);
    let role = shape
        .task_role_arn
        .as_deref()
        .is_some_and(|role| !role.is_empty());
    let set = [
        ("com.amazonaws.ecs.capability.task-iam-role", role && !host),
        (
            "com.amazonaws.ecs.capability.task-iam-role-network-host",
            role && host,
        ),
        (
            "ecs.capability.task-eni",
            shape.network_mode == Some(NetworkMode::Awsvpc),
        ),
        (
            "ecs.capability.task-cpu-mem-limit",
            shape.cpu.is_some() || shape.memory.is_some(),
        ),
        (
            "ecs.capability.pid-ipc-namespace-sharing",
            shape.pid_mode.is_some() || shape.ipc_mode.is_some(),
        ),
    ];
    add(names, &set);
    for volume in shape.volumes.iter().flatten() {
        if let Some(efs) = &volume.efs_volume_configuration {
            let auth = efs.authorization_config.is_some();
            add(
                names,
                &[
                    ("ecs.capability.efs", true),
                    ("ecs.capability.efsAuth", auth),
                ],
            );
        }
        let docker = volume.docker_volume_configuration.as_ref();
        if let Some(driver) = docker.and_then(|docker| docker.driver.as_ref()) {
            names.insert(format!("ecs.capability.docker-plugin.{driver}"));
        }
    }
}

fn of_container(
    shape: &TaskDefinition,
    container: &ContainerDefinition,
    names: &mut BTreeSet<String>,
) {
    let execution_role = !super::is_blank(shape.execution_role_arn.as_deref());
    let ecr = is_ecr(container.image.as_deref().unwrap_or_default());
    let secrets = container.secrets.iter().flatten();
    let sources: Vec<&str> = secrets.filter_map(|s| s.value_from.as_deref()).collect();
    let is_asm = |from: &&str| from.contains(":secretsmanager:");
    let set = [
        ("com.amazonaws.ecs.capability.ecr-auth", ecr),
        (
            "ecs.capability.execution-role-ecr-pull",
            ecr && execution_role,
        ),
        (
            "ecs.capability.container-health-check",
            container.health_check.is_some(),
        ),
        (
            "ecs.capability.container-ordering",
            container
                .depends_on
                .as_ref()
                .is_some_and(|list| !list.is_empty()),
        ),
        (
            "ecs.capability.secrets.asm.environment-variables",
            sources.iter().any(is_asm),
        ),
        (
            "ecs.capability.secrets.ssm.environment-variables",
            !sources.iter().all(is_asm),
        ),
        (
            "ecs.capability.env-files.s3",
            container
                .environment_files
                .as_ref()
                .is_some_and(|list| !list.is_empty()),
        ),
        (
            "com.amazonaws.ecs.capability.privileged-container",
            container.privileged == Some(true),
        ),
    ];
    add(names, &set);
    let log = container.log_configuration.as_ref();
    if let Some(driver) = log.and_then(|log| log.log_driver.as_ref()) {
        names.insert(format!(
            "com.amazonaws.ecs.capability.logging-driver.{driver}"
        ));
        if driver.as_str() == "awslogs" && execution_role {
            names.insert("ecs.capability.execution-role-awslogs".to_owned());
        }
    }
}

fn of_platform(platform: &RuntimePlatform) -> Vec<Attribute> {
    let architecture = platform.cpu_architecture.as_ref().map(|one| match one {
        CpuArchitecture::Arm64 => "arm64".to_owned(),
        other => other.as_str().to_lowercase(),
    });
    let family = platform
        .operating_system_family
        .as_ref()
        .map(|one| one.as_str().to_owned());
    let valued = [
        ("ecs.cpu-architecture", architecture),
        ("ecs.os-family", family),
    ];
    let attribute = |(name, value): (&str, Option<String>)| {
        value.map(|value| Attribute {
            name: Some(name.to_owned()),
            value: Some(value),
            ..Attribute::default()
        })
    };
    valued.into_iter().filter_map(attribute).collect()
}

/// `ACCOUNT.dkr.ecr.REGION.…/NAME`.
pub(super) fn is_ecr(image: &str) -> bool {
    image
        .split('/')
        .next()
        .is_some_and(|registry| registry.contains(".dkr.ecr."))
}

fn add(names: &mut BTreeSet<String>, set: &[(&str, bool)]) {
    names.extend(
        set.iter()
            .filter(|(_, needed)| *needed)
            .map(|(name, _)| (*name).to_owned()),
    );
}
