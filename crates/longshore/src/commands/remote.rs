//! The client's commands: finds them a server, and ends an embedded one when its
//! own work and every other client's tasks are finished.

use std::path::PathBuf;
use std::process::ExitCode;

use cli::{Command, Connection, Target, Terminal};
use client::{Client, Config as ClientConfig};
use control::record::Task;

use crate::clock::SystemClock;
use crate::config::Config;
use crate::connect::{self, Found};
use crate::exit;
use crate::server::Server;

pub(crate) async fn remote(command: Command, config: Config, data_dir: PathBuf) -> ExitCode {
    match command.target() {
        Target::Local => local(command, &config, &data_dir).await,
        Target::Url(url) => elsewhere(command, Some(url)).await,
        Target::Aws => elsewhere(command, None).await,
    }
}

async fn local(command: Command, config: &Config, data_dir: &std::path::Path) -> ExitCode {
    let found = match connect::find_or_start(config, data_dir).await {
        Ok(found) => found,
        Err(error) => return exit::failure(&error.to_string()),
    };
    let client = match connect::client(found.file()) {
        Ok(client) => client,
        Err(error) => return exit::failure(&error.to_string()),
    };
    let waits = matches!(command, Command::Run(_));
    let code = execute(command, client, true).await;
    if let Found::Embedded(server) = found {
        if waits {
            until_idle(&server).await;
        }
        server.stop().await;
    }
    ExitCode::from(code)
}

/// Waits until no task is on its way any more.
async fn until_idle(server: &Server) {
    let mut commits = server.writer.commits();
    // The sender lives as long as the writer, which the server holds.
    let _ = commits
        .wait_for(|state| state.tasks().iter().all(|task| Task::is_stopped(task)))
        .await;
}

/// Another server, or AWS, through the environment's region and credentials.
async fn elsewhere(command: Command, url: Option<String>) -> ExitCode {
    let client = match environment_client(url) {
        Ok(client) => client,
        Err(sentence) => return exit::failure(&sentence),
    };
    ExitCode::from(execute(command, client, false).await)
}

async fn execute(command: Command, client: Client, local: bool) -> u8 {
    let terminal = Terminal::stdio(command.color(), |name| std::env::var(name).ok());
    let connection = Connection {
        client,
        local,
        now: SystemClock.now(),
    };
    cli::execute(command, connection, terminal, interrupted()).await
}

/// The first Ctrl-C asks the command to end in good order; the second ends the process.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without the signal nobody can interrupt: wait for ever.
        std::future::pending::<()>().await;
    }
    tokio::spawn(async {
        let _ = tokio::signal::ctrl_c().await;
        std::process::exit(INTERRUPTED);
    });
}

/// 128 + SIGINT, as shells have it.
const INTERRUPTED: i32 = 130;

fn environment_client(url: Option<String>) -> Result<Client, String> {
    let builder = ClientConfig::from_env(|name| std::env::var(name).ok());
    let builder = builder
        .map_err(|error| error.to_string())?
        .public_endpoints();
    let builder = match url {
        Some(url) => builder.endpoint_url(url),
        None => builder,
    };
    Ok(Client::new(
        builder.build().map_err(|error| error.to_string())?,
    ))
}
