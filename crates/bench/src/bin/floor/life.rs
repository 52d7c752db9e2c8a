//! The floor under a container's life: fork, own namespaces, an overlay, another
//! root, exec, wait. No image store, no cgroup, no filter, no log, no network.

#![expect(
    unsafe_code,
    reason = "fork is what is measured, and no safe crate offers it"
)]

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use bench::clock;
use bench::figures::Spread;
use clap::Args;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, chdir, chroot, fork};
use serde::Serialize;

#[derive(Args)]
pub(crate) struct Life {
    /// The root file system, the lower layer of every overlay
    #[arg(long)]
    root: PathBuf,
    /// A folder for the upper layers
    #[arg(long)]
    work: PathBuf,
    #[arg(long, default_value_t = 200)]
    lives: usize,
    /// Lives at a time
    #[arg(long, default_value_t = 1)]
    parallel: usize,
    /// The program, seen from the root, and its arguments
    #[arg(required = true)]
    command: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct Finding {
    lives: usize,
    lives_per_second: f64,
    latency_ms: Spread,
}

impl Life {
    pub(crate) fn measure(&self) -> anyhow::Result<Finding> {
        let left = AtomicUsize::new(self.lives);
        let start = clock::now();
        let samples = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.parallel)
                .map(|number| {
                    let left = &left;
                    scope.spawn(move || self.work(number, left))
                })
                .collect();
            let mut samples = Vec::new();
            for worker in workers {
                let done = worker
                    .join()
                    .map_err(|_| anyhow::anyhow!("a thread panicked"))?;
                samples.extend(done?);
            }
            anyhow::Ok(samples)
        })?;
        let seconds = start.elapsed().as_secs_f64();
        Ok(Finding {
            lives: samples.len(),
            lives_per_second: samples.len() as f64 / seconds,
            latency_ms: Spread::of(samples),
        })
    }

    fn work(&self, number: usize, left: &AtomicUsize) -> anyhow::Result<Vec<Duration>> {
        let mut samples = Vec::new();
        let is_left = |count: usize| count.checked_sub(1);
        while left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_left)
            .is_ok()
        {
            let start = clock::now();
            self.live(&self.work.join(format!("life-{number}")))?;
            samples.push(start.elapsed());
        }
        Ok(samples)
    }

    fn live(&self, folder: &Path) -> anyhow::Result<()> {
        let plan = Plan::make(&self.root, folder, &self.command)?;
        // SAFETY: other threads exist, so the child may only do what a signal handler may:
        // `Plan::become_init` makes system calls on memory that is ready, and never returns.
        let child = match unsafe { fork() }? {
            ForkResult::Child => plan.become_init(),
            ForkResult::Parent { child } => child,
        };
        let code = wait(child);
        std::fs::remove_dir_all(folder)?;
        anyhow::ensure!(code == 0, "the program ended with {code}");
        Ok(())
    }
}

/// Everything the child needs, made before the fork: it must not allocate.
struct Plan {
    merged: CString,
    overlay: CString,
    program: CString,
    /// What `argv` points to.
    _arguments: Vec<CString>,
    argv: Vec<*const nix::libc::c_char>,
}

impl Plan {
    fn make(root: &Path, folder: &Path, command: &[String]) -> anyhow::Result<Self> {
        let [upper, work, merged] = ["upper", "work", "merged"].map(|name| folder.join(name));
        for folder in [&upper, &work, &merged] {
            std::fs::create_dir_all(folder)?;
        }
        let overlay = format!(
            "lowerdir={},upperdir={},workdir={}",
            root.display(),
            upper.display(),
            work.display()
        );
        let arguments: Vec<_> = command
            .iter()
            .map(|word| CString::new(word.as_str()))
            .collect::<Result<_, _>>()?;
        let argv = arguments
            .iter()
            .map(|word| word.as_ptr())
            .chain([std::ptr::null()])
            .collect();
        Ok(Self {
            merged: CString::new(merged.as_os_str().as_bytes())?,
            overlay: CString::new(overlay)?,
            program: arguments.first().context("no program")?.clone(),
            _arguments: arguments,
            argv,
        })
    }

    /// In the first child: namespaces of its own, and in them a process number one.
    fn become_init(&self) -> ! {
        let flags = CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWNET;
        if unshare(flags).is_err() {
            exit(101);
        }
        // SAFETY: as for the first fork; this process has one thread.
        match unsafe { fork() } {
            Ok(ForkResult::Child) => self.become_program(),
            Ok(ForkResult::Parent { child }) => exit(wait(child)),
            Err(_) => exit(103),
        }
    }

    fn become_program(&self) -> ! {
        if self.enter_root().is_ok() {
            // SAFETY: both are C strings and an array of them with a null at its end, alive
            // until the call replaces this program.
            unsafe { nix::libc::execv(self.program.as_ptr(), self.argv.as_ptr()) };
        }
        exit(102)
    }

    fn enter_root(&self) -> nix::Result<()> {
        const NONE: Option<&CStr> = None;
        mount(
            NONE,
            c"/",
            NONE,
            MsFlags::MS_REC | MsFlags::MS_PRIVATE,
            NONE,
        )?;
        let (overlay, proc) = (Some(c"overlay"), Some(c"proc"));
        let options = Some(self.overlay.as_c_str());
        mount(
            overlay,
            self.merged.as_c_str(),
            overlay,
            MsFlags::empty(),
            options,
        )?;
        chdir(self.merged.as_c_str())?;
        mount(proc, c"proc", proc, MsFlags::empty(), NONE)?;
        chroot(c".")
    }
}

/// The exit code of a child; 255 if it has none.
fn wait(child: Pid) -> i32 {
    match waitpid(child, None) {
        Ok(WaitStatus::Exited(_, code)) => code,
        _ => 255,
    }
}

/// Ends a forked child at once.
fn exit(code: i32) -> ! {
    // SAFETY: `_exit` takes any number and touches nothing of ours.
    unsafe { nix::libc::_exit(code) }
}
