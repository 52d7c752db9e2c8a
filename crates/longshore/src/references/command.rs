//! A command whose output is a value.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::mapping::{VALUE_MAX, text};

/// Some ask a person, and the person has to find the finger.
const TIME_MAX: Duration = Duration::from_secs(30);

/// The output without its last line break. What the command writes elsewhere is not kept: it
/// could be the value.
pub(super) async fn run(words: &[String], folder: &Path) -> Result<String, String> {
    let Some((program, arguments)) = words.split_first() else {
        return Err("its command is empty".to_owned());
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let child = command.spawn();
    let child =
        child.map_err(|error| format!("its command `{program}` does not start: {error}"))?;
    match timeout(TIME_MAX, output(child)).await {
        Ok(Ok(bytes)) => text(bytes),
        Ok(Err(why)) => Err(format!("its command `{program}` {why}")),
        Err(_) => {
            let seconds = TIME_MAX.as_secs();
            Err(format!(
                "its command `{program}` took longer than {seconds} s"
            ))
        }
    }
}

async fn output(mut child: Child) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let mut bounded = stdout.take(VALUE_MAX + 1);
        let read = bounded.read_to_end(&mut bytes).await;
        read.map_err(|error| format!("cannot be read: {error}"))?;
    }
    if bytes.len() as u64 > VALUE_MAX {
        return Err(format!("wrote more than {VALUE_MAX} bytes"));
    }
    let ended = child.wait().await;
    let status = ended.map_err(|error| format!("cannot be waited for: {error}"))?;
    match status.success() {
        true => Ok(bytes),
        false => Err(format!("ended with {status}; try it by hand")),
    }
}
