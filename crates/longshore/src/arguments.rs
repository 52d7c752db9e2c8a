//! The command line. Names are fixed: tests and documents rely on them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

/// Amazon ECS on your own shore: runs task definitions with real containers, speaks the ECS API.
#[derive(Debug, Parser)]
#[command(name = "longshore", version, propagate_version = true)]
pub(crate) struct Arguments {
    /// Where state, images and logs live [default: $XDG_DATA_HOME/longshore, as root /var/lib/longshore]
    #[arg(long, global = true, env = "LONGSHORE_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// TOML file with settings; flags win over it
    #[arg(long, global = true, env = "LONGSHORE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the ECS API in the foreground
    Up(UpArguments),
    /// Print shell exports that make AWS tools use the running server
    Env,
    /// Work with the images of the native driver
    #[command(subcommand)]
    Image(ImageCommand),
    /// Print the effective configuration
    Config(UpArguments),
    /// Say what this machine has for running containers, what is missing, and what mends it
    Doctor {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
        /// Only ask the server of the data directory whether it answers, as a health check
        #[arg(long, conflicts_with = "json")]
        server: bool,
    },
    /// Print the completions of a shell, for `source` or its completions folder
    Completions { shell: clap_complete::Shell },
    /// Write the man pages into a folder
    Man {
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    #[command(flatten)]
    Client(cli::Command),
}

#[derive(Args, Clone, Debug, Default)]
pub(crate) struct UpArguments {
    /// Address and port to listen on [default: 127.0.0.1:8327]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// What runs the containers [default: auto]
    #[arg(long, value_enum)]
    pub(crate) driver: Option<DriverName>,
    /// Whether requests must be signed; `none` only on a loopback address [default: required]
    #[arg(long, value_enum)]
    pub(crate) auth: Option<AuthMode>,
    /// Region in ARNs and credentials [default: us-east-1]
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Account in ARNs, 12 digits [default: 000000000000]
    #[arg(long)]
    pub(crate) account: Option<String>,
    /// How long a read may not show a write yet, for example 2s, to try how callers cope
    /// [default: 0s]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) consistency_delay: Option<Duration>,
    /// TOML file with the values of the secrets and environment files that definitions name
    #[arg(long, value_name = "FILE")]
    pub(crate) secrets: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DriverName {
    /// Native where it can work, else docker
    Auto,
    /// Containers made by Longshore itself; needs root on Linux
    Native,
    /// A Docker engine
    Docker,
    /// Starts nothing; containers behave as their script says
    Scripted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AuthMode {
    Required,
    None,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// Load the images of an OCI or docker-save archive; `-` reads standard input
    Load { file: PathBuf },
    /// Make an image from a folder or tar archive that holds a root file system
    Import(ImportArguments),
    /// List images
    Ls,
    /// Remove an image by name or id
    Rm { image: String },
}

#[derive(Args, Debug)]
pub(crate) struct ImportArguments {
    /// Folder or tar archive; `-` reads an archive from standard input
    pub(crate) source: PathBuf,
    /// The image's name, for example app:1
    #[arg(long)]
    pub(crate) tag: String,
    /// Entry point, a word each time
    #[arg(long, value_name = "WORD")]
    pub(crate) entrypoint: Vec<String>,
    /// Default command, a word each time
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub(crate) cmd: Vec<String>,
    /// Environment variable NAME=value
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,
    #[arg(long, value_name = "DIR")]
    pub(crate) workdir: Option<String>,
    #[arg(long)]
    pub(crate) user: Option<String>,
}
