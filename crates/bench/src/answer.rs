//! What a program found, as one line of JSON on standard output.

use serde::Serialize;

/// Writes the finding.
#[expect(clippy::print_stdout, reason = "the output of the measuring programs")]
pub fn print(finding: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(finding)?);
    Ok(())
}

/// Writes a text as it is.
#[expect(clippy::print_stdout, reason = "the output of the measuring programs")]
pub fn print_text(text: &str) {
    println!("{text}");
}
