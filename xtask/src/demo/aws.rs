//! The AWS CLI, set up by nothing but what `longshore env` prints.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::Workplace;
use crate::{say, shell};

pub(super) struct Aws {
    program: PathBuf,
    variables: Vec<(String, String)>,
}

impl Aws {
    pub(super) fn new(workplace: &Workplace, venv: &Path) -> anyhow::Result<Self> {
        let done = workplace.command()?.arg("env").output()?;
        anyhow::ensure!(done.status.success(), "longshore env failed");
        let variables = exports(&String::from_utf8(done.stdout)?);
        anyhow::ensure!(!variables.is_empty(), "longshore env printed nothing");
        Ok(Self {
            program: venv.join("bin/aws"),
            variables,
        })
    }

    /// Runs a command; what it prints goes to the terminal.
    pub(super) fn show(&self, words: &[&str]) -> anyhow::Result<()> {
        shell::check(&mut self.command(words))
    }

    /// Runs a command and returns what it prints.
    pub(super) fn answer(&self, words: &[&str]) -> anyhow::Result<String> {
        let done = self.command(words).output().context("cannot start aws")?;
        let problem = String::from_utf8_lossy(&done.stderr);
        anyhow::ensure!(done.status.success(), "aws {}: {problem}", words.join(" "));
        Ok(String::from_utf8(done.stdout)?.trim().to_owned())
    }

    fn command(&self, words: &[&str]) -> Command {
        say(&format!("$ aws {}", words.join(" ")));
        let mut command = shell::command(&self.program);
        command.args(words).args(["--output", "text"]);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN");
        command
            .env("AWS_PAGER", "")
            .env("AWS_CONFIG_FILE", "/dev/null");
        command
    }
}

/// Names and values of lines like `export NAME='value'`.
fn exports(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| {
            let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
            let value = value
                .strip_prefix('\'')
                .and_then(|value| value.strip_suffix('\''))
                .unwrap_or(value);
            Some((name.to_owned(), value.replace(r"'\''", "'")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_read_as_a_shell_reads_them() {
        let text = "export A='http://x:1'\nexport B=plain\nunset C D\nexport E='it'\\''s'\n";
        let expected = [("A", "http://x:1"), ("B", "plain"), ("E", "it's")];
        let read = exports(text);
        assert!(
            read.iter()
                .map(|(a, b)| (a.as_str(), b.as_str()))
                .eq(expected),
            "{read:?}"
        );
    }
}
