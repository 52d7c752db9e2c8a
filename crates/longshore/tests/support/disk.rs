//! A small disk under a place's data directory, in a mount namespace that nobody else sees.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::{Place, text};

/// Keeps the namespace; the disk is gone when it is dropped.
pub(crate) struct SmallDisk {
    keeper: Child,
    /// The data directory, seen from outside.
    pub(crate) data: PathBuf,
    enter: String,
}

impl SmallDisk {
    pub(crate) fn under(place: &Place, mebibytes: u32) -> Self {
        let data = place.data();
        fs::create_dir(&data).unwrap();
        let script = "mount -t tmpfs -o mode=700,size=$0m none \"$1\" && echo mounted && exec cat";
        let mut keeper = Command::new("unshare")
            .args(["--mount", "sh", "-c", script, &mebibytes.to_string()])
            .arg(&data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare of util-linux");
        let mut line = String::new();
        let out = keeper.stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        assert_eq!(line, "mounted\n");
        let pid = keeper.id();
        Self {
            keeper,
            data: PathBuf::from(format!("/proc/{pid}/root{}", text(&data))),
            enter: format!("--mount=/proc/{pid}/ns/mnt"),
        }
    }

    /// The program that starts commands on this disk.
    pub(crate) fn entrance(&self) -> [&str; 3] {
        ["nsenter", &self.enter, "--"]
    }

    /// Writes until there is no room left.
    pub(crate) fn fill(&self) {
        let mut filler = File::create(self.data.join("filler")).unwrap();
        let full = loop {
            if let Err(error) = filler.write_all(&[0; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::StorageFull, "{full}");
    }

    pub(crate) fn free(&self) {
        let filler = self.data.join("filler");
        // A process that another test is just starting may still have it open.
        File::create(&filler).unwrap();
        fs::remove_file(filler).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The last process of the namespace takes the mount with it.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
