//! What the HTTP server hands its calls to: reads run on the last snapshot,
//! writes go through the writer, the logs API reads the log store.

use std::sync::Arc;
use std::time::Duration;

use api::{
    ApiError, CONSISTENCY_DELAY, ExtensionReply, ExtensionRequest, Gateway, Method, Request,
    Service,
};
use async_trait::async_trait;
use bytes::Bytes;
use control::operation::{self, Answer, Prepared};
use control::{Caller, OpError, ReadCx, Settings, extension};
use logs::LogsError;
use model::errors::ErrorCode;
use runtime::Clock;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::ServerClock;
use crate::faults::Faults;
use crate::history::History;
use crate::metrics;
use crate::writer::Writer;

pub(crate) struct ServerGateway {
    pub(crate) writer: Writer,
    pub(crate) settings: Arc<Settings>,
    pub(crate) logs: logs::Store,
    pub(crate) clock: ServerClock,
    pub(crate) history: History,
    pub(crate) faults: Arc<Faults>,
}

/// Answers the state in numbers.
const METRICS: &str = "/metrics";

/// The part of CloudWatch Logs that is served.
pub(crate) const LOGS_OPERATIONS: [&str; 5] = [
    "CreateLogGroup",
    "DescribeLogGroups",
    "DescribeLogStreams",
    "FilterLogEvents",
    "GetLogEvents",
];

#[async_trait]
impl Gateway for ServerGateway {
    fn knows(&self, service: Service, operation: &str) -> bool {
        match service {
            Service::Ecs => operation::find(operation).is_some(),
            Service::Logs => LOGS_OPERATIONS.contains(&operation),
        }
    }

    fn fault(&self, request: &Request) -> Option<api::Fault> {
        self.faults.for_call(&request.operation, &request.caller)
    }

    async fn call(&self, request: Request) -> Result<Bytes, ApiError> {
        match request.service {
            Service::Ecs => self.ecs(request).await,
            Service::Logs => self.logs(request).await,
        }
    }

    async fn extension(
        &self,
        request: ExtensionRequest,
    ) -> Option<Result<ExtensionReply, ApiError>> {
        if (&request.method, request.path.as_str()) == (&Method::GET, METRICS) {
            return Some(self.metrics());
        }
        let (&Method::POST, Some(caller)) = (&request.method, request.caller) else {
            return None;
        };
        let faults = self.faults.extension(&request.path, &caller, &request.body);
        if let Some(answer) = faults {
            return Some(answer.map(ExtensionReply::json));
        }
        let prepared = extension::prepare(&request.path, &request.body)?;
        let answer = self.run(caller, Some(Duration::ZERO), prepared).await;
        Some(answer.map(ExtensionReply::json))
    }
}

impl ServerGateway {
    fn metrics(&self) -> Result<ExtensionReply, ApiError> {
        let text = metrics::text(&self.writer.snapshot());
        let text = text.map_err(|error| ApiError::internal(format!("metrics: {error}")))?;
        Ok(ExtensionReply {
            content_type: metrics::CONTENT_TYPE,
            body: Bytes::from(text),
        })
    }

    async fn ecs(&self, request: Request) -> Result<Bytes, ApiError> {
        let entry = operation::find(&request.operation)
            .ok_or_else(|| ApiError::internal(format!("unknown {}", request.operation)))?;
        let delay = self.checked(request.consistency_delay)?;
        let (operation, caller) = (&*request.operation, request.caller);
        let prepared = entry.prepare(&request.body);
        let prepared = prepared.map(|call| self.faults.arm(operation, &caller, call));
        let answer = self.run(caller.clone(), delay, prepared).await?;
        self.faults.amend(operation, &caller, answer)
    }

    fn checked(&self, delay: Option<Duration>) -> Result<Option<Duration>, ApiError> {
        let most = self.history.delay_max();
        if delay.is_none_or(|delay| delay <= most) {
            return Ok(delay);
        }
        let most = humantime::format_duration(most);
        let message = format!("{CONSISTENCY_DELAY} must be at most {most} on this server.");
        Err(ApiError::new(ErrorCode::InvalidParameterException, message))
    }

    /// A read runs here and now, a write goes to the writer.
    async fn run(
        &self,
        caller: api::Caller,
        delay: Option<Duration>,
        prepared: Result<Prepared, OpError>,
    ) -> Result<Bytes, ApiError> {
        let caller = Caller {
            principal_arn: caller.principal_arn.to_string(),
        };
        let answer = match prepared.map_err(api_error)? {
            Prepared::Read(call) => self.read(&caller, delay, call),
            Prepared::Write(call) => self.writer.run(Arc::new(caller), call).await,
        };
        let json = answer
            .and_then(|answer| answer.to_json())
            .map_err(api_error)?;
        Ok(Bytes::from(json))
    }

    fn read(
        &self,
        caller: &Caller,
        delay: Option<Duration>,
        call: control::operation::ReadCall,
    ) -> Result<Answer, OpError> {
        let delayed = self.history.seen_by(delay);
        let state = delayed.unwrap_or_else(|| self.writer.snapshot());
        let settings = &self.settings;
        call(&ReadCx {
            state: &state,
            caller,
            now: self.clock.now(),
            settings,
        })
    }

    /// The log store reads files, so it works on a thread that may block.
    async fn logs(&self, request: Request) -> Result<Bytes, ApiError> {
        let store = self.logs.clone();
        let task = move || logs_call(&store, &request.operation, &request.body);
        let joined = tokio::task::spawn_blocking(task).await;
        joined.map_err(|error| ApiError::internal(format!("log store: {error}")))?
    }
}

fn logs_call(store: &logs::Store, operation: &str, body: &[u8]) -> Result<Bytes, ApiError> {
    match operation {
        "CreateLogGroup" => answer(body, |input| {
            store
                .create_log_group(input)
                .map(|()| serde_json::Map::<_, serde_json::Value>::new())
        }),
        "DescribeLogGroups" => answer(body, |input| store.describe_log_groups(input)),
        "DescribeLogStreams" => answer(body, |input| store.describe_log_streams(input)),
        "FilterLogEvents" => answer(body, |input| store.filter_log_events(input)),
        "GetLogEvents" => answer(body, |input| store.get_log_events(input)),
        other => Err(ApiError::internal(format!(
            "unknown logs operation {other}"
        ))),
    }
}

fn answer<I: DeserializeOwned, O: Serialize>(
    body: &[u8],
    call: impl FnOnce(&I) -> Result<O, LogsError>,
) -> Result<Bytes, ApiError> {
    let input = serde_json::from_slice(body)
        .map_err(|error| ApiError::new(ErrorCode::SerializationException, error.to_string()))?;
    let output = call(&input).map_err(logs_error)?;
    let json =
        serde_json::to_vec(&output).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(Bytes::from(json))
}

fn logs_error(error: LogsError) -> ApiError {
    let status = if matches!(error, LogsError::Io { .. }) {
        503
    } else {
        400
    };
    ApiError::named(error.code(), status, error.to_string())
}

fn api_error(error: OpError) -> ApiError {
    ApiError {
        resource_ids: error.resource_ids,
        detail: error.detail,
        ..ApiError::new(error.code, error.message)
    }
}
