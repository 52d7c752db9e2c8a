//! Idempotency tokens: what makes it safe to send `RunTask` twice.

use std::fmt;
use std::sync::Arc;

use crate::error::ErrorKind;

/// Gives the token of a call whose input left it open. One token is used for all
/// attempts of that call.
pub trait TokenProvider: fmt::Debug + Send + Sync {
    /// A fresh token. ECS takes 1 to 64 characters. An error fails the call before
    /// anything is sent.
    fn token(&self) -> Result<String, String>;
}

/// A UUID of version 4 from the randomness of the operating system: the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomToken;

impl TokenProvider for RandomToken {
    #[expect(
        clippy::disallowed_methods,
        reason = "the provider is the seam; this is its real side"
    )]
    fn token(&self) -> Result<String, String> {
        Ok(uuid::Uuid::new_v4().to_string())
    }
}

/// Who fills in the tokens that inputs leave open.
#[derive(Debug, Clone)]
pub(crate) enum Tokens {
    /// Nobody.
    None,
    From(Arc<dyn TokenProvider>),
}

impl Tokens {
    pub(crate) fn fresh(&self) -> Result<Option<String>, ErrorKind> {
        match self {
            Self::None => Ok(None),
            Self::From(provider) => provider.token().map(Some).map_err(ErrorKind::Token),
        }
    }
}
