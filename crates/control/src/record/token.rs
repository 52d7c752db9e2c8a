//! A `clientToken` that has started tasks: the memory that makes RunTask idempotent.

use std::sync::Arc;

use model::{TaskId, Timestamp};
use serde::{Deserialize, Serialize};
use store::Record;

/// Scoped to one cluster; case-sensitive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TokenKey {
    pub cluster: Arc<str>,
    pub token: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub id: TokenKey,
    /// SHA-256 of the request without the token, its cluster normalised.
    #[serde(with = "hex::serde")]
    pub fingerprint: [u8; 32],
    pub tasks: Vec<TaskId>,
    pub created_at: Timestamp,
}

impl Record for Token {
    type Key = TokenKey;
    const TABLE: &'static str = "client_token";

    fn key(&self) -> TokenKey {
        self.id.clone()
    }

    fn key_text(key: &TokenKey) -> String {
        // A cluster name has no blank, so the pair is unambiguous.
        format!("{} {}", key.cluster, key.token)
    }
}
