//! The first process of a container: program, environment, identity, limits.

use model::container::{ContainerSpec, EnvironmentVariable, Failure, FailureName};
use serde_json::{Value, json};

use super::Host;
use super::capabilities::Capabilities;
use crate::native::container::record::Request;
use crate::native::image::ImageConfig;

/// Where programs are looked for when the image does not say.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Open files a process may have unless its definition says otherwise: the soft limit that
/// `select` needs, and a hard limit that servers may raise it to if the host permits as many.
const NOFILE_SOFT: u64 = 1024;
pub(crate) const NOFILE_HARD: u64 = 524_288;

pub(crate) fn process(
    request: &Request,
    host: &Host,
    capabilities: &Capabilities,
) -> Result<Value, Failure> {
    let (spec, user) = (&request.spec, &host.user);
    let names = capabilities.oci_names();
    let mut process = json!({
        "terminal": spec.terminal,
        "user": { "uid": user.uid, "gid": user.gid, "additionalGids": user.additional_gids },
        "args": arguments(spec, &request.image)?,
        "env": environment(request)?,
        "cwd": working_directory(spec, &request.image)?,
        "capabilities": { "bounding": names, "effective": names, "permitted": names },
        "rlimits": limits(spec, host.nofile_max)?,
    });
    // Never an explicit `false`: the filter would be loaded after the capability it needs is gone.
    if !spec.privileged || spec.no_new_privileges {
        process["noNewPrivileges"] = json!(true);
    }
    Ok(process)
}

/// Entry point and command of the definition over those of the image. A new entry point also
/// drops the image's command, which was meant for the old one. Empty lists count as absent.
pub(crate) fn arguments(spec: &ContainerSpec, image: &ImageConfig) -> Result<Vec<String>, Failure> {
    let given = |list: &Option<Vec<String>>| list.clone().filter(|list| !list.is_empty());
    let entry_point = given(&spec.entry_point);
    let command = match (given(&spec.command), &entry_point) {
        (Some(command), _) => command,
        (None, Some(_)) => Vec::new(),
        (None, None) => image.cmd.clone(),
    };
    let mut arguments = entry_point.unwrap_or_else(|| image.entrypoint.clone());
    arguments.extend(command);
    if arguments.iter().any(|argument| argument.contains('\0')) {
        return Err(refuse(
            "an argument of the command contains a NUL character; remove it",
        ));
    }
    if arguments.is_empty() {
        return Err(refuse(format!(
            "neither the image {} nor the task definition names a program; set command or entryPoint",
            spec.image
        )));
    }
    Ok(arguments)
}

/// `PATH`, `HOSTNAME` and what the platform tells, then the image's variables, then the
/// definition's, later ones winning.
pub(crate) fn environment(request: &Request) -> Result<Vec<String>, Failure> {
    let base = request.image.env.iter().filter_map(|entry| {
        let (name, value) = entry.split_once('=')?;
        Some(EnvironmentVariable {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    });
    let mut base: Vec<_> = [("PATH", DEFAULT_PATH), ("HOSTNAME", &request.hostname())]
        .into_iter()
        .map(|(name, value)| EnvironmentVariable {
            name: name.to_owned(),
            value: value.to_owned(),
        })
        .chain(request.spec.platform_environment.iter().cloned())
        .chain(base)
        .collect();
    base = model::payload::merge_environment(Vec::new(), base);
    let merged = model::payload::merge_environment(base, request.spec.environment.clone());
    merged.iter().map(entry).collect()
}

fn entry(variable: &EnvironmentVariable) -> Result<String, Failure> {
    let EnvironmentVariable { name, value } = variable;
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(refuse(format!(
            "the environment variable name {name:?} cannot be used; rename it"
        )));
    }
    if value.contains('\0') {
        return Err(refuse(format!(
            "the value of the environment variable {name} contains a NUL character; remove it"
        )));
    }
    Ok(format!("{name}={value}"))
}

pub(crate) fn working_directory(
    spec: &ContainerSpec,
    image: &ImageConfig,
) -> Result<String, Failure> {
    let of_image = image.working_dir.as_ref().filter(|path| !path.is_empty());
    let path = match spec
        .working_directory
        .as_ref()
        .filter(|path| !path.is_empty())
    {
        Some(path) => path,
        None => of_image.map_or("/", String::as_str),
    };
    if !path.starts_with('/') || path.contains('\0') {
        return Err(refuse(format!(
            "the working directory {path:?} is not an absolute path; start it with a slash"
        )));
    }
    Ok(path.to_owned())
}

fn limits(spec: &ContainerSpec, nofile_max: u64) -> Result<Value, Failure> {
    let hard = NOFILE_HARD.min(nofile_max);
    let mut limits = vec![limit("nofile", NOFILE_SOFT.min(hard), hard)?];
    for given in &spec.ulimits {
        let given = limit(&given.name, given.soft, given.hard)?;
        match limits
            .iter_mut()
            .find(|known| known["type"] == given["type"])
        {
            Some(known) => *known = given,
            None => limits.push(given),
        }
    }
    Ok(Value::Array(limits))
}

fn limit(name: &str, soft: u64, hard: u64) -> Result<Value, Failure> {
    if !LIMITS.contains(&name) {
        return Err(refuse(format!(
            "the ulimit {name} is not known; correct ulimits"
        )));
    }
    if soft > hard {
        return Err(refuse(format!(
            "the soft limit {soft} of the ulimit {name} is above its hard limit {hard}; lower it"
        )));
    }
    Ok(
        json!({ "type": format!("RLIMIT_{}", name.to_ascii_uppercase()), "soft": soft, "hard": hard }),
    )
}

/// The names ECS knows: those of the kernel in small letters.
const LIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

fn refuse(detail: impl Into<String>) -> Failure {
    Failure::new(FailureName::CannotCreateContainerError, detail)
}
