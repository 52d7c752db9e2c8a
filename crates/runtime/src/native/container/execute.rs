//! A command inside a running container.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use model::container::{Failure, FailureName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;
use tokio::time::timeout;

use super::folder::Folder;
use super::launch::command;
use super::record::{ExecuteReport, ExecuteRequest};
use crate::driver::Executed;

/// Output that is kept; the rest is read and dropped.
const OUTPUT_BYTES_MAX: usize = 4096;

/// The helper keeps the time itself. It is given this much more for its own work before it is
/// killed, and the command with it.
const HELPER_TIME: Duration = Duration::from_secs(10);

/// What a command leaves running may hold its output open; it is not waited for.
const OUTPUT_TIME: Duration = Duration::from_millis(200);

pub(crate) async fn execute(
    shim: &[OsString],
    folder: &Folder,
    arguments: &[String],
    limit: Duration,
) -> Result<Executed, Failure> {
    let request = ExecuteRequest {
        command: arguments.to_vec(),
        timeout_millis: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
    };
    let child = spawn(shim, folder).map_err(refused("the helper cannot be started"))?;
    let conversation = converse(child, &request);
    match timeout(limit.saturating_add(HELPER_TIME), conversation).await {
        Ok(outcome) => outcome,
        // The child was dropped with the conversation, which kills it.
        Err(_) => Ok(Executed::TimedOut),
    }
}

fn spawn(shim: &[OsString], folder: &Folder) -> io::Result<Child> {
    let mut command = command(shim)?;
    command.arg("exec").arg(folder.path()).kill_on_drop(true);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

async fn converse(mut child: Child, request: &ExecuteRequest) -> Result<Executed, Failure> {
    let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(mut stderr)) = streams else {
        return Err(refused("the helper has no pipes")(
            io::ErrorKind::BrokenPipe.into(),
        ));
    };
    let text = serde_json::to_vec(request).map_err(io::Error::from);
    let text = text.map_err(refused("the command cannot be told"))?;
    stdin
        .write_all(&text)
        .await
        .map_err(refused("the helper does not listen"))?;
    drop(stdin);

    let mut output = Vec::new();
    let mut report = Vec::new();
    let mut stdout = Some(stdout);
    let mut buffer = [0; OUTPUT_BYTES_MAX];
    loop {
        tokio::select! {
            read = stderr.read_buf(&mut report) => {
                if read.map_err(refused("the helper's report cannot be read"))? == 0 {
                    break;
                }
            }
            more = read_some(&mut stdout, &mut buffer, &mut output), if stdout.is_some() => {
                if !more {
                    stdout = None;
                }
            }
        }
    }
    let rest = async { while read_some(&mut stdout, &mut buffer, &mut output).await {} };
    let _ = timeout(OUTPUT_TIME, rest).await;
    let _ = child.wait().await;
    answer(&report, &output)
}

/// `false` at the end.
async fn read_some(
    stdout: &mut Option<impl AsyncRead + Unpin>,
    buffer: &mut [u8],
    output: &mut Vec<u8>,
) -> bool {
    let Some(stdout) = stdout else { return false };
    let Ok(count @ 1..) = stdout.read(buffer).await else {
        return false;
    };
    let room = OUTPUT_BYTES_MAX - output.len();
    output.extend_from_slice(&buffer[..count.min(room)]);
    true
}

fn answer(report: &[u8], output: &[u8]) -> Result<Executed, Failure> {
    match serde_json::from_slice(report) {
        Ok(ExecuteReport::Exited(code)) => Ok(Executed::Exited {
            code,
            output: String::from_utf8_lossy(output).into_owned(),
        }),
        Ok(ExecuteReport::TimedOut) => Ok(Executed::TimedOut),
        Ok(ExecuteReport::Failed(failure)) => Err(failure),
        Err(_) => {
            let words = String::from_utf8_lossy(report);
            let detail = format!("the helper ended without a report: {}", words.trim());
            Err(Failure::new(
                FailureName::CannotInspectContainerError,
                detail,
            ))
        }
    }
}

fn refused(what: &str) -> impl Fn(io::Error) -> Failure {
    move |error| {
        Failure::new(
            FailureName::CannotInspectContainerError,
            format!("{what}: {error}"),
        )
    }
}
