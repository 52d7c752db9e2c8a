//! The client: a handle that is cheap to clone, and one method that calls anything.

use std::borrow::Borrow;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep, TokioSleep};
use model::operations::Operation;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::limits;
use crate::logs::Logs;
use crate::options::CallOptions;
use crate::pipeline::Pipeline;
use crate::response::{Metadata, Response};
use crate::service::{ECS, LOGS};
use crate::token::Tokens;
use crate::transport::Transports;
use crate::validate;

/// What a call returns: boxed, because the pipeline's own future is several KiB.
pub type CallFuture<'a, O> = Pin<Box<dyn Future<Output = Result<Response<O>, Error>> + Send + 'a>>;

/// A typed client of Amazon ECS, for AWS and for any server that speaks its protocol.
/// Clones share connections, clock offset and retry quota.
#[derive(Debug, Clone)]
pub struct Client(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: Config,
    ecs: Pipeline,
    logs: Pipeline,
}

/// What the sending side must know of an operation.
pub(crate) struct Facts {
    pub(crate) name: &'static str,
    /// Wire name of the member that takes the idempotency token.
    pub(crate) token_member: Option<&'static str>,
    /// Where it is posted to, if it is not an operation of an AWS service.
    pub(crate) path: Option<&'static str>,
}

impl Client {
    /// A client for a configuration. Opens no connection yet.
    pub fn new(config: Config) -> Self {
        let transports = Arc::new(Transports::new(config.http_client.clone()));
        let ecs = Pipeline::new(ECS, &config.ecs_endpoint, &config, &transports);
        let logs = Pipeline::new(LOGS, &config.logs_endpoint, &config, &transports);
        Self(Arc::new(Shared { config, ecs, logs }))
    }

    /// What this client was made from.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Calls an operation of ECS. The input is read before this returns and not
    /// changed: an idempotency token that it leaves open goes into the request only, and
    /// is found in the metadata of the result or the error.
    ///
    /// Dropping the future cancels the call; a request that was sent may still be served.
    pub fn call<O: Operation>(&self, input: impl Borrow<O::Input>) -> CallFuture<'_, O::Output> {
        self.call_with::<O>(input, &CallOptions::default())
    }

    /// The same with settings of its own, which nothing but this call sees.
    pub fn call_with<O: Operation>(
        &self,
        input: impl Borrow<O::Input>,
        options: &CallOptions,
    ) -> CallFuture<'_, O::Output> {
        let facts = Facts {
            name: O::NAME,
            token_member: O::IDEMPOTENCY_TOKEN,
            path: None,
        };
        self.send(&self.0.ecs, &facts, input.borrow(), options)
    }

    /// Calls what a Longshore server can do beyond ECS: a signed `POST` of JSON to a path
    /// such as `/_longshore/v1/explain`. Other servers do not know these paths and answer
    /// with an error.
    pub fn call_extension<O>(&self, path: &'static str, input: &impl Serialize) -> CallFuture<'_, O>
    where
        O: DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let facts = Facts {
            name: path,
            token_member: None,
            path: Some(path),
        };
        self.send(&self.0.ecs, &facts, input, &CallOptions::default())
    }

    /// A token for a call that will be told which to use.
    pub(crate) fn fresh_token(
        &self,
        operation: &'static str,
        options: &CallOptions,
    ) -> Result<Option<String>, Error> {
        let tokens = options.tokens.as_ref().unwrap_or(&self.0.config.tokens);
        let failed = |kind| self.failed(operation, kind, Metadata::default());
        tokens.fresh().map_err(failed)
    }

    /// An error of a call of ECS that did not get as far as the pipeline.
    pub(crate) fn failed(
        &self,
        operation: &'static str,
        kind: ErrorKind,
        metadata: Metadata,
    ) -> Error {
        Error::new(kind, self.0.ecs.call(operation, metadata))
    }

    pub(crate) fn sleep(&self, length: Duration) -> Sleep {
        TokioSleep::new().sleep(length)
    }

    /// Reading logs, through the same pipeline.
    pub fn logs(&self) -> Logs<'_> {
        Logs::new(self)
    }

    /// The settings with which a group in another region is read. An endpoint that
    /// somebody wrote down stays what it is: it has the logs of all regions, or of one.
    pub(crate) fn towards_logs(&self, call: &CallOptions, region: Option<&str>) -> CallOptions {
        let Some(region) = region.filter(|region| *region != self.0.config.region) else {
            return call.clone();
        };
        let there = call.clone().region(region);
        let moves = |endpoint: &Endpoint| endpoint.url() != self.0.config.logs_endpoint_url();
        match self.0.config.elsewhere(&LOGS, &there) {
            Ok(Some(endpoint)) if moves(&endpoint) => there,
            _ => call.clone(),
        }
    }

    pub(crate) fn send_logs<O>(
        &self,
        facts: &Facts,
        input: &impl Serialize,
        options: Option<&CallOptions>,
    ) -> CallFuture<'_, O>
    where
        O: DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let defaults = CallOptions::default();
        self.send(&self.0.logs, facts, input, options.unwrap_or(&defaults))
    }

    fn send<'a, O>(
        &'a self,
        pipeline: &'a Pipeline,
        facts: &Facts,
        input: &impl Serialize,
        options: &CallOptions,
    ) -> CallFuture<'a, O>
    where
        O: DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let config = &self.0.config;
        let trace = pipeline.trace(facts.name, config);
        let prepared = trace.initialize(|| self.prepare(facts, input, options));
        let ready = prepared
            .and_then(|prepared| pipeline.ready::<O>(facts, prepared, (config, options), trace));
        match ready {
            Ok(ready) => Box::pin(pipeline.send(ready)),
            Err(kind) => {
                let error = Error::new(kind, pipeline.call(facts.name, Metadata::default()));
                Box::pin(std::future::ready(Err(error)))
            }
        }
    }

    /// Fills in the token, validates, writes the body.
    fn prepare(
        &self,
        facts: &Facts,
        input: &impl Serialize,
        options: &CallOptions,
    ) -> Result<(Vec<u8>, Option<String>), ErrorKind> {
        let request = |error: serde_json::Error| ErrorKind::Request(error.to_string());
        let mut input = serde_json::to_value(input).map_err(request)?;
        let tokens = options.tokens.as_ref().unwrap_or(&self.0.config.tokens);
        let token = match facts.token_member {
            Some(member) => tracing::debug_span!("OperationIdempotencyTokenAutoFill")
                .in_scope(|| fill_token(member, &mut input, tokens))?,
            None => None,
        };
        if options.validate.unwrap_or(self.0.config.validate) {
            let missing = validate::missing(facts.name, &input);
            let broken = limits::broken(facts.name, &input);
            if !missing.is_empty() || !broken.is_empty() {
                return Err(ErrorKind::Validation { missing, broken });
            }
        }
        Ok((serde_json::to_vec(&input).map_err(request)?, token))
    }
}

/// The caller's token (an empty one is one), else a fresh one, put into the input.
fn fill_token(
    member: &str,
    input: &mut Value,
    tokens: &Tokens,
) -> Result<Option<String>, ErrorKind> {
    if let Some(token) = input.get(member).and_then(Value::as_str) {
        return Ok(Some(token.to_owned()));
    }
    let Some(token) = tokens.fresh()? else {
        return Ok(None);
    };
    let object = input.as_object_mut();
    let object = object.ok_or_else(|| ErrorKind::Request("not an object".to_owned()))?;
    object.insert(member.to_owned(), Value::String(token.clone()));
    Ok(Some(token))
}
