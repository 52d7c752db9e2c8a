//! What a definition may carry and this server can keep. RegisterTaskDefinition stores every
//! valid definition; RunTask refuses, naming each member, what is not built yet, and what the
//! operator has not allowed.
//!
//! Harmless to leave out, and therefore accepted: the roles (no credentials are injected yet),
//! `portMappings.name` and `appProtocol`, `versionConsistency`, `ephemeralStorage` (a task has the
//! disk of its host, which is not divided), log drivers and their options (lines go to the log
//! store), `firelensConfiguration` (the router runs, and nobody sends it lines), `swappiness`
//! without swap. Scripted hosts start no process, so volumes of all kinds, which only a process
//! could tell from none, are accepted there.

use model::payload::NetworkMode;
use model::shapes::{ContainerDefinition, LinuxParameters, TaskDefinition, Volume};

use crate::assignment::{mounts, surroundings};
use crate::cx::Settings;
use crate::error::OpError;
use crate::gpus;
use crate::launch::network;
use crate::record::Definition;

/// Refuses a definition with members that would have to be ignored.
pub(crate) fn check(settings: &Settings, definition: &Definition) -> Result<(), OpError> {
    let mut missing = of_task(settings, &definition.shape);
    for container in definition.containers() {
        missing.extend(of_container(definition, container));
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
    let set = [
        ("proxyConfiguration", task.proxy_configuration.is_some()),
        (
            "inferenceAccelerators",
            filled(&task.inference_accelerators),
        ),
        (
            "enableFaultInjection",
            task.enable_fault_injection == Some(true),
        ),
        (
            "trustedExecutionConfiguration",
            task.trusted_execution_configuration.is_some(),
        ),
    ];
    let volumes = task.volumes.iter().flatten();
    let volumes = volumes.filter_map(|volume: &Volume| mounts::source(settings, volume).err());
    volumes.chain(named(&set, "")).collect()
}

fn of_container(definition: &Definition, container: &ContainerDefinition) -> Vec<String> {
    let mode = network::mode(definition);
    let mut ports = container.port_mappings.iter().flatten();
    let has_ranges = ports.any(|mapping| mapping.container_port_range.is_some());
    let set = [
        (
            "resourceRequirements",
            (container.resource_requirements.as_deref()).is_some_and(gpus::is_other),
        ),
        ("credentialSpecs", filled(&container.credential_specs)),
        // In awsvpc all ports of the task are its own, and none is published.
        (
            "portMappings.containerPortRange with networkMode 'bridge'",
            has_ranges && mode == NetworkMode::Bridge,
        ),
    ];
    let name = container.name.as_deref().unwrap_or_default();
    let mut missing = named(&set, name);
    let linux = container.linux_parameters.iter();
    missing.extend(linux.flat_map(|linux| of_linux(linux, name)));
    let phrases = mounts::problems(container)
        .into_iter()
        .chain(surroundings::problems(&definition.shape, mode, container));
    missing.extend(phrases.map(|phrase| format!("{name}.{phrase}")));
    missing
}

/// A container never swaps, so what is asked of its swap is kept if that is none.
fn of_linux(linux: &LinuxParameters, container: &str) -> Vec<String> {
    let swaps = linux.max_swap.is_some_and(|mib| mib > 0);
    let set = [
        ("linuxParameters.devices", filled(&linux.devices)),
        ("linuxParameters.maxSwap", swaps),
        (
            "linuxParameters.swappiness",
            swaps && linux.swappiness.is_some(),
        ),
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
        world.settings.volumes.bind = vec!["/srv/data/".to_owned()];
        let efs = &mut world.settings.volumes.efs;
        efs.insert("fs-1".to_owned(), "/srv/efs".to_owned());
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
            (
                r#""resourceRequirements":[{"type":"NeuronDevice","value":"1"}]"#,
                "resourceRequirements",
            ),
            (
                r#""links":["other:a b"]"#,
                "links 'a b', which is no host name",
            ),
            (r#""credentialSpecs":["c"]"#, "credentialSpecs"),
            (
                r#""portMappings":[{"containerPortRange":"8-9"}]"#,
                "portMappings.containerPortRange with networkMode 'bridge'",
            ),
            (
                r#""linuxParameters":{"devices":[{"hostPath":"/dev/x"}]}"#,
                "linuxParameters.devices",
            ),
            (
                r#""linuxParameters":{"maxSwap":1}"#,
                "linuxParameters.maxSwap",
            ),
            (
                r#""dockerSecurityOptions":["no-new-privileges","label:none"]"#,
                "dockerSecurityOptions 'label:none'",
            ),
        ];
        for (member, name) in members {
            check(&format!(",{member}"), "", &format!("main.{name}"));
        }
    }

    #[test]
    fn what_would_reach_the_host_is_refused_by_name_and_reason() {
        let members = [
            (
                r#""systemControls":[{"namespace":"kernel.panic","value":"1"}]"#,
                "systemControls 'kernel.panic', which is no parameter of a container's own namespaces",
            ),
            (
                r#""systemControls":[{"namespace":"net/../vm","value":"1"}]"#,
                "systemControls 'net/../vm', which is no name of a kernel parameter",
            ),
            (
                r#""linuxParameters":{"tmpfs":[{"containerPath":"/t","size":1,"mountOptions":["shared"]}]}"#,
                "linuxParameters.tmpfs.mountOptions 'shared'",
            ),
            (
                r#""linuxParameters":{"tmpfs":[{"containerPath":"/proc/x","size":1}]}"#,
                "linuxParameters.tmpfs.containerPath '/proc/x', where the container's own root, \
                 /proc, /sys or /dev is",
            ),
            (
                r#""extraHosts":[{"hostname":"h","ipAddress":"10.0.0.1 evil"}]"#,
                "extraHosts '10.0.0.1 evil', which is no IP address",
            ),
            (
                r#""dnsSearchDomains":["a b"]"#,
                "dnsSearchDomains 'a b', which is no host name",
            ),
        ];
        for (member, name) in members {
            check(&format!(",{member}"), "", &format!("main.{name}"));
        }
        let control = r#","systemControls":[{"namespace":"net.core.somaxconn","value":"1"}]"#;
        check(
            control,
            r#","networkMode":"host""#,
            "main.systemControls 'net.core.somaxconn', which would change the host in networkMode \
             'host'",
        );
        check(
            r#","systemControls":[{"namespace":"kernel.sem","value":"1"}]"#,
            r#","ipcMode":"host""#,
            "main.systemControls 'kernel.sem', which would change the host with ipcMode 'host'",
        );
    }

    #[test]
    fn a_task_member_that_cannot_be_kept_is_refused_by_name() {
        let members = [
            (
                r#""proxyConfiguration":{"containerName":"main"}"#,
                "proxyConfiguration",
            ),
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
    fn a_volume_that_the_operator_has_not_allowed_is_refused_with_the_key_to_change() {
        let volumes = [
            (
                r#""host":{"sourcePath":"/etc"}"#,
                "host.sourcePath '/etc', which is in no folder of volumes.bind in the configuration",
            ),
            (
                r#""host":{"sourcePath":"/srv/data/../../etc"}"#,
                "host.sourcePath '/srv/data/../../etc', which must be absolute and without '..'",
            ),
            (
                r#""host":{"sourcePath":"/srv/database"}"#,
                "host.sourcePath '/srv/database', which is in no folder of volumes.bind in the \
                 configuration",
            ),
            (
                r#""efsVolumeConfiguration":{"fileSystemId":"fs-2"}"#,
                "efsVolumeConfiguration.fileSystemId 'fs-2', which volumes.efs in the configuration \
                 maps to no folder",
            ),
            (
                r#""efsVolumeConfiguration":{"fileSystemId":"fs-1","rootDirectory":"/../x"}"#,
                "efsVolumeConfiguration.rootDirectory '/../x', which must be without '..'",
            ),
            (
                r#""dockerVolumeConfiguration":{"scope":"task","driver":"rexray/ebs"}"#,
                "dockerVolumeConfiguration.driver 'rexray/ebs'",
            ),
            (
                r#""dockerVolumeConfiguration":{"scope":"task","driverOpts":{"o":"bind"}}"#,
                "dockerVolumeConfiguration.driverOpts",
            ),
        ];
        for (volume, name) in volumes {
            let volumes = format!(r#","volumes":[{{"name":"v",{volume}}}]"#);
            check("", &volumes, &format!("volumes.v.{name}"));
        }
    }

    #[test]
    fn all_of_them_are_named_at_once() {
        check(
            r#","credentialSpecs":["c"],"linuxParameters":{"maxSwap":1}"#,
            r#","enableFaultInjection":true"#,
            "enableFaultInjection, main.credentialSpecs, main.linuxParameters.maxSwap",
        );
    }

    #[test]
    fn what_is_kept_or_harmless_to_leave_out_is_accepted() {
        let container = r#","versionConsistency":"enabled","interactive":true,"secrets":[],
            "restartPolicy":{"enabled":true},"pseudoTerminal":true,
            "linuxParameters":{"initProcessEnabled":true,"maxSwap":0,"swappiness":9,
                "tmpfs":[{"containerPath":"/t","size":1,"mountOptions":["mode=0700","noexec"]}]},
            "portMappings":[{"containerPort":80,"name":"web","appProtocol":"http"}],
            "extraHosts":[{"hostname":"h","ipAddress":"::1"}],"dnsServers":["10.0.0.2"],
            "systemControls":[{"namespace":"net.core.somaxconn","value":"1"},
                {"namespace":"fs.mqueue.msg_max","value":"9"}],
            "links":["other:o"],"disableNetworking":true,
            "dockerSecurityOptions":["no-new-privileges"],"volumesFrom":[{"sourceContainer":"other"}],
            "mountPoints":[{"sourceVolume":"v","containerPath":"/v"}],
            "logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"g",
                "awslogs-region":"r","mode":"non-blocking","max-buffer-size":"1m"}}"#;
        check(
            container,
            r#","taskRoleArn":"t","pidMode":"task","ipcMode":"none","ephemeralStorage":{"sizeInGiB":30},
                "volumes":[{"name":"v"},{"name":"bound","host":{"sourcePath":"/srv/data/x"}},
                {"name":"files","efsVolumeConfiguration":{"fileSystemId":"fs-1","rootDirectory":"x"}}]"#,
            "",
        );
        let splunk = r#","logConfiguration":{"logDriver":"splunk","options":{"splunk-url":"u"},
            "secretOptions":[{"name":"splunk-token","valueFrom":"v"}]}"#;
        check(splunk, "", "");
    }
}
