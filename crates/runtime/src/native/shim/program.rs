//! The last steps inside a new container: finding its program and becoming it. What goes
//! wrong is told through a pipe that closes by itself when the program starts.

use std::convert::Infallible;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use libcontainer::oci_spec::runtime::Spec;
use libcontainer::workload::{Executor, ExecutorError, ExecutorValidationError};
use nix::errno::Errno;
use nix::unistd::{AccessFlags, access, execve};

use super::filter::Compiled;
use super::init;
use crate::native::cgroup::Groups;

/// Becomes the program of the specification.
#[derive(Clone)]
pub(super) struct Program {
    complaints: Arc<File>,
    groups: Option<Groups>,
    filter: Option<Compiled>,
    style: Style,
}

/// How the program is started.
#[derive(Clone, Copy)]
pub(super) enum Style {
    /// As the container's first process.
    Plain,
    /// As the child of a first process that forwards signals and reaps orphans.
    UnderInit,
    /// As a command in a running container: in a process group of its own, and killed when
    /// the helper that waits for it is.
    Command,
}

/// The reading end: empty when the program has started.
pub(super) struct Complaints(File);

impl Program {
    /// Groups are joined and the filter is set when all that they forbid is done, and before
    /// anything of the image runs.
    pub(super) fn new(
        style: Style,
        groups: Option<Groups>,
        filter: Option<Compiled>,
    ) -> io::Result<(Self, Complaints)> {
        let (read, write) = pipe()?;
        Ok((
            Self {
                complaints: Arc::new(write.into()),
                groups,
                filter,
                style,
            },
            Complaints(read.into()),
        ))
    }

    fn complain(&self, sentence: &str) {
        // Nobody reads only if the shim is gone, and then nothing can be told.
        let _ = (&*self.complaints).write_all(sentence.as_bytes());
    }

    fn start(&self, spec: &Spec) -> Result<Infallible, String> {
        let process = spec.process().as_ref();
        let arguments = process
            .and_then(|process| process.args().clone())
            .unwrap_or_default();
        let name = arguments.first().cloned().unwrap_or_default();
        let path = find(&name, &variable("PATH"))?;
        if let Some(groups) = &self.groups {
            let joined = groups.join();
            joined.map_err(|error| format!("the control groups cannot be joined: {error}"))?;
        }
        if let Some(filter) = &self.filter {
            filter
                .load()
                .map_err(|error| format!("system calls cannot be filtered: {error}"))?;
        }
        match self.style {
            Style::Plain => {}
            Style::UnderInit => init::become_init()
                .map_err(|errno| format!("the init process cannot start: {errno}"))?,
            Style::Command => {
                detach().map_err(|errno| format!("the command cannot be set apart: {errno}"))?;
            }
        }
        Err(sentence(&name, become_program(&path, &arguments)))
    }
}

impl Executor for Program {
    fn exec(&self, spec: &Spec) -> Result<(), ExecutorError> {
        let Err(sentence) = self.start(spec);
        self.complain(&sentence);
        Err(ExecutorError::Other(sentence))
    }

    /// Runs while the container is being created, so a missing program is found before anything
    /// counts as started.
    fn validate(&self, spec: &Spec) -> Result<(), ExecutorValidationError> {
        let process = spec.process().as_ref();
        let name = process.and_then(|process| process.args().as_ref()?.first().cloned());
        let environment = process
            .and_then(|process| process.env().clone())
            .unwrap_or_default();
        let path = environment
            .iter()
            .find_map(|entry| entry.strip_prefix("PATH="));
        find(&name.unwrap_or_default(), path.unwrap_or_default())
            .map(drop)
            .map_err(|sentence| {
                self.complain(&sentence);
                ExecutorValidationError::ArgValidationError(sentence)
            })
    }
}

impl Complaints {
    /// Waits until the program has started or failed; the sentence if it failed.
    pub(super) fn read(mut self) -> Option<String> {
        let mut sentence = String::new();
        match self.0.read_to_string(&mut sentence) {
            Ok(0) => None,
            Ok(_) => Some(sentence),
            Err(error) => Some(format!("the start cannot be watched: {error}")),
        }
    }
}

pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?)
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// The file that runs for `name`, searched as `execvp` would.
fn find(name: &str, path: &str) -> Result<PathBuf, String> {
    if name.contains('/') {
        let file = PathBuf::from(name);
        return runnable(&file)
            .map(|()| file)
            .map_err(|errno| sentence(name, errno));
    }
    let mut worst = Errno::ENOENT;
    for folder in path.split(':').filter(|_| !name.is_empty()) {
        let file = PathBuf::from(if folder.is_empty() { "." } else { folder }).join(name);
        match runnable(&file) {
            Ok(()) => return Ok(file),
            Err(Errno::ENOENT | Errno::ENOTDIR) => {}
            Err(errno) => worst = errno,
        }
    }
    match worst {
        Errno::ENOENT => Err(format!(
            "the program {name:?} is not in the container's PATH ({path}); correct the command or the image"
        )),
        errno => Err(sentence(name, errno)),
    }
}

fn runnable(file: &std::path::Path) -> Result<(), Errno> {
    access(file, AccessFlags::X_OK)?;
    if file.is_dir() {
        Err(Errno::EISDIR)
    } else {
        Ok(())
    }
}

fn sentence(name: &str, errno: Errno) -> String {
    match errno {
        Errno::ENOENT => format!(
            "the program {name:?} or its interpreter does not exist in the image; correct the command or the image"
        ),
        Errno::EACCES => format!(
            "the program {name:?} may not be executed by the container's user; set its execute permission or change the user"
        ),
        Errno::ENOEXEC => format!(
            "the program {name:?} is not an executable of this machine's architecture; use an image for it"
        ),
        Errno::EISDIR => format!("the program {name:?} is a folder; correct the command"),
        Errno::E2BIG => {
            "command and environment together are too long for the kernel; shorten them".to_owned()
        }
        errno => format!("the program {name:?} cannot be executed: {}", errno.desc()),
    }
}

fn detach() -> Result<(), Errno> {
    match nix::unistd::setsid() {
        // It leads a session already: libcontainer's own processes do.
        Ok(_) | Err(Errno::EPERM) => {}
        Err(errno) => return Err(errno),
    }
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)
}

/// Returns only if it failed.
fn become_program(path: &std::path::Path, arguments: &[String]) -> Errno {
    let strings = |texts: &mut dyn Iterator<Item = String>| -> Result<Vec<CString>, Errno> {
        texts
            .map(|text| CString::new(text).map_err(|_| Errno::EINVAL))
            .collect()
    };
    let become_it = || -> Result<Infallible, Errno> {
        let file = strings(&mut std::iter::once(path.to_string_lossy().into_owned()))?;
        let arguments = strings(&mut arguments.iter().cloned())?;
        let mut variables = std::env::vars().map(|(name, value)| format!("{name}={value}"));
        let variables = strings(&mut variables)?;
        restore_signals();
        execve(&file[0], &arguments, &variables)
    };
    match become_it() {
        Err(errno) => errno,
        Ok(never) => match never {},
    }
}

/// Rust programs ignore SIGPIPE, and an ignored signal stays ignored over `execve`.
fn restore_signals() {
    init::default_sigpipe();
}
