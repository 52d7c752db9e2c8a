//! Stands in for the server's hidden subcommand in this crate's tests.

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    runtime::native::shim::run(std::env::args_os().skip(1))
}

#[cfg(not(target_os = "linux"))]
fn main() {}
