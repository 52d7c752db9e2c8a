//! What a definition may carry and this server can keep. RegisterTaskDefinition
//! stores every valid definition; RunTask refuses, naming each member, what is
//! not built yet. Harmless to leave out, and therefore accepted: the roles (no
//! credentials are injected yet), `portMappings.name` and `appProtocol`,
//! `versionConsistency`, `awslogs-*` options beyond group, prefix and region.

use model::shapes::{ContainerDefinition, LinuxParameters, TaskDefinition};

use crate::error::OpError;
use crate::record::Definition;

/// Refuses a definition with members that would have to be ignored.
pub(crate) fn check(definition: &Definition) -> Result<(), OpError> {
    let mut missing = of_task(&definition.shape);
    for container in definition.containers() {
        missing.extend(of_container(container));
    }
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(", ");
    Err(OpError::unsupported(format!(
        "{list} (task definition {})",
        definition.id
    )))
}

fn of_task(task: &TaskDefinition) -> Vec<String> {
    let set = [
        ("volumes", filled(&task.volumes)),
        ("placementConstraints", filled(&task.placement_constraints)),
        ("proxyConfiguration", task.proxy_configuration.is_some()),
        (
            "inferenceAccelerators",
            filled(&task.inference_accelerators),
        ),
        ("pidMode", task.pid_mode.is_some()),
        ("ipcMode", task.ipc_mode.is_some()),
        ("ephemeralStorage", task.ephemeral_storage.is_some()),
        (
            "enableFaultInjection",
            task.enable_fault_injection == Some(true),
        ),
        (
            "trustedExecutionConfiguration",
            task.trusted_execution_configuration.is_some(),
        ),
    ];
    named(&set, "")
}

fn of_container(container: &ContainerDefinition) -> Vec<String> {
    let other_log_driver = container.log_configuration.as_ref().is_some_and(|log| {
        log.log_driver
            .as_ref()
            .is_none_or(|driver| driver.as_str() != "awslogs")
            || filled(&log.secret_options)
    });
    let port_ranges = container
        .port_mappings
        .iter()
        .flatten()
        .any(|mapping| mapping.container_port_range.is_some());
    let restarts = container
        .restart_policy
        .as_ref()
        .is_some_and(|policy| policy.enabled == Some(true));
    let set = [
        ("secrets", filled(&container.secrets)),
        ("environmentFiles", filled(&container.environment_files)),
        (
            "resourceRequirements",
            filled(&container.resource_requirements),
        ),
        (
            "repositoryCredentials",
            container.repository_credentials.is_some(),
        ),
        ("mountPoints", filled(&container.mount_points)),
        ("volumesFrom", filled(&container.volumes_from)),
        ("links", filled(&container.links)),
        ("extraHosts", filled(&container.extra_hosts)),
        ("dnsServers", filled(&container.dns_servers)),
        ("dnsSearchDomains", filled(&container.dns_search_domains)),
        (
            "dockerSecurityOptions",
            filled(&container.docker_security_options),
        ),
        ("credentialSpecs", filled(&container.credential_specs)),
        ("systemControls", filled(&container.system_controls)),
        (
            "firelensConfiguration",
            container.firelens_configuration.is_some(),
        ),
        ("restartPolicy", restarts),
        ("interactive", container.interactive == Some(true)),
        ("pseudoTerminal", container.pseudo_terminal == Some(true)),
        (
            "disableNetworking",
            container.disable_networking == Some(true),
        ),
        ("portMappings.containerPortRange", port_ranges),
        ("logConfiguration", other_log_driver),
    ];
    let name = container.name.as_deref().unwrap_or_default();
    let mut missing = named(&set, name);
    missing.extend(
        container
            .linux_parameters
            .iter()
            .flat_map(|linux| of_linux(linux, name)),
    );
    missing
}

fn of_linux(linux: &LinuxParameters, container: &str) -> Vec<String> {
    let set = [
        ("linuxParameters.devices", filled(&linux.devices)),
        ("linuxParameters.tmpfs", filled(&linux.tmpfs)),
        (
            "linuxParameters.initProcessEnabled",
            linux.init_process_enabled == Some(true),
        ),
        (
            "linuxParameters.sharedMemorySize",
            linux.shared_memory_size.is_some(),
        ),
        ("linuxParameters.maxSwap", linux.max_swap.is_some()),
        ("linuxParameters.swappiness", linux.swappiness.is_some()),
    ];
    named(&set, container)
}

fn named(set: &[(&str, bool)], container: &str) -> Vec<String> {
    let path = |member: &str| match container {
        "" => member.to_owned(),
        name => format!("{name}.{member}"),
    };
    set.iter()
        .filter(|(_, is_set)| *is_set)
        .map(|(member, _)| path(member))
        .collect()
}

fn filled<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_some_and(|list| !list.is_empty())
}
