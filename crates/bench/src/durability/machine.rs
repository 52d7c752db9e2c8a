//! A machine that loses its power: a User Mode Linux guest whose root is this machine's own tree,
//! read-only, and whose only disk is an image. Killed at once with everything in it.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

/// Debian's package `user-mode-linux` has it.
const KERNEL: &str = "linux.uml";
/// Sparse: what is not written takes no room.
const DISK_BYTES: u64 = 1 << 30;
/// Where a guest finds its disk, and the folder that it shares with this machine.
pub(super) const DISK: &str = "/run/disk";
pub(super) const SHARED: &str = "/run/shared";

/// A folder on this machine with a disk, which boots one guest at a time.
pub(super) struct Machine {
    folder: PathBuf,
}

/// A guest that runs. Killed when dropped.
pub(super) struct Guest {
    group: Pid,
}

impl Machine {
    /// Makes the disk: an empty ext4 file system.
    pub(super) fn new(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder.join("shared"))?;
        let machine = Self {
            folder: folder.to_owned(),
        };
        File::create(machine.disk())?.set_len(DISK_BYTES)?;
        let made = Command::new("mkfs.ext4")
            .args(["-q", "-F"])
            .arg(machine.disk())
            .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
            .status()
            .context("mkfs.ext4")?;
        anyhow::ensure!(made.success(), "mkfs.ext4: {made}");
        Ok(machine)
    }

    fn disk(&self) -> PathBuf {
        self.folder.join("disk.img")
    }

    /// A file that guests see in [`SHARED`]. What they write there is ours at once, unlike what
    /// they write to their disk.
    pub(super) fn shared(&self, name: &str) -> PathBuf {
        self.folder.join("shared").join(name)
    }

    /// What guests have said on their console.
    pub(super) fn console(&self) -> PathBuf {
        self.folder.join("console.log")
    }

    /// Boots a guest that runs this program and nothing else.
    pub(super) fn boot(&self, program: &[&str]) -> anyhow::Result<Guest> {
        // Else the guest's processes, orphaned by the kill, would be waited for by another.
        set_child_subreaper(true)?;
        let init = self.folder.join("init");
        write_program(&init, &self.init(program))?;
        let console = File::options()
            .create(true)
            .append(true)
            .open(self.console())?;
        let child = Command::new(KERNEL)
            .args([
                "rootfstype=hostfs",
                "rootflags=/",
                "ro",
                "mem=512M",
                "quiet",
            ])
            .args(["con=null", "con0=null,fd:1"])
            .arg(format!("init={}", init.display()))
            .arg(format!("ubd0={}", self.disk().display()))
            .stdin(Stdio::null())
            .stdout(console.try_clone()?)
            .stderr(console)
            .process_group(0)
            .spawn()
            .context(KERNEL)?;
        let group = Pid::from_raw(child.id().try_into()?);
        Ok(Guest { group })
    }

    /// The first process of the guest.
    fn init(&self, program: &[&str]) -> String {
        let shared = self.folder.join("shared");
        let words: Vec<String> = program.iter().map(|word| quoted(word)).collect();
        format!(
            "#!/bin/sh\n\
             export PATH=/usr/sbin:/usr/bin:/sbin:/bin\n\
             mount -t proc none /proc\n\
             mount -t tmpfs none /run\n\
             mkdir {DISK} {SHARED}\n\
             mount -t ext4 /dev/ubda {DISK}\n\
             mount -t hostfs -o {} none {SHARED}\n\
             ip link set lo up\n\
             {}\n\
             echo \"the program has ended: $?\"\n\
             exec sleep infinity\n",
            quoted(&shared.display().to_string()),
            words.join(" "),
        )
    }
}

impl Guest {
    /// The power fails. Returns when nothing of the guest is left that could write to the disk.
    pub(super) fn kill(self) -> anyhow::Result<()> {
        let result = self.end();
        std::mem::forget(self);
        result
    }

    fn end(&self) -> anyhow::Result<()> {
        killpg(self.group, Signal::SIGKILL)?;
        loop {
            match waitpid(Pid::from_raw(-self.group.as_raw()), None) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(Errno::ECHILD) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // The error that brought us here says more.
        let _ = self.end();
    }
}

fn write_program(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(std::fs::Permissions::from_mode(0o755))
}

/// For a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_through_a_shell_unchanged() {
        let words = ["a b", "it's", "$HOME", ""];
        let line: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let script = format!("printf '%s|' {}", line.join(" "));
        let done = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&done.stdout), "a b|it's|$HOME||");
    }
}
