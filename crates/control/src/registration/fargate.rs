//! Is the definition valid for Fargate? The first problem found, in AWS's words
//! (`task-lifecycle.md` §4).

use model::shapes::{ContainerDefinition, LogDriver, NetworkMode, PidMode, TaskDefinition};

use crate::limits::{FARGATE_TIMEOUT_SECONDS_MAX, FARGATE_WINDOWS_CPU_UNITS as WINDOWS_CPU};
use crate::record::definition::is_windows;
use crate::sizes;

pub(super) fn problem(shape: &TaskDefinition) -> Option<String> {
    size_problem(shape)
        .or_else(|| task_problem(shape))
        .or_else(|| {
            shape
                .container_definitions
                .iter()
                .flatten()
                .find_map(|c| of(shape, c))
        })
}

fn size_problem(shape: &TaskDefinition) -> Option<String> {
    if shape.network_mode != Some(NetworkMode::Awsvpc) {
        return Some("Fargate only supports network mode 'awsvpc'.".to_owned());
    }
    let required =
        |member| format!("Fargate requires that '{member}' be defined at the task level.");
    let Some(cpu) = shape.cpu.as_deref() else {
        return Some(required("cpu"));
    };
    let Some(memory) = shape.memory.as_deref() else {
        return Some(required("memory"));
    };
    let valid = match (sizes::cpu_units(cpu), sizes::memory_mib(memory)) {
        (Some(cpu), Some(memory)) => {
            sizes::is_fargate_size(cpu, memory)
                && (!is_windows(shape) || WINDOWS_CPU.contains(&cpu))
        }
        _ => false,
    };
    (!valid).then(|| sizes::no_fargate_configuration(cpu, memory).message)
}

fn task_problem(shape: &TaskDefinition) -> Option<String> {
    if shape
        .placement_constraints
        .as_ref()
        .is_some_and(|list| !list.is_empty())
    {
        return Some("Fargate compatible task definitions do not support constraints.".to_owned());
    }
    if shape.ipc_mode.is_some() {
        return Some("Tasks using the Fargate launch type do not support ipcMode.".to_owned());
    }
    if shape.pid_mode == Some(PidMode::Host) {
        return Some(
            "Tasks using the Fargate launch type do not support pidMode 'host'. The supported \
             value for pidMode is 'task'."
                .to_owned(),
        );
    }
    let storage = shape.ephemeral_storage.as_ref();
    let size = storage.and_then(|storage| storage.size_in_gib);
    if let Some(problem) = size.and_then(sizes::ephemeral_storage_problem) {
        return Some(problem);
    }
    let volumes = shape.volumes.as_deref().unwrap_or_default();
    if volumes.iter().any(|v| {
        v.host
            .as_ref()
            .is_some_and(|host| host.source_path.is_some())
    }) {
        return Some(unsupported("sourcePath"));
    }
    volumes
        .iter()
        .any(|volume| volume.docker_volume_configuration.is_some())
        .then(|| unsupported("docker volumes"))
}

fn of(shape: &TaskDefinition, container: &ContainerDefinition) -> Option<String> {
    let linux = container.linux_parameters.clone().unwrap_or_default();
    let capabilities = linux
        .capabilities
        .unwrap_or_default()
        .add
        .unwrap_or_default();
    let gpu = container
        .resource_requirements
        .iter()
        .flatten()
        .any(|requirement| {
            requirement
                .r#type
                .as_ref()
                .is_some_and(|kind| kind.as_str() == "GPU")
        });
    let refused = [
        ("privileged", container.privileged == Some(true)),
        ("links", filled(&container.links)),
        ("extraHosts", filled(&container.extra_hosts)),
        (
            "dockerSecurityOptions",
            filled(&container.docker_security_options),
        ),
        ("dnsServers", filled(&container.dns_servers)),
        ("devices", filled(&linux.devices)),
        ("sharedMemorySize", linux.shared_memory_size.is_some()),
        ("maxSwap", linux.max_swap.is_some()),
        ("swappiness", linux.swappiness.is_some()),
        ("GPU", gpu),
        (
            "capabilities",
            capabilities.iter().any(|one| one != "SYS_PTRACE"),
        ),
    ];
    if let Some((feature, _)) = refused.iter().find(|(_, is_set)| *is_set) {
        return Some(unsupported(feature));
    }
    timeout_problem(container)
        .or_else(|| log_problem(shape, container))
        .or_else(|| role_problem(shape, container))
}

fn timeout_problem(container: &ContainerDefinition) -> Option<String> {
    let timeouts = [
        ("startTimeout", container.start_timeout),
        ("stopTimeout", container.stop_timeout),
    ];
    let long = |seconds: Option<i32>| seconds.is_some_and(|s| s > FARGATE_TIMEOUT_SECONDS_MAX);
    let (member, _) = timeouts.iter().find(|(_, seconds)| long(*seconds))?;
    let name = container.name.as_deref().unwrap_or_default();
    Some(format!(
        "The '{member}' of container '{name}' must be at most {FARGATE_TIMEOUT_SECONDS_MAX}."
    ))
}

fn log_problem(shape: &TaskDefinition, container: &ContainerDefinition) -> Option<String> {
    let log = container.log_configuration.as_ref()?;
    match log.log_driver.as_ref()? {
        LogDriver::Awslogs => {
            let prefixed = log.options.as_ref()?.contains_key("awslogs-stream-prefix");
            if !prefixed {
                let text = "Log driver awslogs requires options: awslogs-stream-prefix";
                return Some(text.to_owned());
            }
            super::is_blank(shape.execution_role_arn.as_deref()).then(|| {
                "Fargate requires task definition to have execution role ARN to support log driver \
                 awslogs."
                    .to_owned()
            })
        }
        LogDriver::Splunk | LogDriver::Awsfirelens => None,
        other => Some(unsupported(&format!("log driver {other}"))),
    }
}

fn role_problem(shape: &TaskDefinition, container: &ContainerDefinition) -> Option<String> {
    let image = container.image.as_deref().unwrap_or_default();
    (super::attributes::is_ecr(image) && super::is_blank(shape.execution_role_arn.as_deref())).then(
        || {
            "Fargate requires task definition to have execution role ARN to support ECR images."
                .to_owned()
        },
    )
}

fn unsupported(feature: &str) -> String {
    format!("Fargate compatible task definitions do not support {feature}")
}

fn filled<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_some_and(|list| !list.is_empty())
}
