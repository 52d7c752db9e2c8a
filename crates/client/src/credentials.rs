//! Who signs: access keys and where they come from.

mod chain;
mod container;
mod document;
mod fetch;
#[cfg(feature = "aws-config")]
mod full;
mod metadata;
mod source;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_smithy_async::future::timeout::Timeout;
use aws_smithy_async::rt::sleep::AsyncSleep as _;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime_api::client::identity::{
    Identity, IdentityFuture, ResolveIdentity, SharedIdentityCache,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

pub(crate) use chain::{Named, Source};
pub(crate) use container::{ECS_HOST, FULL_URI, RELATIVE_URI, Token};
pub(crate) use fetch::Means;
#[cfg(feature = "aws-config")]
pub(crate) use full::Way;
pub(crate) use metadata::{IPV4, IPV6, Metadata};
pub(crate) use source::KeySource;

/// An access key. `Debug` shows the id and hides the rest.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expires_at: Option<SystemTime>,
}

impl Credentials {
    /// A long-lived key.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: None,
            expires_at: None,
        }
    }

    /// Adds the token that makes the key a temporary one.
    #[must_use]
    pub fn with_session_token(mut self, token: impl Into<String>) -> Self {
        self.session_token = Some(token.into());
        self
    }

    /// Says until when the key works; shortly before, the provider is asked again.
    #[must_use]
    pub fn with_expiry(mut self, expires_at: SystemTime) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// The public half.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &"** redacted **")
            .field(
                "session_token",
                &self.session_token.as_ref().map(|_| "** redacted **"),
            )
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// What [`ProvideCredentials::credentials`] returns.
pub type CredentialsFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Credentials, String>> + Send + 'a>>;

/// A source of credentials. It is asked at the first call and again when what it gave
/// has expired (without an expiry: after 15 minutes); concurrent calls wait for one answer.
pub trait ProvideCredentials: fmt::Debug + Send + Sync {
    /// Current credentials, or in one sentence why there are none.
    fn credentials(&self) -> CredentialsFuture<'_>;

    /// What is being asked, for the error that it takes too long.
    fn name(&self) -> &str {
        "the credentials provider"
    }
}

impl ProvideCredentials for Credentials {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(std::future::ready(Ok(self.clone())))
    }
}

/// The pipeline's view of a provider.
#[derive(Debug, Clone)]
pub(crate) struct Keys(pub(crate) Arc<dyn ProvideCredentials>);

/// Marks a failure of a provider, so that it can be told from other failures of a call.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoCredentials(String);

/// Why one source of the chain has no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Miss {
    /// It is not set up here; the next one is asked.
    #[error("{0}")]
    NotConfigured(String),
    /// It is, and failed.
    #[error("{0}")]
    Failed(String),
}

/// How long a provider may take, in the settings of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoadLimit(pub(crate) Option<Duration>);

impl Storable for LoadLimit {
    type Storer = StoreReplace<Self>;
}

/// A memory of keys: asks again shortly before they expire, once for all calls that
/// wait. It has no time limit of its own that would come before [`LoadLimit`], which
/// knows who was asked.
pub(crate) fn cache() -> SharedIdentityCache {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    IdentityCache::lazy().load_timeout(DAY).build()
}

impl Keys {
    async fn within(&self, limit: Option<Duration>, clock: &RuntimeComponents) -> Loaded {
        let (Some(limit), Some(sleep)) = (limit, clock.sleep_impl()) else {
            return self.0.credentials().await;
        };
        let loading = Timeout::new(self.0.credentials(), sleep.sleep(limit));
        loading.await.unwrap_or_else(|_| {
            Err(format!(
                "{} gave none within {} s: see why it is slow, or raise \
                 `Timeouts::credentials`",
                self.0.name(),
                limit.as_secs_f64()
            ))
        })
    }
}

type Loaded = Result<Credentials, String>;

impl ResolveIdentity for Keys {
    fn resolve_identity<'a>(
        &'a self,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        IdentityFuture::new(async move {
            let limit = config.load::<LoadLimit>().and_then(|limit| limit.0);
            let loaded = self.within(limit, components).await;
            let keys = loaded.map_err(NoCredentials)?;
            let now = components.time_source().map(|time| time.now());
            let expires_at = keys.expires_at;
            if let (Some(end), Some(now)) = (expires_at, now)
                && end <= now
            {
                let name = self.0.name();
                let why = format!("{name} gave a key that has expired: renew it");
                return Err(NoCredentials(why).into());
            }
            Ok(Identity::new(into_aws(keys), expires_at))
        })
    }
}

fn into_aws(keys: Credentials) -> aws_credential_types::Credentials {
    aws_credential_types::Credentials::new(
        keys.access_key_id,
        keys.secret_access_key,
        keys.session_token,
        keys.expires_at,
        "longshore-client",
    )
}
