//! `longshore up` with scripted containers, as a process that is there to be killed.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;

use crate::signing::Caller;

/// The key of these servers. It opens nothing else: they listen on loopback and their data is
/// thrown away.
const KEY_ID: &str = "AKIACRASHCRASHCRASH0";
const SECRET: &str = "the-key-of-a-server-that-is-killed";

/// How to start it.
pub struct Program {
    binary: PathBuf,
    data_dir: PathBuf,
    flags: Vec<String>,
}

/// Killed when dropped.
pub struct Server {
    child: Arc<Mutex<Child>>,
    pub caller: Caller,
}

/// Kills a server from wherever it is held.
#[derive(Clone)]
pub struct Trigger(Arc<Mutex<Child>>);

impl Program {
    /// The server is started with these flags besides those that all have.
    pub fn new(binary: &Path, data_dir: &Path, flags: &[&str]) -> Self {
        Self {
            binary: binary.to_owned(),
            data_dir: data_dir.to_owned(),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        }
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// What the servers have logged.
    pub fn log(&self) -> PathBuf {
        self.data_dir.with_extension("log")
    }

    /// Starts a server on a free port and waits until it is ready.
    pub fn start(&self) -> anyhow::Result<Server> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())?;
        let mut child = Command::new(&self.binary)
            .args(["up", "--listen", "127.0.0.1:0", "--driver", "scripted"])
            .arg("--data-dir")
            .arg(&self.data_dir)
            .args(&self.flags)
            .env("LONGSHORE_ROOT_ACCESS_KEY_ID", KEY_ID)
            .env("LONGSHORE_ROOT_SECRET_ACCESS_KEY", SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| self.binary.display().to_string())?;
        let stdout = child.stdout.take().context("a server without output")?;
        let caller = Caller {
            url: String::new(),
            region: "us-east-1".to_owned(),
            access_key_id: KEY_ID.to_owned(),
            secret_access_key: SECRET.to_owned(),
        };
        let child = Arc::new(Mutex::new(child));
        let mut server = Server { child, caller };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line.trim_end().strip_prefix("ready ");
        server.caller.url = url
            .with_context(|| format!("no ready line; see {}", self.log().display()))?
            .to_owned();
        Ok(server)
    }
}

impl Server {
    pub fn trigger(&self) -> Trigger {
        Trigger(self.child.clone())
    }

    /// SIGKILL; returns when the process is gone.
    pub fn kill(self) -> anyhow::Result<()> {
        self.end().context("a server that is killed")
    }

    fn end(&self) -> std::io::Result<()> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.kill()?;
        child.wait().map(drop)
    }
}

impl Trigger {
    /// SIGKILL, without waiting for the end.
    pub fn pull(&self) -> std::io::Result<()> {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        child.kill()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already, and has nothing to lose.
        let _ = self.end();
    }
}
