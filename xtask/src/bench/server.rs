//! A `longshore up` to measure, on a free port.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::programs::{self, KEY, Programs};
use crate::stopwatch::Stopwatch;
use crate::{say, shell};

pub(super) struct Server {
    child: Child,
    /// Of the server itself, which is not our child where sudo stands between.
    pub(super) pid: u32,
    pub(super) url: String,
    /// From the start of the process to its ready line.
    pub(super) ready: Duration,
    data_dir: PathBuf,
    is_stopped: bool,
}

#[derive(Deserialize)]
struct ServerFile {
    pid: u32,
}

#[derive(Deserialize)]
struct Clusters {
    clusters: Vec<Cluster>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cluster {
    running_tasks_count: u32,
    pending_tasks_count: u32,
}

impl Server {
    /// With scripts for containers.
    pub(super) fn scripted(programs: &Programs, data_dir: &Path) -> anyhow::Result<Self> {
        Self::start(programs.command("longshore"), data_dir, "scripted")
    }

    /// With containers of the engine that `docker` talks to.
    pub(super) fn docker(programs: &Programs, data_dir: &Path) -> anyhow::Result<Self> {
        Self::start(programs.command("longshore"), data_dir, "docker")
    }

    /// With real containers, as root.
    pub(super) fn native(programs: &Programs, data_dir: &Path) -> anyhow::Result<Self> {
        // sudo keeps no variables.
        let mut command = shell::root_command("env")?;
        command.args(KEY.map(|(name, value)| format!("{name}={value}")));
        command.arg(programs.path("longshore"));
        Self::start(command, data_dir, "native")
    }

    /// Logs as by default, to a file, as under a service manager.
    fn start(mut command: Command, data_dir: &Path, driver: &str) -> anyhow::Result<Self> {
        let log = File::create(data_dir.with_extension("log"))?;
        command
            .args([
                "up",
                "--listen",
                "127.0.0.1:0",
                "--driver",
                driver,
                "--data-dir",
            ])
            .arg(data_dir)
            .stdout(Stdio::piped())
            .stderr(log);
        let watch = Stopwatch::start();
        let mut child = command.spawn().context("cannot start longshore")?;
        let url = programs::ready(&mut child)?;
        let ready = watch.elapsed();
        let file = shell::root_command("cat")?
            .arg(data_dir.join("server.json"))
            .output()?;
        let file: ServerFile = serde_json::from_slice(&file.stdout).context("server.json")?;
        let data_dir = data_dir.to_owned();
        Ok(Self {
            child,
            pid: file.pid,
            url,
            ready,
            data_dir,
            is_stopped: false,
        })
    }

    /// Calls an operation of the API.
    pub(super) fn call<T: DeserializeOwned>(
        &self,
        programs: &Programs,
        operation: &str,
        body: &str,
    ) -> anyhow::Result<T> {
        let text = self.call_text(programs, operation, body)?;
        serde_json::from_str(&text).with_context(|| text.clone())
    }

    /// The answer as it comes.
    pub(super) fn call_text(
        &self,
        programs: &Programs,
        operation: &str,
        body: &str,
    ) -> anyhow::Result<String> {
        let words = [
            "call",
            "--url",
            &self.url,
            "--operation",
            operation,
            "--body",
            body,
        ];
        let text = programs.text(programs.command("load").args(words))?;
        Ok(text.trim_end().to_owned())
    }

    /// Waits until no task is left that has not stopped; `None` if that takes longer than allowed.
    pub(super) fn settle(
        &self,
        programs: &Programs,
        most: Duration,
    ) -> anyhow::Result<Option<Duration>> {
        let watch = Stopwatch::start();
        while watch.elapsed() < most {
            let found: Clusters = self.call(programs, "DescribeClusters", "{}")?;
            let cluster = *found.clusters.first().context("no cluster")?;
            if cluster.running_tasks_count + cluster.pending_tasks_count == 0 {
                return Ok(Some(watch.elapsed()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(None)
    }

    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        let status = self.terminate()?;
        anyhow::ensure!(
            status.success(),
            "longshore up ended with {status}: {}",
            self.log()
        );
        Ok(())
    }

    fn terminate(&mut self) -> anyhow::Result<std::process::ExitStatus> {
        self.is_stopped = true;
        let mut kill = shell::root_command("kill")?;
        shell::check(kill.args([OsStr::new("-TERM"), OsStr::new(&self.pid.to_string())]))?;
        Ok(self.child.wait()?)
    }

    /// The end of the log, to see what went wrong.
    fn log(&self) -> String {
        let text = std::fs::read(self.data_dir.with_extension("log")).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(1000)..]).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.is_stopped
            && let Err(error) = self.terminate()
        {
            say(&format!(
                "the server may still run as process {}: {error:#}",
                self.pid
            ));
        }
    }
}
