//! Where keys come from, as far as somebody has said.

use std::sync::Arc;

use super::ProvideCredentials;
use super::chain::{Chain, Named, Source};
use super::fetch::Means;

/// What a configuration knows of keys.
#[derive(Debug, Clone)]
pub(crate) enum KeySource {
    /// Nobody has said.
    Unknown,
    Given(Arc<dyn ProvideCredentials>),
    /// Somebody has looked, and says why there are none.
    #[cfg(not(feature = "aws-config"))]
    Missing(String),
    /// Some are to be asked when keys are needed.
    Chain(Vec<Named<Source>>),
}

impl KeySource {
    /// The provider, or in one sentence why there is none.
    pub(crate) fn provider(self, means: &Means) -> Result<Arc<dyn ProvideCredentials>, String> {
        match self {
            Self::Unknown => Err("none were given".to_owned()),
            Self::Given(provider) => Ok(provider),
            #[cfg(not(feature = "aws-config"))]
            Self::Missing(why) => Err(why),
            Self::Chain(sources) => Ok(Arc::new(Chain::new(sources, means)?)),
        }
    }
}
