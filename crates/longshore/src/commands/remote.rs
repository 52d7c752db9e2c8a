//! The client's commands: finds them a server, and ends an embedded one when its
//! own work and every other client's tasks are finished.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use cli::{Command, Connection, Target, Terminal};
use client::{Client, Config as ClientConfig};
use control::record::Task;

use crate::clock::SystemClock;
use crate::config::Config;
use crate::connect::{self, Found};
use crate::data_dir::ServerFile;
use crate::exit;
use crate::guests::ClosedDoor;
use crate::server::Server;

/// The containers are made by a server that this command does not start.
const NOT_OURS: &str = "--secrets is for the engine of this command, but a server runs the tasks: \
                        leave it out, and give that server its file with `longshore up --secrets`";

/// How often an engine that has nothing to do any more looks whether its guests have gone.
const LOOKS_EVERY: Duration = Duration::from_millis(20);

pub(crate) async fn remote(command: Command, mut config: Config, data_dir: PathBuf) -> ExitCode {
    let secrets = command.secrets().map(Path::to_owned);
    if secrets.is_some() && command.target() != Target::Local {
        return exit::failure(NOT_OURS);
    }
    config.secrets = secrets.or(config.secrets);
    match command.target() {
        Target::Local if command.needs_server() => beside(command, &data_dir).await,
        Target::Local => local(command, &config, &data_dir).await,
        Target::Url(_) | Target::Aws => elsewhere(command).await,
    }
}

async fn local(command: Command, config: &Config, data_dir: &Path) -> ExitCode {
    let found = match connect::find_or_start(config, data_dir).await {
        Ok(found) => found,
        Err(error) => return exit::failure(&error.to_string()),
    };
    if command.secrets().is_some() && matches!(found, Found::Running { .. }) {
        return exit::failure(NOT_OURS);
    }
    if let Found::Embedded(server) = &found {
        server
            .warning
            .iter()
            .for_each(|warning| exit::warning(warning));
    }
    let client = match connect::client(found.file()) {
        Ok(client) => client,
        Err(error) => return exit::failure(&error.to_string()),
    };
    let waits = matches!(command, Command::Run(_));
    let own = matches!(found, Found::Embedded(_));
    let code = tokio::select! {
        code = execute(command, client) => code,
        () = connect::gone(found.file()), if !own => return left_alone(found.file()),
    };
    if let Found::Embedded(server) = found {
        let door = tokio::select! {
            door = last_needed(&server, data_dir, waits) => door,
            // Tasks go on, and the next engine takes them up.
            _ = tokio::signal::ctrl_c() => None,
        };
        server.stop().await;
        drop(door);
    }
    ExitCode::from(code)
}

/// The engine of the other process was killed.
fn left_alone(file: &ServerFile) -> ExitCode {
    exit::failure(&format!(
        "process {}, whose engine ran this, has ended; tasks go on and the next command takes \
         them up: see `longshore ps` and `longshore logs --follow TASK`",
        file.pid
    ))
}

/// Waits until the engine has neither tasks nor guests. A command that is not about running
/// tasks does not wait for those that were there before it.
async fn last_needed(server: &Server, data_dir: &Path, waits: bool) -> Option<ClosedDoor> {
    let since = server.file.started_at;
    let idle = |task: &Task| task.is_stopped() || !waits && task.times.created_at < since;
    let mut commits = server.writer.commits();
    let mut pause = tokio::time::interval(LOOKS_EVERY);
    loop {
        // The sender lives as long as the writer, which the server holds.
        let _ = commits
            .wait_for(|state| state.tasks().iter().all(|task| idle(task)))
            .await;
        match ClosedDoor::close(data_dir) {
            // A guest may have left a task.
            Ok(Some(door))
                if server
                    .writer
                    .snapshot()
                    .tasks()
                    .iter()
                    .all(|task| idle(task)) =>
            {
                return Some(door);
            }
            Ok(_) => {}
            // Without the file there are no guests either.
            Err(error) => {
                tracing::warn!(%error, "guests cannot be waited for");
                return None;
            }
        }
        pause.tick().await;
    }
}

/// The server that runs, which this command does not keep from ending.
async fn beside(command: Command, data_dir: &Path) -> ExitCode {
    let client = match connect::running(data_dir).await {
        Ok(file) => connect::client(&file),
        Err(error) => Err(error),
    };
    match client {
        Ok(client) => ExitCode::from(execute(command, client).await),
        Err(error) => exit::failure(&error.to_string()),
    }
}

/// Another server, or AWS, through the environment's region and credentials.
async fn elsewhere(command: Command) -> ExitCode {
    let client = match environment_client(command.target()).await {
        Ok(client) => client,
        Err(sentence) => return exit::failure(&sentence),
    };
    ExitCode::from(execute(command, client).await)
}

async fn execute(command: Command, client: Client) -> u8 {
    let terminal = Terminal::stdio(command.color(), |name| std::env::var(name).ok());
    let connection = Connection {
        client,
        local: command.target() == Target::Local,
        is_aws: command.target() == Target::Aws,
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

async fn environment_client(target: Target) -> Result<Client, String> {
    let builder = ClientConfig::from_env(|name| std::env::var(name).ok());
    let builder = builder
        .map_err(|error| error.to_string())?
        .public_endpoints();
    let builder = match target {
        Target::Url(url) => builder.endpoint_url(url),
        Target::Local | Target::Aws => builder,
    };
    let config = builder.find_region().await.build();
    Ok(Client::new(config.map_err(|error| error.to_string())?))
}
