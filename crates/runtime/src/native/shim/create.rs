//! From a request to a running container, or to a failure that leaves nothing.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use libcontainer::container::Container;
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::error::LibcontainerError;
use libcontainer::syscall::syscall::SyscallType;
use model::container::{ContainerKey, Failure, FailureName, NamespaceMode};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, getrlimit, kill_process, setrlimit, wait,
};
use serde_json::Value;

use super::filter::Compiled;
use super::output::Sink;
use super::program::{Program, Style};
use super::streams::{self, Streams};
use super::watch::Running;
use crate::native::cgroup::{Cgroups, Groups};
use crate::native::clock;
use crate::native::container::folder::Folder;
use crate::native::container::process::Process;
use crate::native::container::record::{Request, StartedRecord};
use crate::native::spec::resources::CgroupVersion;
use crate::native::stage::{SPECIFICATION, STAGE};
use crate::native::volume::{self, LateMount};
use crate::native::{rootfs, spec, stage};

/// Makes and starts the container. After an error its processes and control groups are gone,
/// and its mounts go with this process.
pub(super) fn container(folder: &Folder, request: File) -> Result<Running, Failure> {
    let request: Request = serde_json::from_reader(BufReader::new(request))
        .map_err(cannot("the request cannot be read"))?;
    let cgroups = Cgroups::find()
        .and_then(|found| found.ok_or_else(|| io::Error::other("no control groups are mounted")))
        .map_err(cannot("the control groups cannot be found"))?;
    if let Some(holder) = request.holder {
        rootfs::enter_mount_namespace(holder.pid)
            .map_err(cannot("the namespaces of the task cannot be entered"))?;
    }
    rootfs::own_mount_namespace().map_err(cannot("a mount namespace is not permitted"))?;
    let stage = stage::make(folder.path()).map_err(cannot("its mounts have no place"))?;
    let cgroups = match cgroups.version() {
        CgroupVersion::V1 => cgroups
            .moved_to(&stage.join("groups"))
            .map_err(cannot("the control groups cannot be set aside"))?,
        CgroupVersion::V2 => cgroups,
    };
    let made = make(folder, &request, &cgroups);
    if made.is_err() {
        undo(&cgroups, &request.spec.key);
    }
    made
}

fn make(folder: &Folder, request: &Request, cgroups: &Cgroups) -> Result<Running, Failure> {
    folder
        .reserve_exit()
        .map_err(cannot("no room for the exit record"))?;
    cgroups
        .limit_task(request.spec.key.task, request.spec.task_limits)
        .map_err(cannot("the limits of the task cannot be set"))?;
    let (groups, filter) = prepare_bundle(folder, request, cgroups)?;
    let (streams, mut ends) =
        streams::open(folder, request).map_err(cannot("the output cannot be opened"))?;
    let life = folder.hold_life().map_err(cannot("no pipe for the end"))?;
    let style = if request.spec.init_process {
        Style::UnderInit
    } else {
        Style::Plain
    };
    let (program, complaints) =
        Program::new(style, groups, filter).map_err(cannot("no pipe for the start"))?;

    let built = build(folder, &request.spec.key, program, streams);
    let (mut container, listener) = match built {
        Ok(built) => built,
        Err(error) => return Err(explain(complaints.read(), error.as_ref())),
    };
    if let Some(listener) = listener {
        let terminal = streams::receive(&listener);
        ends.pipes = vec![terminal.map_err(cannot("the terminal cannot be opened"))?];
    }
    let process = container
        .pid()
        .ok_or_else(|| io::Error::other("the container has no process"))
        .and_then(|pid| Process::of(pid.as_raw()))
        .map_err(cannot("the container's process cannot be found"))?;
    container.start().map_err(|error| explain(None, &error))?;
    if let Some(sentence) = complaints.read() {
        return Err(Failure::new(
            FailureName::CannotStartContainerError,
            sentence,
        ));
    }
    let started = StartedRecord {
        at: clock::now(),
        process,
    };
    folder
        .write("started.json", &started)
        .map_err(cannot("the start cannot be recorded"))?;
    Ok(Running {
        key: request.spec.key.clone(),
        started,
        pipes: ends.pipes,
        _input: ends.input,
        leaves_processes: request.spec.pid != NamespaceMode::Own,
        sink: sink(request),
        cgroups: cgroups.clone(),
        life,
    })
}

/// Root file system, files, specification, and the groups if libcontainer does not make them.
/// The filter of system calls, if there is one.
fn prepare_bundle(
    folder: &Folder,
    request: &Request,
    cgroups: &Cgroups,
) -> Result<(Option<Groups>, Option<Compiled>), Failure> {
    let root = rootfs::mount_root(folder.path(), &request.layers)
        .map_err(cannot("the image cannot be mounted"))?;
    let late_mounts = volume::mount_all(request, &root)?;
    rootfs::write_etc(request).map_err(cannot("the files for /etc cannot be written"))?;
    let directory = spec::process::working_directory(&request.spec, &request.image)?;
    rootfs::make_working_directory(&root, &directory)
        .map_err(cannot("the working directory cannot be made"))?;
    let host = host(request, &root, cgroups, late_mounts)?;
    let mut specification = spec::build(request, &host)?;
    let groups = own_groups(request, cgroups, &mut specification)
        .map_err(cannot("the control groups cannot be made"))?;
    write_specification(folder, &specification)
        .map_err(cannot("the specification cannot be written"))?;
    let filter = spec::filter(&request.spec, &host)?;
    let filter = filter.map(|filter| {
        // A link stays with the container, for commands inside it.
        Compiled::linked(&filter, &request.filters, &folder.join("filter"))
    });
    let filter = filter
        .transpose()
        .map_err(cannot("the filter of system calls cannot be made"))?;
    Ok((groups, filter))
}

/// Version 1: takes the limits out of the specification and makes the groups that have them.
fn own_groups(
    request: &Request,
    cgroups: &Cgroups,
    specification: &mut Value,
) -> io::Result<Option<Groups>> {
    if cgroups.version() == CgroupVersion::V2 {
        return Ok(None);
    }
    let resources = specification["linux"]["resources"].take();
    cgroups
        .make_container(&request.spec.key, &resources)
        .map(Some)
}

fn host(
    request: &Request,
    root: &Path,
    cgroups: &Cgroups,
    late_mounts: Vec<LateMount>,
) -> Result<spec::Host, Failure> {
    let of_image = request.image.user.as_deref().unwrap_or_default();
    let wanted = request
        .spec
        .user
        .as_deref()
        .filter(|user| !user.is_empty())
        .unwrap_or(of_image);
    let accounts = rootfs::accounts(root).map_err(cannot("the image's users cannot be read"))?;
    let devices = match request.spec.privileged {
        true => rootfs::host_devices().map_err(cannot("the host's devices cannot be listed"))?,
        false => Vec::new(),
    };
    Ok(spec::Host {
        user: accounts.resolve(wanted)?,
        cgroup: cgroups.facts(),
        cgroup_folders: cgroups.shown(&request.spec.key),
        capabilities: own_capabilities().map_err(cannot("the capabilities cannot be read"))?,
        nofile_max: nofile_max(),
        devices,
        late_mounts,
    })
}

/// Nobody can give what he does not have: inside another container that is less than all.
fn own_capabilities() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let set = status.lines().find_map(|line| line.strip_prefix("CapPrm:"));
    let set = set.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    set.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Raised as far as containers want it, if the host permits that.
fn nofile_max() -> u64 {
    let own = getrlimit(Resource::Nofile);
    let wanted = Some(spec::process::NOFILE_HARD);
    if own.maximum.is_some_and(|own| Some(own) < wanted) {
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                maximum: wanted,
                ..own
            },
        );
    }
    getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)
}

/// Where libcontainer looks for it, as a link: it holds the environment, secrets among it, and
/// goes with the shim. It stays as long, because commands inside need the same environment.
fn write_specification(folder: &Folder, specification: &Value) -> io::Result<()> {
    symlink(
        Path::new(STAGE).join(SPECIFICATION),
        folder.join(SPECIFICATION),
    )?;
    stage::write_specification(folder.path(), &serde_json::to_vec(specification)?)
}

/// A container without its log is better than none: the lines lost are counted.
fn sink(request: &Request) -> Sink {
    let target = &request.spec.log;
    let names = (
        logs::GroupName::parse(&target.group),
        logs::StreamName::parse(&target.stream),
    );
    Sink::new(match names {
        (Ok(group), Ok(stream)) => logs::Writer::open(&request.logs, &group, &stream).ok(),
        _ => None,
    })
}

/// With the socket that a terminal comes from, if the container has one.
fn build(
    folder: &Folder,
    key: &ContainerKey,
    program: Program,
    streams: Streams,
) -> Result<(Container, Option<UnixListener>), Box<LibcontainerError>> {
    let boxed = |error: LibcontainerError| Box::new(error);
    let states = folder.join("state");
    let made = fs::create_dir(&states);
    made.map_err(|error| boxed(LibcontainerError::OtherIO(error)))?;
    let builder = ContainerBuilder::new(key.runtime_id(), SyscallType::default())
        .with_root_path(states)
        .map_err(boxed)?
        .with_executor(program);
    let (builder, listener) = streams.give(builder);
    let container = builder
        .validate_id()
        .map_err(boxed)?
        .as_init(folder.path())
        .with_systemd(false)
        .with_detach(true)
        .build()
        .map_err(boxed)?;
    Ok((container, listener))
}

/// A complaint of the container's own process is about its program; all else about its making.
fn explain(complaint: Option<String>, error: &dyn Error) -> Failure {
    match complaint {
        Some(sentence) => Failure::new(FailureName::CannotStartContainerError, sentence),
        None => refused(
            FailureName::CannotCreateContainerError,
            "the container cannot be made",
            error,
        ),
    }
}

/// Kills and reaps whatever was made of the container.
fn undo(cgroups: &Cgroups, key: &ContainerKey) {
    // Not all of them have joined its groups yet.
    let own = std::process::id();
    let children = fs::read_to_string(format!("/proc/self/task/{own}/children"));
    for child in children.unwrap_or_default().split_ascii_whitespace() {
        if let Some(child) = child.parse().ok().and_then(Pid::from_raw) {
            let _ = kill_process(child, Signal::KILL);
        }
    }
    // What cannot be removed now is tried again when the task is torn down.
    let _ = cgroups.remove_container(key);
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
    let _ = cgroups.remove_container(key);
}

fn cannot<E: Error>(what: &'static str) -> impl Fn(E) -> Failure {
    move |error| refused(FailureName::CannotCreateContainerError, what, error)
}

/// `what: cause: its cause`, without the repetitions that wrapped errors are full of.
pub(super) fn refused(name: FailureName, what: &str, error: impl Error) -> Failure {
    let mut detail = what.to_owned();
    let mut next: Option<&dyn Error> = Some(&error);
    while let Some(error) = next {
        let text = error.to_string();
        if !detail.ends_with(&text) {
            detail.push_str(": ");
            detail.push_str(&text);
        }
        next = error.source();
    }
    Failure::new(name, detail)
}
