//! A typed client of Amazon ECS that works against AWS and against Longshore.
//!
//! ```no_run
//! use longshore_client::{Client, Config, Credentials};
//! use model::shapes::RunTaskInput;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::builder()
//!     .region("us-east-1")
//!     .endpoint_url("http://127.0.0.1:8327")
//!     .credentials(Credentials::new("AKID", "SECRET"))
//!     .build()?;
//! let client = Client::new(config);
//! let input = RunTaskInput { task_definition: Some("migrate".into()), ..Default::default() };
//! let started = client.run_task(&input).await?;
//! println!("{:?} {:?}", started.tasks, started.metadata().request_id());
//! # Ok(()) }
//! ```
//!
//! # Shape
//!
//! Shapes and facts of operations are the model crate's; this crate adds the way to the
//! service and back:
//!
//! - [`Config`] says where to, as whom and how patiently; [`Config::from_env`] reads
//!   what the other AWS tools read.
//! - [`Client::call`] fills in the idempotency token, checks required members and limits,
//!   writes the input as JSON and hands the bytes to the pipeline. Methods such as
//!   [`Client::run_task`] are that call with the operation filled in;
//!   [`Client::call_with`] takes [`CallOptions`].
//! - Every operation has such a method, and the fluent form [`Client::request`].
//!   [`Client::pages`] lists page by page.
//! - [`Client::start_tasks`] says whether tasks were placed, which the answer of RunTask
//!   does not do by itself: a [`RunTaskOutcome`].
//! - The pipeline is the orchestrator of the Smithy runtime with SigV4, retries and
//!   clock-skew repair from its crates, over hyper and ring. Nothing of it shows in this
//!   interface but what [`extension`] names, so it can be exchanged.
//! - [`Response`] and [`Error`] both carry [`Metadata`]: request id, every attempt,
//!   the token that was used, headers.
//! - [`Client::wait_for`] waits for tasks; [`Client::logs`] reads what they wrote.
//!
//! # Features
//!
//! - `hyper-ring` (default): HTTP through hyper, TLS through rustls with ring.
//! - `blocking` (default): [`blocking::Client`](crate::blocking), for programs without async code.
//!
//! Without `hyper-ring` a program brings its own [`extension::HttpClient`].
//!
//! # The stack
//!
#![doc = include_str!("../STACK.md")]
//!
//! # Secrets
//!
//! Nothing here prints secret keys, session tokens or request bodies: not `Debug`, not
//! errors, not `tracing` events at any level. The runtime's own events print all of
//! them at trace level and are therefore switched off inside a call, unless
//! [`ConfigBuilder::unsafe_wire_trace`] asks for them.

mod addition;
mod backoff;
#[cfg(feature = "blocking")]
pub mod blocking;
mod cancel;
mod classifier;
mod client;
mod clock;
mod config;
mod credentials;
mod endpoint;
mod environment;
mod error;
pub mod extension;
mod failure;
mod fault;
mod generated;
mod intercept;
mod limits;
mod logs;
mod meter;
mod options;
mod pages;
mod per_attempt;
mod pipeline;
mod profile;
mod record;
mod request;
mod required;
mod response;
mod retry;
mod run;
mod service;
mod strategy;
mod timeouts;
mod token;
mod trace;
mod transport;
mod validate;
mod wait;
mod wire;
mod wire_log;

pub use backoff::{Backoff, Jitter, Pauses};
pub use cancel::CancelToken;
pub use client::{CallFuture, Client};
pub use clock::Clock;
pub use config::{Config, ConfigBuilder, ConfigError};
pub use credentials::{Credentials, CredentialsFuture, ProvideCredentials};
pub use endpoint::{EndpointParameters, ResolveEndpoint, ResolvedEndpoint};
pub use error::{Error, ErrorKind, ServiceError, Timeout};
pub use logs::Logs;
pub use meter::{Measurement, Meter};
pub use options::CallOptions;
pub use pages::{Items, Listing, PageError, Pages};
pub use request::Request;
pub use response::{Attempt, Metadata, Response};
pub use retry::{Retry, RetryRules};
pub use run::{
    Constraint, FailureKind, NotPlaced, PlacementPolicy, Resource, RetryHint, RunTaskFailure,
    RunTaskOutcome, StartError,
};
pub use timeouts::Timeouts;
pub use token::{RandomToken, TokenProvider};
pub use wait::{LastPoll, Poll, TaskWait, Verdict, WaitError, WaitFailed, WaitPolicy, judges};
pub use wire_log::WireLog;
