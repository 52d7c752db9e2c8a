//! A `longshore up` of the demo's own, on a free port; stopped at the end.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use anyhow::Context as _;
use serde::Deserialize;

use super::Workplace;
use crate::{say, shell};

pub(super) struct Server {
    child: Child,
    /// Of the server itself, which is not our child where sudo stands between.
    pid: u32,
    is_stopped: bool,
}

#[derive(Deserialize)]
struct ServerFile {
    pid: u32,
}

impl Server {
    pub(super) fn start(workplace: &Workplace) -> anyhow::Result<Self> {
        let mut command = workplace.command()?;
        command
            .args(["up", "--listen", "127.0.0.1:0"])
            .env("RUST_LOG", "warn");
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start longshore")?;
        let stdout = child.stdout.take().context("longshore has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if !line.starts_with("ready ") {
            let status = child.wait()?;
            anyhow::bail!("longshore up is not ready: {status}");
        }
        say(line.trim_end());
        let file = shell::root_command("cat")?
            .arg(workplace.data_dir().join("server.json"))
            .output()?;
        let file: ServerFile = serde_json::from_slice(&file.stdout).context("server.json")?;
        Ok(Self {
            child,
            pid: file.pid,
            is_stopped: false,
        })
    }

    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        let status = self.terminate()?;
        anyhow::ensure!(status.success(), "longshore up ended with {status}");
        Ok(())
    }

    fn terminate(&mut self) -> anyhow::Result<std::process::ExitStatus> {
        self.is_stopped = true;
        let mut kill = shell::root_command("kill")?;
        shell::check(kill.args(["-TERM", &self.pid.to_string()]))?;
        Ok(self.child.wait()?)
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
