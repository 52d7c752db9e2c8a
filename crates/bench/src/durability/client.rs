//! A client that survives its server: it knows an answer from a broken connection.

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::told::Tasks;
use crate::clock;
use crate::connection::Connection;
use crate::signing::Caller;

/// What every task is made from.
const FAMILY: &str = "crash";

/// Tasks that the calls of one token ask for: a set that could be kept in part.
pub(super) const COUNT: usize = 3;

/// A connection to a server that is there.
pub struct Client<'a> {
    caller: &'a Caller,
    connection: Connection,
}

/// How a call of RunTask ended that was answered.
#[derive(Debug)]
pub enum Reply {
    Started(Tasks),
    /// Nothing was started: an error, or an answer with failures only.
    Refused(String),
}

#[derive(Deserialize)]
struct Started {
    tasks: Vec<Task>,
    failures: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    task_arn: String,
}

/// The task's id, the last part of its ARN.
pub(super) fn id(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

/// The input of RunTask, with the token also as `startedBy`, so that it can be seen on each task.
/// A token holds letters, digits, hyphens and underscores here.
pub fn input(token: &str, count: usize) -> Value {
    json!({ "taskDefinition": FAMILY, "count": count, "clientToken": token, "startedBy": token })
}

impl<'a> Client<'a> {
    pub async fn open(caller: &'a Caller) -> anyhow::Result<Self> {
        let connection = Connection::open(caller.authority()?).await?;
        Ok(Self { caller, connection })
    }

    /// A call that must succeed.
    pub async fn ask<T: DeserializeOwned>(
        &mut self,
        operation: &str,
        body: &str,
    ) -> anyhow::Result<T> {
        let request = self.caller.request(operation, body, clock::date())?;
        let answer = self.connection.exchange(&request).await?;
        let text = String::from_utf8_lossy(answer.body);
        anyhow::ensure!(answer.status == 200, "{operation}: {text}");
        serde_json::from_slice(answer.body).context(operation.to_owned())
    }

    /// Registers what tasks are made from: one container that runs until it is stopped.
    pub async fn register(&mut self) -> anyhow::Result<()> {
        let app = json!({ "name": "app", "image": "app:1", "cpu": 1, "memory": 8 });
        let body = json!({ "family": FAMILY, "containerDefinitions": [app] }).to_string();
        let _: Value = self.ask("RegisterTaskDefinition", &body).await?;
        Ok(())
    }

    /// A call of RunTask to a server that is there.
    pub async fn run_task(&mut self, input: &Value) -> anyhow::Result<Reply> {
        let request = sign(self.caller, input)?;
        let reply = exchange(&mut self.connection, &request).await?;
        reply.context("the server is gone")
    }
}

/// RunTask as bytes.
pub(super) fn sign(caller: &Caller, input: &Value) -> anyhow::Result<Vec<u8>> {
    caller.request("RunTask", &input.to_string(), clock::date())
}

/// Sends RunTask. `None` if the connection broke before the whole answer was there.
pub(super) async fn exchange(
    connection: &mut Connection,
    request: &[u8],
) -> anyhow::Result<Option<Reply>> {
    let Ok(answer) = connection.exchange(request).await else {
        return Ok(None);
    };
    let text = || String::from_utf8_lossy(answer.body).into_owned();
    if answer.status != 200 {
        return Ok(Some(Reply::Refused(text())));
    }
    let started: Started = serde_json::from_slice(answer.body).with_context(text)?;
    if started.tasks.is_empty() {
        return Ok(Some(Reply::Refused(text())));
    }
    let failures = &started.failures;
    anyhow::ensure!(failures.is_empty(), "some were not placed: {failures:?}");
    let ids = started.tasks.iter().map(|task| id(&task.task_arn));
    Ok(Some(Reply::Started(ids.collect())))
}
