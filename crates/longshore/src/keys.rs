//! The account's root key: given by the environment, or made at first start and
//! kept in the data directory, readable by its owner only.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data_dir::{self, DataDirError};

/// Permission to do everything on this server.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RootKey {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
}

/// Without the secret.
impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RootKey")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

const FILE: &str = "root-key.json";
const ID_VARIABLE: &str = "LONGSHORE_ROOT_ACCESS_KEY_ID";
const SECRET_VARIABLE: &str = "LONGSHORE_ROOT_SECRET_ACCESS_KEY";

impl RootKey {
    /// From the environment if both variables are set, else from the data directory.
    pub(crate) fn obtain(data_dir: &Path) -> Result<Self, DataDirError> {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (set(ID_VARIABLE), set(SECRET_VARIABLE)) {
            (Some(access_key_id), Some(secret_access_key)) => Ok(Self {
                access_key_id,
                secret_access_key,
            }),
            (None, None) => Self::stored(data_dir),
            _ => Err(DataDirError::HalfKey {
                id: ID_VARIABLE,
                secret: SECRET_VARIABLE,
            }),
        }
    }

    fn stored(data_dir: &Path) -> Result<Self, DataDirError> {
        let path = data_dir.join(FILE);
        if let Some(known) = data_dir::read_json(&path)? {
            return Ok(known);
        }
        let key = Self::fresh()?;
        data_dir::write_private(&path, &key)?;
        Ok(key)
    }

    fn fresh() -> Result<Self, DataDirError> {
        // The alphabets that AWS uses for ids and secrets.
        let id = random_text(16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")?;
        let secret = random_text(
            40,
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        )?;
        Ok(Self {
            access_key_id: format!("AKIA{id}"),
            secret_access_key: secret,
        })
    }
}

/// `alphabet` has a length that divides 256, so no letter is likelier than another.
fn random_text(length: usize, alphabet: &[u8]) -> Result<String, DataDirError> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(|error| DataDirError::Random(error.to_string()))?;
    Ok(bytes
        .iter()
        .map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()]))
        .collect())
}

/// The one key that the API knows until IAM users exist.
pub(crate) struct OneKey {
    id: String,
    key: api::Key,
}

impl OneKey {
    pub(crate) fn new(root: &RootKey, account: &str) -> Self {
        let key = api::Key {
            secret: Arc::from(root.secret_access_key.as_str()),
            principal_arn: Arc::from(control::cx::root_arn(account)),
            account: Arc::from(account),
            session: None,
        };
        Self {
            id: root.access_key_id.clone(),
            key,
        }
    }
}

impl api::Keys for OneKey {
    fn find(&self, access_key_id: &str) -> Option<api::Key> {
        (access_key_id == self.id).then(|| self.key.clone())
    }
}
