//! What a definition may carry and this server can keep. RegisterTaskDefinition stores every
//! valid definition; RunTask refuses, naming each member, what is not built yet.
//!
//! Harmless to leave out, and therefore accepted: the roles (no credentials are injected yet),
//! `portMappings.name` and `appProtocol`, `versionConsistency`, `ephemeralStorage` (a task has the
//! disk of its host, which is not divided), `awslogs-*` options beyond group, prefix and region.
//! Scripted hosts start no process, so environment files and volumes that are configured at
//! launch, which only a process could tell from none, are accepted there.

use model::shapes::{ContainerDefinition, LinuxParameters, MountPoint, TaskDefinition, Volume};

use crate::cx::Settings;
use crate::error::OpError;
use crate::gpus;
use crate::record::Definition;

/// Refuses a definition with members that would have to be ignored.
pub(crate) fn check(settings: &Settings, definition: &Definition) -> Result<(), OpError> {
    let mut missing = of_task(settings, &definition.shape);
    for container in definition.containers() {
        missing.extend(of_container(settings, definition, container));
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

fn of_task(settings: &Settings, task: &TaskDefinition) -> Vec<String> {
    let is_other_volume = |volume: &Volume| !is_kept_volume(settings, volume);
    let set = [
        (
            "volumes",
            task.volumes.iter().flatten().any(is_other_volume),
        ),
        ("proxyConfiguration", task.proxy_configuration.is_some()),
        (
            "inferenceAccelerators",
            filled(&task.inference_accelerators),
        ),
        ("pidMode", task.pid_mode.is_some()),
        ("ipcMode", task.ipc_mode.is_some()),
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

fn of_container(
    settings: &Settings,
    definition: &Definition,
    container: &ContainerDefinition,
) -> Vec<String> {
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
    let mounts = container
        .mount_points
        .iter()
        .flatten()
        .any(|mount| !is_kept_mount(settings, definition, mount));
    let set = [
        ("secrets", filled(&container.secrets)),
        (
            "environmentFiles",
            filled(&container.environment_files) && !settings.scripted,
        ),
        (
            "resourceRequirements",
            (container.resource_requirements.as_deref()).is_some_and(gpus::is_other),
        ),
        (
            "repositoryCredentials",
            container.repository_credentials.is_some(),
        ),
        ("mountPoints", mounts),
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

fn is_kept_volume(settings: &Settings, volume: &Volume) -> bool {
    settings.scripted && volume.configured_at_launch == Some(true)
}

fn is_kept_mount(settings: &Settings, definition: &Definition, mount: &MountPoint) -> bool {
    let mut volumes = definition.shape.volumes.iter().flatten();
    volumes.any(|volume| volume.name == mount.source_volume && is_kept_volume(settings, volume))
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

#[cfg(test)]
mod tests {
    use crate::testing::{World, app};

    /// Members of the container or of the task, and how the refusal names them; "" accepts.
    #[track_caller]
    fn check(container: &str, task: &str, expected: &str) {
        let mut world = World::new();
        let more = format!(r#"{task},"executionRoleArn":"e""#);
        let main = format!(r#"{{"name":"main","image":"i","memory":64{container}}}"#);
        let other = r#"{"name":"other","image":"i","memory":64}"#;
        world.containers("app", &format!("{main},{other}"), &more);
        let answer = world.call("RunTask", &app(""));
        if expected.is_empty() {
            assert!(answer.contains("taskArn"), "{container}{task}: {answer}");
        } else {
            let text = format!(
                "UnsupportedFeatureException: Feature not supported by this server: {expected} \
                 (task definition app:1)."
            );
            assert_eq!(answer, text);
        }
    }

    #[test]
    fn a_container_member_that_cannot_be_kept_is_refused_by_name() {
        let members = [
            (r#""secrets":[{"name":"S","valueFrom":"v"}]"#, "secrets"),
            (
                r#""environmentFiles":[{"type":"s3","value":"arn:aws:s3:::b/e.env"}]"#,
                "environmentFiles",
            ),
            (
                r#""resourceRequirements":[{"type":"NeuronDevice","value":"1"}]"#,
                "resourceRequirements",
            ),
            (
                r#""repositoryCredentials":{"credentialsParameter":"p"}"#,
                "repositoryCredentials",
            ),
            (r#""links":["other"]"#, "links"),
            (
                r#""extraHosts":[{"hostname":"h","ipAddress":"10.0.0.1"}]"#,
                "extraHosts",
            ),
            (r#""dnsServers":["10.0.0.1"]"#, "dnsServers"),
            (r#""dnsSearchDomains":["d"]"#, "dnsSearchDomains"),
            (
                r#""dockerSecurityOptions":["no-new-privileges"]"#,
                "dockerSecurityOptions",
            ),
            (r#""credentialSpecs":["c"]"#, "credentialSpecs"),
            (
                r#""systemControls":[{"namespace":"n","value":"1"}]"#,
                "systemControls",
            ),
            (
                r#""firelensConfiguration":{"type":"fluentbit"}"#,
                "firelensConfiguration",
            ),
            (r#""restartPolicy":{"enabled":true}"#, "restartPolicy"),
            (r#""interactive":true"#, "interactive"),
            (r#""pseudoTerminal":true"#, "pseudoTerminal"),
            (r#""disableNetworking":true"#, "disableNetworking"),
            (
                r#""portMappings":[{"containerPortRange":"8-9"}]"#,
                "portMappings.containerPortRange",
            ),
            (
                r#""logConfiguration":{"logDriver":"json-file"}"#,
                "logConfiguration",
            ),
            (
                r#""linuxParameters":{"initProcessEnabled":true}"#,
                "linuxParameters.initProcessEnabled",
            ),
            (
                r#""linuxParameters":{"devices":[{"hostPath":"/dev/x"}]}"#,
                "linuxParameters.devices",
            ),
            (
                r#""linuxParameters":{"tmpfs":[{"containerPath":"/t","size":1}]}"#,
                "linuxParameters.tmpfs",
            ),
            (
                r#""linuxParameters":{"sharedMemorySize":1}"#,
                "linuxParameters.sharedMemorySize",
            ),
            (
                r#""linuxParameters":{"maxSwap":1}"#,
                "linuxParameters.maxSwap",
            ),
            (
                r#""linuxParameters":{"swappiness":1}"#,
                "linuxParameters.swappiness",
            ),
        ];
        for (member, name) in members {
            check(&format!(",{member}"), "", &format!("main.{name}"));
        }
    }

    #[test]
    fn a_task_member_that_cannot_be_kept_is_refused_by_name() {
        let members = [
            (r#""volumes":[{"name":"v"}]"#, "volumes"),
            (
                r#""proxyConfiguration":{"containerName":"main"}"#,
                "proxyConfiguration",
            ),
            (r#""pidMode":"task""#, "pidMode"),
            (r#""ipcMode":"task""#, "ipcMode"),
            (r#""enableFaultInjection":true"#, "enableFaultInjection"),
            (
                r#""inferenceAccelerators":[{"deviceName":"d","deviceType":"t"}]"#,
                "inferenceAccelerators",
            ),
        ];
        for (member, name) in members {
            check("", &format!(",{member}"), name);
        }
    }

    #[test]
    fn all_of_them_are_named_at_once() {
        check(
            r#","interactive":true,"pseudoTerminal":true"#,
            r#","pidMode":"task""#,
            "pidMode, main.interactive, main.pseudoTerminal",
        );
    }

    #[test]
    fn what_is_harmless_to_leave_out_is_accepted() {
        let container = r#","versionConsistency":"enabled","interactive":false,"secrets":[],
            "restartPolicy":{"enabled":false},"linuxParameters":{"initProcessEnabled":false},
            "portMappings":[{"containerPort":80,"name":"web","appProtocol":"http"}],
            "logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"g",
                "awslogs-region":"r","mode":"non-blocking","max-buffer-size":"1m"}}"#;
        check(
            container,
            r#","taskRoleArn":"t","volumes":[],"ephemeralStorage":{"sizeInGiB":30}"#,
            "",
        );
    }
}
