//! The chain: one source of keys after the other.
//!
//! A source that is not configured passes on, any other failure ends the search: keys of
//! another identity would be used without anybody noticing.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::container::{Container, Token};
use super::fetch::Means;
#[cfg(feature = "aws-config")]
use super::full::{Full, Way};
use super::metadata::Metadata;
use super::{Credentials, CredentialsFuture, Miss, ProvideCredentials};
use crate::endpoint::Endpoint;

/// What helps where there are no keys at all.
const HINT: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put keys into a profile";

/// A source by the name that the AWS SDKs give it.
pub(crate) type Named<T> = (&'static str, T);

/// A source as the environment describes it.
#[derive(Clone)]
pub(crate) enum Source {
    /// Looked at already: why it has no keys.
    Passed(String),
    /// A container's endpoint: the whole URL, and the token to show.
    Container(String, Option<Token>),
    /// The instance metadata service.
    Metadata(Endpoint),
    /// A way of `aws-config`, and the region of its services.
    #[cfg(feature = "aws-config")]
    Full(Way, Option<String>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(why) => write!(f, "Passed({why})"),
            Self::Container(url, _) => write!(f, "Container({url})"),
            Self::Metadata(endpoint) => write!(f, "Metadata({endpoint:?})"),
            #[cfg(feature = "aws-config")]
            Self::Full(way, region) => write!(f, "{way:?} in {region:?}"),
        }
    }
}

/// A source that can be asked.
#[derive(Debug)]
enum Link {
    Passed(String),
    Container(Container),
    Metadata(Box<Metadata>),
    #[cfg(feature = "aws-config")]
    Full(Full),
}

impl Link {
    fn new(source: Source, means: &Means) -> Self {
        match source {
            Source::Passed(why) => Self::Passed(why),
            Source::Container(url, token) => {
                Self::Container(Container::new(url, token, means.clone()))
            }
            Source::Metadata(endpoint) => {
                Self::Metadata(Box::new(Metadata::new(&endpoint, means.clone())))
            }
            #[cfg(feature = "aws-config")]
            Source::Full(way, region) => match Full::new(way, region, means) {
                Ok(full) => Self::Full(full),
                Err(why) => Self::Passed(why),
            },
        }
    }

    async fn load(&self) -> Result<Credentials, Miss> {
        match self {
            Self::Passed(why) => Err(Miss::NotConfigured(why.clone())),
            Self::Container(container) => container.load().await,
            Self::Metadata(metadata) => metadata.load().await,
            #[cfg(feature = "aws-config")]
            Self::Full(full) => full.load().await,
        }
    }
}

/// Sources in their order.
#[derive(Debug)]
pub(crate) struct Chain {
    links: Vec<Named<Link>>,
    asking: Mutex<&'static str>,
}

impl Chain {
    /// A chain, or what is wrong with every source if none can be asked at all.
    pub(crate) fn new(sources: Vec<Named<Source>>, means: &Means) -> Result<Self, String> {
        let link = |(name, source)| (name, Link::new(source, means));
        let links: Vec<Named<Link>> = sources.into_iter().map(link).collect();
        let mut passed = Vec::new();
        for (name, link) in &links {
            match link {
                Link::Passed(why) => passed.push((*name, why.clone())),
                _ => {
                    let asking = Mutex::new("the credentials chain");
                    return Ok(Self { links, asking });
                }
            }
        }
        Err(exhausted(&passed))
    }

    async fn load(&self) -> Result<Credentials, String> {
        let mut passed = Vec::new();
        for (name, link) in &self.links {
            *self.asking.lock().unwrap_or_else(PoisonError::into_inner) = name;
            match link.load().await {
                Ok(keys) => return Ok(keys),
                Err(Miss::NotConfigured(why)) => passed.push((*name, why)),
                Err(Miss::Failed(why)) => {
                    passed.push((*name, why));
                    return Err(told(&passed));
                }
            }
        }
        Err(exhausted(&passed))
    }
}

fn exhausted(passed: &[Named<String>]) -> String {
    format!("{}; {HINT}", told(passed))
}

fn told(passed: &[Named<String>]) -> String {
    let told = passed.iter().map(|(name, why)| format!("{name}: {why}"));
    told.collect::<Vec<_>>().join("; ")
}

impl ProvideCredentials for Chain {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(self.load())
    }

    fn name(&self) -> &str {
        *self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
