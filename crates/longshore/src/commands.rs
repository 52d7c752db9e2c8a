//! The commands: those of the server and its data directory here, those of a
//! client in crate `cli`.

mod doctor;
mod env;
#[cfg(target_os = "linux")]
mod image;
mod pages;
mod remote;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::arguments::{Arguments, Command, UpArguments};
use crate::config::{Config, ConfigError};
use crate::data_dir;
use crate::exit;

pub(crate) async fn execute(arguments: Arguments) -> ExitCode {
    let data_dir = match data_dir::locate(arguments.data_dir) {
        Ok(data_dir) => data_dir,
        Err(error) => return exit::failure(&error.to_string()),
    };
    let load = |flags: &UpArguments| Config::load(arguments.config.as_deref(), flags);
    match arguments.command {
        Command::Up(flags) => with(load(&flags), |config| up::up(config, data_dir)).await,
        Command::Config(flags) => with(load(&flags), |config| print(config, data_dir)).await,
        Command::Doctor { server: true, .. } => doctor::server(&data_dir).await,
        Command::Doctor { json, .. } => {
            doctor::doctor(load(&UpArguments::default()), &data_dir, json).await
        }
        Command::Completions { shell } => pages::completions(shell),
        Command::Man { folder } => pages::man(&folder),
        Command::Env => env::env(&data_dir).await,
        #[cfg(target_os = "linux")]
        Command::Image(command) => image::image(command, &data_dir),
        #[cfg(not(target_os = "linux"))]
        Command::Image(_) => exit::failure(
            "the image store belongs to the native driver, which needs Linux; use `docker load`, \
             `docker import` and `docker image ls`",
        ),
        Command::Client(command) => {
            let config = load(&UpArguments::default());
            with(config, |config| remote::remote(command, config, data_dir)).await
        }
    }
}

async fn with<F: Future<Output = ExitCode>>(
    config: Result<Config, ConfigError>,
    command: impl FnOnce(Config) -> F,
) -> ExitCode {
    match config {
        Ok(config) => command(config).await,
        Err(error) => exit::failure(&error.to_string()),
    }
}

/// The effective configuration, as a file that could be given with `--config`.
#[expect(clippy::print_stdout, reason = "the command's output")]
async fn print(config: Config, data_dir: PathBuf) -> ExitCode {
    match toml::to_string(&config) {
        Ok(text) => {
            println!("# data directory: {}\n{text}", data_dir.display());
            ExitCode::SUCCESS
        }
        Err(error) => exit::failure(&error.to_string()),
    }
}
