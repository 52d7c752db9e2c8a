//! Logins at Amazon ECR with the operator's own keys, remembered as long as they are good.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use client::{Authorization, Reader};
use runtime::Clock;
use runtime::registry::{EcrRegistry, EcrTokens};
use tokio::time::timeout;

/// For one call with all its attempts.
const TIME_MAX: Duration = Duration::from_secs(30);

/// A token is fetched anew this long before it expires: a pull that begins with it has to end
/// with it.
const MARGIN_MS: i64 = 15 * 60 * 1000;

/// Registries whose tokens are remembered.
const REMEMBERED_MAX: usize = 1000;

/// Asked for by several at a time, fetched once.
type Slot = tokio::sync::Mutex<Option<Authorization>>;

/// See the module.
pub(crate) struct Tokens {
    /// The sentence says why nothing can be asked.
    reader: Result<Reader, String>,
    clock: Arc<dyn Clock>,
    remembered: Mutex<BTreeMap<EcrRegistry, Arc<Slot>>>,
}

impl Tokens {
    pub(super) fn new(reader: Result<Reader, String>, clock: Arc<dyn Clock>) -> Self {
        Self {
            reader,
            clock,
            remembered: Mutex::default(),
        }
    }

    fn slot(&self, registry: &EcrRegistry) -> Arc<Slot> {
        let remembered = self.remembered.lock();
        let mut remembered = remembered.unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_MAX && !remembered.contains_key(registry) {
            remembered.clear();
        }
        Arc::clone(remembered.entry(registry.clone()).or_default())
    }

    fn is_good(&self, known: &Authorization) -> bool {
        known.expires_at.millis_since(self.clock.now()) > MARGIN_MS
    }

    async fn fetch(&self, registry: &EcrRegistry) -> Result<Authorization, String> {
        let reader = self.reader.as_ref().map_err(String::clone)?;
        let asking = reader.authorization(&registry.region, &registry.account);
        match timeout(TIME_MAX, asking).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {} s", TIME_MAX.as_secs())),
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens of Amazon ECR")
    }
}

#[async_trait]
impl EcrTokens for Tokens {
    async fn token(&self, registry: &EcrRegistry) -> Result<String, String> {
        let slot = self.slot(registry);
        let mut known = slot.lock().await;
        let good = known.take().filter(|known| self.is_good(known));
        let token = match good {
            Some(good) => good,
            None => self.fetch(registry).await?,
        };
        let text = token.token.clone().into_string();
        *known = Some(token);
        Ok(text)
    }
}
