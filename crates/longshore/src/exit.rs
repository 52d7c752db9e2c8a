//! What the program itself says on standard error, and how it ends when it cannot do what was
//! asked.

use std::process::ExitCode;

/// The exit code of `run` for a task that could not be run; other commands use it too.
pub(crate) const COULD_NOT_RUN: u8 = 125;

/// One sentence on standard error.
#[expect(clippy::print_stderr, reason = "the program's own last word")]
pub(crate) fn failure(sentence: &str) -> ExitCode {
    eprintln!("longshore: {sentence}");
    ExitCode::from(COULD_NOT_RUN)
}

/// One sentence that stops nothing.
#[expect(clippy::print_stderr, reason = "a word to the person at the terminal")]
pub(crate) fn warning(sentence: &str) {
    eprintln!("warning: {sentence}");
}
