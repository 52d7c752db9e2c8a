//! One command line against a server, with its output captured.

use std::future::{Future, pending};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser;
use cli::{Command, Connection, Target, Terminal, execute};
use client::{Client, Config, Credentials, Retry};
use model::Timestamp;

use crate::server::Server;

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

/// What a command left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs words of a command line, nobody interrupts.
pub(crate) async fn run(server: &Server, words: &[&str]) -> Done {
    run_until(server, words, "", pending()).await
}

/// Runs words of a command line with a text on stdin.
pub(crate) async fn run_until(
    server: &Server,
    words: &[&str],
    input: &str,
    interrupt: impl Future<Output = ()>,
) -> Done {
    let words = ["longshore"].iter().chain(words);
    let command = Line::try_parse_from(words).unwrap().command;
    let (out, err) = (Buffer::default(), Buffer::default());
    let input = io::Cursor::new(input.to_owned());
    let terminal = Terminal::new(input, out.clone(), err.clone());
    let is_aws = command.target() == Target::Aws;
    let connection = connection(server, is_aws);
    let code = execute(command, connection, terminal, interrupt).await;
    Done {
        code,
        out: out.text(),
        err: err.text(),
    }
}

/// With `--aws` the server plays Amazon ECS.
fn connection(server: &Server, is_aws: bool) -> Connection {
    let config = Config::builder()
        .region("us-east-1")
        .endpoint_url(&server.url)
        .credentials(Credentials::new("AKIDEXAMPLE", "SECRETKEY"))
        .retry(Retry {
            initial_backoff: Duration::from_millis(1),
            ..Retry::default()
        });
    Connection {
        client: Client::new(config.build().unwrap()),
        local: !is_aws,
        is_aws,
        now: Timestamp::from_millis(1_000_000),
    }
}
