//! `longshore env`: shell exports for the running server.

use std::path::Path;
use std::process::ExitCode;

use crate::connect;
use crate::data_dir::ServerFile;
use crate::exit;

#[expect(clippy::print_stdout, reason = "the command's output")]
pub(crate) async fn env(data_dir: &Path) -> ExitCode {
    match connect::running(data_dir).await {
        Ok(file) => {
            print!("{}", exports(&file));
            ExitCode::SUCCESS
        }
        Err(error) => exit::failure(&error.to_string()),
    }
}

fn exports(file: &ServerFile) -> String {
    let variables = [
        ("AWS_ENDPOINT_URL_ECS", &file.url),
        ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", &file.url),
        ("AWS_REGION", &file.region),
        ("AWS_DEFAULT_REGION", &file.region),
        ("AWS_ACCESS_KEY_ID", &file.key.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &file.key.secret_access_key),
    ];
    let export = |(name, value): &(&str, &String)| format!("export {name}={}\n", quoted(value));
    let exports: String = variables.iter().map(export).collect();
    format!("{exports}unset AWS_PROFILE AWS_SESSION_TOKEN\n")
}

/// In single quotes, for every POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_their_quotes() {
        assert_eq!(quoted("a'b; rm"), r"'a'\''b; rm'");
    }
}
