//! Access keys: where the server finds them, and what it must know of one.

use std::fmt;
use std::sync::Arc;

use model::Timestamp;

/// Where access keys are looked up, on every request. Must be fast and must not block.
pub trait Keys: Send + Sync {
    fn find(&self, access_key_id: &str) -> Option<Key>;
}

/// An access key and whom it speaks for. Cheap to clone.
#[derive(Clone)]
pub struct Key {
    pub secret: Arc<str>,
    /// `arn:aws:iam::ACCT:user/NAME`, `arn:aws:iam::ACCT:root`, or an assumed role's.
    pub principal_arn: Arc<str>,
    /// Twelve digits.
    pub account: Arc<str>,
    /// For temporary credentials: what must come with the signature.
    pub session: Option<Arc<Session>>,
}

/// The second half of temporary credentials.
pub struct Session {
    /// What `X-Amz-Security-Token` must carry.
    pub token: String,
    /// From this moment on the credentials are refused.
    pub expires: Timestamp,
}

/// Without the secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("principal_arn", &self.principal_arn)
            .finish_non_exhaustive()
    }
}

/// Without the token.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
