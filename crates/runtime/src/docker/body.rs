//! A container of a definition in the engine's words.

use std::collections::BTreeSet;

use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig, ResourcesUlimits};
use model::container::{
    ContainerKey, ContainerSpec, EnvironmentVariable, ExtraHost, Failure, NamespaceMode,
    VolumesFrom,
};
use model::payload::merge_environment;

use super::pull::Image;
use super::{mounts, names};

/// As for containers of the native driver.
const PROCESSES_MAX: i64 = 8192;
/// What a container without CPU units gets: the kernel's minimum.
const CPU_SHARES_MIN: i64 = 2;
const MKNOD: &str = "MKNOD";

/// The log of a container is read to its end by this driver, so the engine must keep all of
/// it, whatever its own defaults are: no rotation, and no line dropped when it is busy.
const LOG_DRIVER: &str = "json-file";
const LOG_OPTIONS: [(&str, &str); 3] = [
    ("max-size", "1000000g"),
    ("max-file", "1"),
    ("mode", "blocking"),
];

/// What a container needs to know of the engine's other objects.
pub(super) struct Place<'a> {
    /// The engine's network mode: `none`, `host`, `bridge` or `container:NAME`.
    pub(super) network: &'a str,
    /// Containers that this one is linked to.
    pub(super) linked: &'a [ExtraHost],
    /// The holder of the task's shared namespaces, where the definition shares any.
    pub(super) shared: Option<&'a str>,
    pub(super) labels: Vec<(String, String)>,
    /// The engine's image, if it has it.
    pub(super) image: Option<&'a Image>,
}

impl Place<'_> {
    /// Names and addresses then belong to the container that is joined.
    fn joins(&self) -> bool {
        self.network.starts_with("container:")
    }
}

pub(super) fn create(
    spec: &ContainerSpec,
    place: &Place<'_>,
) -> Result<ContainerCreateBody, Failure> {
    let labels = spec
        .labels
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    Ok(ContainerCreateBody {
        image: Some(place.image.map_or(&spec.image, |image| &image.name).clone()),
        entrypoint: spec.entry_point.clone(),
        cmd: spec.command.clone(),
        env: Some(environment(spec, place)),
        working_dir: spec.working_directory.clone(),
        user: spec.user.clone(),
        hostname: (!place.joins()).then(|| hostname(spec, place)).flatten(),
        tty: Some(spec.terminal),
        open_stdin: Some(spec.interactive),
        labels: Some(labels.chain(place.labels.iter().cloned()).collect()),
        host_config: Some(host_config(spec, place)?),
        ..ContainerCreateBody::default()
    })
}

/// What the platform tells and the image does not, then the definition's.
fn environment(spec: &ContainerSpec, place: &Place<'_>) -> Vec<String> {
    let of_image = place.image.map(Image::environment).unwrap_or_default();
    let of_image: BTreeSet<&str> = of_image
        .iter()
        .filter_map(|one| one.split('=').next())
        .collect();
    let mut platform = spec.platform_environment.clone();
    platform.retain(|variable| !of_image.contains(variable.name.as_str()));
    let merged = merge_environment(platform, spec.environment.clone());
    let entry = |variable: EnvironmentVariable| format!("{}={}", variable.name, variable.value);
    merged.into_iter().map(entry).collect()
}

/// As given; else the engine's own in its own network, else the start of `runtimeId`.
fn hostname(spec: &ContainerSpec, place: &Place<'_>) -> Option<String> {
    match &spec.identity.hostname {
        Some(name) if !name.is_empty() => Some(name.clone()),
        _ if place.network == "host" => None,
        _ => Some(spec.key.runtime_id()[..12].to_owned()),
    }
}

fn host_config(spec: &ContainerSpec, place: &Place<'_>) -> Result<HostConfig, Failure> {
    let mut config = HostConfig {
        network_mode: Some(place.network.to_owned()),
        readonly_rootfs: Some(spec.readonly_root_filesystem),
        privileged: Some(spec.privileged),
        init: Some(spec.init_process),
        ulimits: Some(ulimits(spec)),
        shm_size: spec.shared_memory_mib.map(bytes),
        pid_mode: namespace(spec.pid, place.shared),
        ipc_mode: namespace(spec.ipc, place.shared),
        security_opt: Some(security(spec)),
        sysctls: Some(system_controls(spec, place)),
        mounts: Some(mounts::engine_mounts(spec)?),
        volumes_from: Some(volumes_from(spec)?),
        tmpfs: Some(mounts::tmpfs(spec).into_iter().collect()),
        log_config: Some(HostConfigLogConfig {
            typ: Some(LOG_DRIVER.to_owned()),
            config: Some(
                LOG_OPTIONS
                    .map(|(name, value)| (name.into(), value.into()))
                    .into(),
            ),
        }),
        ..HostConfig::default()
    };
    capabilities(spec, &mut config);
    limits(spec, &mut config);
    if !place.joins() {
        identity(spec, place, &mut config);
    }
    Ok(config)
}

/// The volumes of other containers' images; what the definition mounts goes before them.
fn volumes_from(spec: &ContainerSpec) -> Result<Vec<String>, Failure> {
    let one = |from: &VolumesFrom| {
        let key = ContainerKey {
            task: spec.key.task,
            container: from.container.clone(),
        };
        let mode = if from.read_only { "ro" } else { "rw" };
        Ok(format!("{}:{mode}", names::container(&key)?))
    };
    spec.volumes_from.iter().map(one).collect()
}

/// A task's limits go to each of its containers: the engine has no place for one of the task.
fn limits(spec: &ContainerSpec, config: &mut HostConfig) {
    let memory = spec.memory_mib.or(spec.task_limits.memory_mib).map(bytes);
    config.memory = memory;
    // The same as memory: no swap beyond it.
    config.memory_swap = memory;
    config.memory_reservation = spec.memory_reservation_mib.map(bytes);
    config.cpu_shares = Some(i64::from(spec.cpu_units).max(CPU_SHARES_MIN));
    config.nano_cpus = spec
        .task_limits
        .cpu_units
        .map(|units| i64::from(units) * 1_000_000_000 / 1024);
    config.pids_limit = Some(PROCESSES_MAX);
}

fn bytes(mib: u32) -> i64 {
    i64::from(mib) << 20
}

fn ulimits(spec: &ContainerSpec) -> Vec<ResourcesUlimits> {
    let number = |value: u64| i64::try_from(value).unwrap_or(-1);
    let one = |limit: &model::container::Ulimit| ResourcesUlimits {
        name: Some(limit.name.clone()),
        soft: Some(number(limit.soft)),
        hard: Some(number(limit.hard)),
    };
    spec.ulimits.iter().map(one).collect()
}

/// The engine's default set without `MKNOD`, as with the native driver.
fn capabilities(spec: &ContainerSpec, config: &mut HostConfig) {
    let has = |names: &[String], wanted: &str| {
        names.iter().any(|name| {
            let upper = name.to_ascii_uppercase();
            upper.strip_prefix("CAP_").unwrap_or(&upper) == wanted
        })
    };
    let (add, mut drop) = (
        spec.capabilities_add.clone(),
        spec.capabilities_drop.clone(),
    );
    let keeps = spec.privileged || has(&add, "ALL") || has(&add, MKNOD) || has(&drop, "ALL");
    if !keeps && !has(&drop, MKNOD) {
        drop.push(MKNOD.to_owned());
    }
    config.cap_add = Some(add);
    config.cap_drop = Some(drop);
}

/// No privileges are gained by set-user-id programs, as with the native driver.
fn security(spec: &ContainerSpec) -> Vec<String> {
    let restricted = spec.no_new_privileges || !spec.privileged;
    let option = restricted.then(|| "no-new-privileges".to_owned());
    option.into_iter().collect()
}

fn namespace(mode: NamespaceMode, shared: Option<&str>) -> Option<String> {
    match mode {
        NamespaceMode::Own => None,
        NamespaceMode::Host => Some("host".to_owned()),
        NamespaceMode::Task => shared.map(|holder| format!("container:{holder}")),
    }
}

/// Those of a joined network are set where the network is.
fn system_controls<M: FromIterator<(String, String)>>(
    spec: &ContainerSpec,
    place: &Place<'_>,
) -> M {
    let own = |name: &str| !(place.joins() && name.starts_with("net."));
    let controls = spec.system_controls.iter().filter(|(name, _)| own(name));
    controls
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn identity(spec: &ContainerSpec, place: &Place<'_>, config: &mut HostConfig) {
    let identity = &spec.identity;
    let hosts = place.linked.iter().chain(&identity.extra_hosts);
    config.extra_hosts = Some(extra_hosts(hosts));
    config.dns = Some(identity.dns_servers.clone());
    config.dns_search = Some(identity.dns_search_domains.clone());
}

/// Lines of `/etc/hosts` as the engine takes them.
pub(super) fn extra_hosts<'a>(hosts: impl Iterator<Item = &'a ExtraHost>) -> Vec<String> {
    hosts
        .map(|host| format!("{}:{}", host.hostname, host.ip_address))
        .collect()
}

#[cfg(test)]
mod tests {
    use model::TaskId;
    use model::container::{ContainerKey, ExtraHost, LogTarget, TaskLimits};

    use super::*;

    fn spec() -> ContainerSpec {
        let key = ContainerKey {
            task: TaskId::from_bits(7),
            container: "app".to_owned(),
        };
        let log = LogTarget {
            group: "g".to_owned(),
            stream: "s".to_owned(),
        };
        ContainerSpec::new(key, "busybox", log)
    }

    fn made(spec: &ContainerSpec, network: &str) -> (ContainerCreateBody, HostConfig) {
        let image = Image::with_environment("mirror/busybox", &["PATH=/bin", "AWS_REGION=image"]);
        let place = Place {
            network,
            linked: &[],
            shared: Some("holder"),
            labels: vec![("longshore.task".to_owned(), "7".to_owned())],
            image: Some(&image),
        };
        let mut body = create(spec, &place).unwrap();
        let config = body.host_config.take().unwrap();
        (body, config)
    }

    #[test]
    fn a_plain_container_is_confined_and_its_log_is_kept_whole() {
        let (body, config) = made(&spec(), "none");
        assert_eq!(
            (body.cmd, body.entrypoint),
            (None, None),
            "as the image says"
        );
        assert_eq!(
            body.hostname,
            Some(spec().key.runtime_id()[..12].to_owned())
        );
        assert_eq!(config.cap_drop, Some(vec!["MKNOD".to_owned()]));
        assert_eq!(
            config.security_opt,
            Some(vec!["no-new-privileges".to_owned()])
        );
        assert_eq!((config.cpu_shares, config.memory), (Some(2), None));
        let log = config.log_config.unwrap();
        assert_eq!(log.typ.as_deref(), Some("json-file"));
        assert_eq!(log.config.unwrap()["mode"], "blocking");
    }

    #[test]
    fn the_platform_gives_way_to_the_image_and_to_the_definition() {
        let variable = |name: &str| EnvironmentVariable {
            name: name.to_owned(),
            value: "v".to_owned(),
        };
        let mut spec = spec();
        spec.platform_environment = ["A", "AWS_REGION", "B"].map(variable).into();
        spec.environment = vec![EnvironmentVariable {
            value: "own".to_owned(),
            ..variable("B")
        }];
        let (body, _) = made(&spec, "none");
        assert_eq!(body.env.unwrap(), ["A=v", "B=own"]);
        assert_eq!(body.image.as_deref(), Some("mirror/busybox"));
    }

    #[test]
    fn limits_of_a_task_fall_to_its_containers() {
        let mut spec = spec();
        spec.task_limits = TaskLimits {
            cpu_units: Some(512),
            memory_mib: Some(256),
        };
        let (_, config) = made(&spec, "none");
        assert_eq!(config.nano_cpus, Some(500_000_000));
        assert_eq!(
            (config.memory, config.memory_swap),
            (Some(256 << 20), Some(256 << 20))
        );
        spec.memory_mib = Some(64);
        let (_, config) = made(&spec, "none");
        assert_eq!(config.memory, Some(64 << 20), "its own is smaller");
    }

    #[test]
    fn names_are_left_to_the_container_that_is_joined() {
        let mut spec = spec();
        spec.identity.hostname = Some("box".to_owned());
        spec.identity.extra_hosts = vec![ExtraHost {
            hostname: "db".to_owned(),
            ip_address: "10.0.0.5".to_owned(),
        }];
        let net = ("net.core.somaxconn".to_owned(), "99".to_owned());
        spec.system_controls = [net, ("kernel.msgmax".to_owned(), "9".to_owned())].into();
        let (body, config) = made(&spec, "bridge");
        assert_eq!(body.hostname.as_deref(), Some("box"));
        assert_eq!(config.extra_hosts, Some(vec!["db:10.0.0.5".to_owned()]));
        assert_eq!(config.sysctls.unwrap().len(), 2);
        let (body, config) = made(&spec, "container:x");
        assert_eq!((body.hostname, config.extra_hosts), (None, None));
        assert_eq!(
            config.sysctls.unwrap().len(),
            1,
            "those of the network are elsewhere"
        );
    }

    #[test]
    fn namespaces_are_shared_through_the_holder() {
        let mut spec = spec();
        (spec.pid, spec.ipc) = (NamespaceMode::Task, NamespaceMode::Host);
        let (_, config) = made(&spec, "none");
        assert_eq!(config.pid_mode.as_deref(), Some("container:holder"));
        assert_eq!(config.ipc_mode.as_deref(), Some("host"));
    }

    #[test]
    fn a_capability_that_is_asked_for_is_not_dropped() {
        let mut spec = spec();
        spec.capabilities_add = vec!["CAP_MKNOD".to_owned()];
        assert_eq!(made(&spec, "none").1.cap_drop, Some(Vec::new()));
        spec.capabilities_add = Vec::new();
        spec.privileged = true;
        let (_, config) = made(&spec, "none");
        assert_eq!(config.cap_drop, Some(Vec::new()));
        assert_eq!(config.security_opt, Some(Vec::new()));
    }
}
