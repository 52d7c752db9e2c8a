//! One small HTTP question to a service that hands out credentials, with retries, over
//! the same HTTP stack as every other call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime::client::dns::TokioDnsResolver;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime::client::retries::classifiers::{
    ModeledAsRetryableClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::dns::SharedDnsResolver;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::{
    HttpRequest, HttpResponse, OrchestratorError, SensitiveOutput,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::retry::{ErrorKind, ProvideErrorKind, RetryConfig};
use aws_smithy_types::timeout::TimeoutConfig;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use crate::endpoint::Endpoint;
use crate::failure;
use crate::fault::beginning;
use crate::transport::Transports;

/// What providers need of the world.
#[derive(Debug, Clone)]
pub(crate) struct Means {
    pub(crate) transports: Arc<Transports>,
    pub(crate) sleep: SharedAsyncSleep,
    pub(crate) time: SharedTimeSource,
    pub(crate) dns: SharedDnsResolver,
}

impl Means {
    /// `http`: the caller's own.
    pub(crate) fn new(clock: &SharedTimeSource, http: Option<&SharedHttpClient>) -> Self {
        Self {
            transports: Arc::new(Transports::new(http.cloned())),
            sleep: SharedAsyncSleep::new(TokioSleep::new()),
            time: clock.clone(),
            dns: SharedDnsResolver::new(TokioDnsResolver::new()),
        }
    }
}

/// How patient the questions to one host are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) attempts: u32,
    pub(crate) connect: Duration,
    pub(crate) read: Duration,
}

/// Upper bound of the first wait between attempts; it doubles. Shorter than that of
/// service calls, because the answer comes from this machine or its host.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// A question. `Debug` hides the headers, which hold tokens.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// An answer that no further attempt would change. `Debug` hides the body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {} ({} bytes)", self.status, self.body.len())
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Silence {
    /// Nobody is there, or it does not speak.
    Unreachable(String),
    /// Something else, in one sentence.
    Failed(String),
}

/// An answer that another attempt may change.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Poor(String);

impl ProvideErrorKind for Poor {
    fn retryable_error_kind(&self) -> Option<ErrorKind> {
        Some(ErrorKind::TransientError)
    }

    fn code(&self) -> Option<&str> {
        None
    }
}

/// Questions to one host.
#[derive(Debug)]
pub(crate) struct Fetch {
    url: String,
    operation: Operation<Question, Answer, Poor>,
}

impl Fetch {
    /// `is_readable` judges the body of a successful answer.
    pub(crate) fn new(
        endpoint: &Endpoint,
        patience: Patience,
        means: &Means,
        is_readable: fn(&str) -> bool,
    ) -> Self {
        let mut settings = Layer::new("fetch");
        settings.store_put(SensitiveOutput);
        settings.store_put(RetryPartition::custom("credentials").build());
        let operation = Operation::builder()
            .service_name("Credentials")
            .operation_name("Fetch")
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(means.transports.to(endpoint))
            .endpoint_url(endpoint.url())
            .no_auth()
            .sleep_impl(means.sleep.clone())
            .time_source(means.time.clone())
            .timeout_config(patience.timeouts())
            .standard_retry(&patience.retries())
            .retry_classifier(ModeledAsRetryableClassifier::<Poor>::new())
            .retry_classifier(TransientErrorClassifier::<Poor>::new())
            .with_connection_poisoning()
            .runtime_plugin(StaticRuntimePlugin::new().with_config(settings.freeze()))
            .serializer(request)
            .deserializer(move |response| answer(response, is_readable))
            .build();
        Self {
            url: endpoint.url().to_owned(),
            operation,
        }
    }

    /// Asks; the runtime's own log is off, because it would print tokens and keys.
    pub(crate) async fn ask(&self, question: Question) -> Result<Answer, Silence> {
        let asking = self.operation.invoke(question);
        let outcome = asking.with_subscriber(NoSubscriber::new()).await;
        outcome.map_err(|error| match error {
            SdkError::ServiceError(poor) => {
                Silence::Failed(format!("{}: {}", self.url, poor.err()))
            }
            SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => {
                Silence::Unreachable(format!("{}: {}", self.url, failure::chain(&error)))
            }
            _ => Silence::Failed(format!("{}: {}", self.url, failure::chain(&error))),
        })
    }
}

impl Patience {
    fn timeouts(self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .read_timeout(self.read)
            // For HTTP clients that do not know the other two.
            .operation_attempt_timeout(self.connect + self.read)
            .build()
    }

    fn retries(self) -> RetryConfig {
        RetryConfig::standard()
            .with_max_attempts(self.attempts)
            .with_initial_backoff(FIRST_WAIT)
    }
}

fn request(question: Question) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_method(question.method)?;
    request.set_uri(question.path)?;
    for (name, value) in question.headers {
        request.headers_mut().try_insert(name, value)?;
    }
    Ok(request)
}

fn answer(
    response: &HttpResponse,
    is_readable: fn(&str) -> bool,
) -> Result<Answer, OrchestratorError<Poor>> {
    let status = response.status().as_u16();
    let bytes = response.body().bytes().unwrap_or_default();
    let body = String::from_utf8_lossy(bytes).into_owned();
    let problem = if status >= 500 {
        format!("status {status}: {}", beginning(bytes))
    } else if status == 200 && !is_readable(&body) {
        "an answer that holds no credentials".to_owned()
    } else {
        return Ok(Answer { status, body });
    };
    Err(OrchestratorError::operation(Poor(problem)))
}
