//! What may be different for one call.

use std::sync::Arc;
use std::time::SystemTime;

use aws_smithy_runtime_api::client::identity::{SharedIdentityCache, SharedIdentityResolver};
use aws_smithy_runtime_api::client::interceptors::{Intercept, SharedInterceptor};

use crate::cancel::CancelToken;
use crate::credentials::{self, Credentials, Keys, ProvideCredentials};
use crate::endpoint::ResolveEndpoint;
use crate::retry::Retry;
use crate::timeouts::Timeouts;
use crate::token::{TokenProvider, Tokens};

/// Settings of one call. What is not set here is as the client has it; the client, its
/// other calls and those that run at the same time see nothing of it. Of a setting that
/// is given twice the last one counts. A value that cannot be used fails the call with
/// [`ErrorKind::Config`](crate::ErrorKind::Config) before anything is sent.
///
/// ```no_run
/// # use longshore_client::{CallOptions, Client};
/// # use model::{operations::StopTask, shapes::StopTaskInput};
/// # async fn example(client: &Client, input: StopTaskInput) -> Result<(), longshore_client::Error> {
/// let options = CallOptions::new().region("eu-west-1").max_attempts(10);
/// client.call_with::<StopTask>(input, &options).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct CallOptions {
    pub(crate) region: Option<String>,
    pub(crate) endpoint_url: Option<String>,
    pub(crate) endpoint_resolver: Option<Arc<dyn ResolveEndpoint>>,
    pub(crate) plain_http: bool,
    pub(crate) signing_name: Option<String>,
    pub(crate) signing_region: Option<String>,
    pub(crate) signer: Option<Signer>,
    pub(crate) retry: Option<Retry>,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) timeouts: Option<Timeouts>,
    pub(crate) deadline: Option<SystemTime>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) app_id: Option<String>,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) validate: Option<bool>,
    pub(crate) cancel: Option<CancelToken>,
    pub(crate) interceptors: Vec<SharedInterceptor>,
}

/// A source of keys with a memory of its own, so that options which are used for many
/// calls ask it no more often than a client would.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    pub(crate) keys: SharedIdentityResolver,
    pub(crate) cache: SharedIdentityCache,
}

impl CallOptions {
    /// Everything as the client has it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The region: where to, unless there is an endpoint of one's own, and signed for.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Where the call goes: `http://127.0.0.1:8327`. A path is kept.
    pub fn endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.endpoint_url = Some(url.into());
        self
    }

    /// Decides where the call goes, instead of the rules of AWS.
    pub fn endpoint_resolver(mut self, resolver: impl ResolveEndpoint + 'static) -> Self {
        self.endpoint_resolver = Some(Arc::new(resolver));
        self
    }

    /// Speaks HTTP without TLS, whatever the endpoint's URL says.
    pub fn plain_http(mut self, plain: bool) -> Self {
        self.plain_http = plain;
        self
    }

    /// The service in the signature's scope, instead of `ecs`.
    pub fn signing_name(mut self, name: impl Into<String>) -> Self {
        self.signing_name = Some(name.into());
        self
    }

    /// The region in the signature's scope, instead of the region of the call.
    pub fn signing_region(mut self, region: impl Into<String>) -> Self {
        self.signing_region = Some(region.into());
        self
    }

    /// The key that signs.
    pub fn credentials(self, credentials: Credentials) -> Self {
        self.credentials_provider(credentials)
    }

    /// A source of keys. What it gives is remembered as long as these options and their
    /// clones live, apart from what the client remembers.
    pub fn credentials_provider(mut self, provider: impl ProvideCredentials + 'static) -> Self {
        self.signer = Some(Signer {
            keys: SharedIdentityResolver::new(Keys(Arc::new(provider))),
            cache: credentials::cache(),
        });
        self
    }

    /// How the call is retried. The quotas stay the client's.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Attempts in all, the first included; every other rule stays. At least 1.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// How long the call may take.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = Some(timeouts);
        self
    }

    /// When the call is over at the latest, attempts and waits included; the service is
    /// told with every repeated attempt. Holds beside the limit of
    /// [`Timeouts::operation`].
    pub fn deadline(mut self, deadline: SystemTime) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// A header to send and sign. Replaces one of the same name, also one of ours.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Names the calling program in the user agent; at most 50 characters.
    pub fn app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(app_id.into());
        self
    }

    /// Who makes the idempotency token.
    pub fn token_provider(mut self, provider: impl TokenProvider + 'static) -> Self {
        self.tokens = Some(Tokens::From(Arc::new(provider)));
        self
    }

    /// Sends no idempotency token that the input does not have. The call is then not
    /// safe to repeat, neither by the caller nor by the retries.
    pub fn without_token(mut self) -> Self {
        self.tokens = Some(Tokens::None);
        self
    }

    /// Whether the input is checked before it is sent.
    pub fn validate(mut self, validate: bool) -> Self {
        self.validate = Some(validate);
        self
    }

    /// Adds a hook; it runs after those of the client.
    pub fn interceptor(mut self, hook: impl Intercept + 'static) -> Self {
        self.interceptors.push(SharedInterceptor::permanent(hook));
        self
    }

    /// Ends the call when the token is canceled.
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }
}
