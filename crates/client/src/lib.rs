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
//! - [`Client::wait_for`] waits for tasks, [`Client::wait_until`] for anything an answer
//!   shows; [`Client::logs`] reads what containers wrote.
//! - [`Client::run_to_completion`] is all of that in one: a [`Run`], a stream of
//!   [events](RunEvent) with a [`Completion`] at its end.
//!
//! # Where the settings come from
//!
//! [`Config::from_env`] reads what follows; the first that says something counts, and
//! what is given in code goes before all of it.
//!
//! | Setting | Variable | Key of the profile | Otherwise |
//! |---|---|---|---|
//! | region | `AWS_REGION`, `AWS_DEFAULT_REGION` | `region` | [instance metadata](ConfigBuilder::find_region) |
//! | endpoint of ECS | `AWS_ENDPOINT_URL_ECS` | in its `services`: `ecs` / `endpoint_url` | the next row |
//! | endpoint of CloudWatch Logs | `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS` | in its `services`: `cloudwatch_logs` / `endpoint_url` | the next row, then that of ECS |
//! | endpoint of both | `AWS_ENDPOINT_URL` | `endpoint_url` | the rules of AWS |
//! | the four above are silenced | `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` | `ignore_configured_endpoint_urls` | no |
//! | FIPS | `AWS_USE_FIPS_ENDPOINT` | `use_fips_endpoint` | no |
//! | dual-stack | `AWS_USE_DUALSTACK_ENDPOINT` | `use_dualstack_endpoint` | no |
//! | profile | `AWS_PROFILE` | | `default` |
//! | files | `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE` | | `~/.aws/config`, `~/.aws/credentials` |
//! | attempts | `AWS_MAX_ATTEMPTS` | `max_attempts` | 3 |
//! | retries | `AWS_RETRY_MODE` | `retry_mode` | `standard` |
//! | rules of retries | `AWS_NEW_RETRIES_2026` | `new_retries_2026` | [`RetryRules::Classic`] |
//! | no repair of the clock | `AWS_DISABLE_CLOCK_SKEW_CORRECTION` | `disable_clock_skew_correction` | repaired |
//! | program's name | `AWS_SDK_UA_APP_ID` | `sdk_ua_app_id` | none |
//!
//! Keys are looked for in this order. A source that is not set up passes on, one that
//! fails ends the search; the error lists all that were asked.
//!
//! 1. `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`
//! 2. the profile's `aws_access_key_id`, `aws_secret_access_key`, `aws_session_token`
//! 3. the container: `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `…_FULL_URI`, with
//!    `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` or `AWS_CONTAINER_AUTHORIZATION_TOKEN`
//! 4. instance metadata (version 2): `AWS_EC2_METADATA_DISABLED`,
//!    `AWS_EC2_METADATA_SERVICE_ENDPOINT`, `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`
//!
//! # Features
//!
//! - `aws-config`: keys of profiles that assume a role or run a process, and web identity
//!   (`AWS_WEB_IDENTITY_TOKEN_FILE`), by the crate of that name, over this client's HTTP.
//!   SSO needs that crate's own feature `sso` besides, `login_session` its `credentials-login`.
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
mod follow;
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
mod reader;
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
pub use follow::{
    Completion, ContainerResult, Ending, ExitPolicy, INTERRUPTED, LogLine, LogPace, LogReader,
    LogRound, LogStream, NOT_RUN, Run, RunError, RunEvent, RunOptions, TIMED_OUT, TaskResult,
    ran_out_of_memory,
};
pub use logs::Logs;
pub use meter::{Measurement, Meter};
pub use model::{operations, shapes};
pub use options::CallOptions;
pub use pages::{Items, Listing, PageError, Pages};
pub use reader::{Authorization, Place, Places, ReadError, Reader, SecretInput, Value};
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
