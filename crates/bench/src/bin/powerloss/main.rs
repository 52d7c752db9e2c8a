//! `cargo xtask powerloss`: what was answered survives the end of the whole machine, and a control
//! that does not sync loses it. User Mode Linux exists on Linux only.

#[cfg(target_os = "linux")]
mod run;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<std::process::ExitCode> {
    run::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> anyhow::Result<()> {
    anyhow::bail!("this needs User Mode Linux, which runs on Linux only")
}
