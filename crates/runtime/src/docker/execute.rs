//! A command inside a running container.

use std::time::Duration;

use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::models::ExecInspectResponse;
use futures_util::StreamExt as _;
use model::container::{ContainerKey, Failure, FailureName};
use tokio::time::timeout;

use super::error::{cannot_inspect, is_conflict, is_missing, words};
use super::objects::Objects;
use crate::driver::Executed;

/// Output that is kept; the rest is read and dropped.
const OUTPUT_BYTES_MAX: usize = 4096;
/// The engine closes the output a little before it notes the exit code.
const NOTE_TIME: Duration = Duration::from_secs(5);
const NOTE_PAUSE: Duration = Duration::from_millis(5);

/// What the engine says where there is no such program, as shells do.
const NOT_FOUND: i32 = 127;
const NOT_EXECUTABLE: i32 = 126;

pub(super) async fn execute(
    objects: &Objects,
    name: &str,
    key: &ContainerKey,
    command: &[String],
    limit: Duration,
) -> Result<Executed, Failure> {
    let options = CreateExecOptions {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(command.to_vec()),
        ..CreateExecOptions::default()
    };
    let made = objects.client().create_exec(name, options).await;
    let id = made.map_err(|error| match is_missing(&error) || is_conflict(&error) {
        true => does_not_run(key),
        false => cannot_inspect(&error),
    })?;
    let mut output = Vec::new();
    match timeout(limit, converse(objects, &id.id, &mut output)).await {
        Ok(ended) => ended,
        // What it left running may hold its output open although it has ended.
        Err(_) => match inspect(objects, &id.id).await? {
            state if state.running == Some(true) => Ok(Executed::TimedOut),
            state => Ok(exited(&state, &output)),
        },
    }
}

/// Reads until the command has closed its output and the engine knows its exit code.
async fn converse(objects: &Objects, id: &str, output: &mut Vec<u8>) -> Result<Executed, Failure> {
    let started = match objects.client().start_exec(id, None).await {
        Ok(started) => started,
        Err(error) => return never_started(&error),
    };
    if let StartExecResults::Attached {
        output: mut stream, ..
    } = started
    {
        while let Some(Ok(piece)) = stream.next().await {
            let room = OUTPUT_BYTES_MAX.saturating_sub(output.len());
            let piece: &[u8] = piece.as_ref();
            output.extend_from_slice(&piece[..piece.len().min(room)]);
        }
    }
    let noted = async {
        loop {
            let state = inspect(objects, id).await?;
            if state.running != Some(true) {
                return Ok(exited(&state, output));
            }
            tokio::time::sleep(NOTE_PAUSE).await;
        }
    };
    // A command that closed its output and goes on is waited for until its own time is over.
    match timeout(NOTE_TIME, noted).await {
        Ok(noted) => noted,
        Err(_) => std::future::pending().await,
    }
}

/// A program that is not there is a command that failed, as with a shell.
fn never_started(error: &bollard::errors::Error) -> Result<Executed, Failure> {
    let text = words(error);
    let code = match &text {
        text if text.contains("no such file") || text.contains("not found") => NOT_FOUND,
        text if text.contains("permission denied") => NOT_EXECUTABLE,
        _ => return Err(cannot_inspect(error)),
    };
    Ok(Executed::Exited { code, output: text })
}

async fn inspect(objects: &Objects, id: &str) -> Result<ExecInspectResponse, Failure> {
    let state = objects.client().inspect_exec(id).await;
    state.map_err(|error| cannot_inspect(&error))
}

fn exited(state: &ExecInspectResponse, output: &[u8]) -> Executed {
    const KILLED: i32 = 137;
    let code = state.exit_code.and_then(|code| i32::try_from(code).ok());
    Executed::Exited {
        code: code.unwrap_or(KILLED),
        output: String::from_utf8_lossy(output).into_owned(),
    }
}

fn does_not_run(key: &ContainerKey) -> Failure {
    Failure::new(
        FailureName::CannotInspectContainerError,
        format!("the container {} does not run", key.container),
    )
}
