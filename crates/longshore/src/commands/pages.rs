//! What a shell and `man` want to know of the command line, generated from it.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::exit;

/// Prints the completions of a shell.
pub(crate) fn completions(shell: Shell) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "longshore", &mut text);
    match io::stdout().write_all(&text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::failure(&format!("completions: {error}")),
    }
}

/// Writes a page for each command into a folder: `longshore.1`, `longshore-run.1` and so on.
pub(crate) fn man(folder: &Path) -> ExitCode {
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Arguments::command(), folder));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::failure(&format!(
            "{} cannot be written: {error}; choose another folder",
            folder.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    /// Names of the commands that a user sees.
    fn commands() -> Vec<String> {
        let all = Arguments::command();
        let shown = all.get_subcommands().filter(|one| !one.is_hide_set());
        shown.map(|one| one.get_name().to_owned()).collect()
    }

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(man(folder.path()), ExitCode::SUCCESS);
        for name in commands() {
            let path = folder.path().join(format!("longshore-{name}.1"));
            let page = std::fs::read_to_string(&path).unwrap();
            assert!(page.contains(".SH SYNOPSIS"), "{name}: {page}");
        }
        let run = std::fs::read_to_string(folder.path().join("longshore-run.1")).unwrap();
        assert!(run.contains(r"override\-image"), "{run}");
        let taken = folder.path().join("longshore.1");
        assert_ne!(man(&taken), ExitCode::SUCCESS, "a file is no folder");
    }

    #[test]
    fn every_shell_completes_every_command() {
        for shell in Shell::value_variants() {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "longshore", &mut text);
            let text = String::from_utf8(text).unwrap();
            for name in commands() {
                assert!(text.contains(&name), "{shell}: {name}");
            }
        }
    }
}
