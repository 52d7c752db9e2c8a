//! The binary: hands its words to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    longshore::main()
}
