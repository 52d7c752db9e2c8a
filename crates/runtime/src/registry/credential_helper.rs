//! Credential helpers: programs that know a login, `docker-credential-NAME get` with the
//! registry on standard input and JSON on standard output.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::credentials::Login;

/// A helper may ask a service in the network, and that one may be slow.
const TIME_MAX: Duration = Duration::from_secs(30);

const OUTPUT_MAX: u64 = 64 << 10;

/// What a helper says instead of a login when it has none, on standard output.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The user name that marks the secret as an identity token.
const TOKEN_USER: &str = "<token>";

#[derive(Debug)]
pub(super) enum HelperError {
    /// There is no such program.
    Missing,
    /// In words, without what the helper wrote: it could be a secret.
    Failed(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// The login that a helper has for a registry, if any.
pub(super) async fn ask(
    helper: &str,
    registry: &str,
    path: Option<&OsStr>,
) -> Result<Option<Login>, HelperError> {
    let mut command = Command::new(helper);
    command
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => HelperError::Missing,
        _ => HelperError::Failed(format!("it does not start: {error}")),
    })?;
    let answered = timeout(TIME_MAX, talk(child, registry)).await;
    let late = || HelperError::Failed(format!("it took longer than {} s", TIME_MAX.as_secs()));
    answered.map_err(|_| late())?
}

async fn talk(mut child: Child, registry: &str) -> Result<Option<Login>, HelperError> {
    let failed = |error: std::io::Error| HelperError::Failed(error.to_string());
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read answers all the same, or says why not.
        let _ = input.write_all(registry.as_bytes()).await;
    }
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let mut bounded = stdout.take(OUTPUT_MAX);
        bounded.read_to_end(&mut output).await.map_err(failed)?;
    }
    let status = child.wait().await.map_err(failed)?;
    if status.success() {
        return login(&output).map(Some);
    }
    let said = String::from_utf8_lossy(&output);
    match said.trim() == NOT_FOUND {
        true => Ok(None),
        false => Err(HelperError::Failed(format!("it ended with {status}"))),
    }
}

fn login(output: &[u8]) -> Result<Login, HelperError> {
    let answer: Answer = serde_json::from_slice(output).map_err(|_| {
        HelperError::Failed("its answer is not JSON with Username and Secret".to_owned())
    })?;
    Ok(match answer.username.as_str() {
        TOKEN_USER => Login::IdentityToken(answer.secret),
        _ => Login::Password {
            user: answer.username,
            password: answer.secret,
        },
    })
}
