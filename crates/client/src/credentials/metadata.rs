//! The instance metadata service (version 2): keys of the instance's role, and its region.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tracing::dispatcher::{self, Dispatch};

use super::document::Document;
use super::fetch::{Answer, Fetch, Means, Patience, Question, Silence};
use super::{Credentials, Miss};
use crate::endpoint::Endpoint;

/// Where the service is unless somebody says otherwise.
pub(crate) const IPV4: &str = "http://169.254.169.254";
/// The same with `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6`.
pub(crate) const IPV6: &str = "http://[fd00:ec2::254]";

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const REGION: &str = "/latest/meta-data/placement/region";

/// How long a session token is asked for.
const TOKEN_SECONDS: u64 = 21_600;
/// A token is renewed so long before its end.
const TOKEN_MARGIN: Duration = Duration::from_secs(120);

/// Keys that the service cannot renew are used on for so long, then asked for again.
const EXTENSION: Duration = Duration::from_secs(600);

const PATIENCE: Patience = Patience {
    attempts: 4,
    connect: Duration::from_secs(1),
    read: Duration::from_secs(1),
};

/// The service, with its session token and the keys that it gave last.
#[derive(Debug)]
pub(crate) struct Metadata {
    fetch: Fetch,
    means: Means,
    state: Mutex<State>,
    /// The log of whoever set the client up: inside a call there is none.
    log: Dispatch,
}

#[derive(Default)]
struct State {
    token: Option<(String, SystemTime)>,
    last: Option<Credentials>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

impl Metadata {
    pub(crate) fn new(endpoint: &Endpoint, means: Means) -> Self {
        Self {
            fetch: Fetch::new(endpoint, PATIENCE, &means, |_| true),
            means,
            state: Mutex::default(),
            log: dispatcher::get_default(Dispatch::clone),
        }
    }

    /// Keys of the instance's role. When the service cannot renew keys that it gave
    /// before, those are used on: the services often still take them.
    pub(crate) async fn load(&self) -> Result<Credentials, Miss> {
        let loaded = self.renewed().await;
        let now = self.means.time.now();
        let keys = match loaded {
            Ok(keys) => keys,
            Err(miss) => match self.with(|state| state.last.clone()) {
                Some(keys) => {
                    self.warn(&miss);
                    extended(keys, now)
                }
                None => return Err(miss),
            },
        };
        let keys = match keys.expires_at {
            Some(end) if end <= now => extended(keys, now),
            _ => keys,
        };
        self.with(|state| state.last = Some(keys.clone()));
        Ok(keys)
    }

    fn warn(&self, miss: &Miss) {
        dispatcher::with_default(&self.log, || {
            tracing::warn!(%miss, "the instance's keys cannot be renewed: used on");
        });
    }

    /// The instance's region.
    pub(crate) async fn region(&self) -> Result<String, Miss> {
        let answer = self.get(REGION).await?;
        match answer.status {
            200 if !answer.body.trim().is_empty() => Ok(answer.body.trim().to_owned()),
            status => Err(Miss::Failed(format!("{REGION}: status {status}"))),
        }
    }

    async fn renewed(&self) -> Result<Credentials, Miss> {
        let roles = self.get(ROLES).await?;
        let role = match roles.status {
            200 => roles.body.lines().next().unwrap_or_default().trim(),
            404 => "",
            status => return Err(Miss::Failed(format!("{ROLES}: status {status}"))),
        };
        if role.is_empty() {
            return Err(Miss::NotConfigured("the instance has no role".to_owned()));
        }
        let answer = self.get(&format!("{ROLES}{role}")).await?;
        let document = Document::read(&answer.body);
        let refusal = document.as_ref().and_then(Document::refusal);
        let keys = document.and_then(|document| document.credentials());
        match (answer.status, refusal, keys) {
            (200, None, Some(keys)) => Ok(keys),
            (_, Some(words), _) => Err(Miss::Failed(format!("role {role}: {words}"))),
            (status, None, _) => Err(Miss::Failed(format!(
                "role {role}: status {status} without credentials"
            ))),
        }
    }

    /// A path below the session token. A token that is refused is renewed once.
    async fn get(&self, path: &str) -> Result<Answer, Miss> {
        let answer = self.get_with(path, self.token().await?).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.with(|state| state.token = None);
        self.get_with(path, self.token().await?).await
    }

    async fn get_with(&self, path: &str, token: String) -> Result<Answer, Miss> {
        let question = Question {
            method: "GET",
            path: path.to_owned(),
            headers: vec![("x-aws-ec2-metadata-token", token)],
        };
        self.fetch.ask(question).await.map_err(Miss::from)
    }

    async fn token(&self) -> Result<String, Miss> {
        let now = self.means.time.now();
        let known = self.with(|state| state.token.clone());
        if let Some((token, _)) = known.filter(|(_, end)| now < *end) {
            return Ok(token);
        }
        let ttl = TOKEN_SECONDS.to_string();
        let question = Question {
            method: "PUT",
            path: "/latest/api/token".to_owned(),
            headers: vec![
                ("content-length", "0".to_owned()),
                ("x-aws-ec2-metadata-token-ttl-seconds", ttl),
            ],
        };
        let answer = self.fetch.ask(question).await?;
        if answer.status != 200 {
            let status = answer.status;
            return Err(Miss::Failed(format!("no session token: status {status}")));
        }
        let end = now + Duration::from_secs(TOKEN_SECONDS) - TOKEN_MARGIN;
        self.with(|state| state.token = Some((answer.body.clone(), end)));
        Ok(answer.body)
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl From<Silence> for Miss {
    /// Outside EC2 nobody answers: that is no failure, the instance is none.
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Unreachable(why) => Self::NotConfigured(why),
            Silence::Failed(why) => Self::Failed(why),
        }
    }
}

fn extended(keys: Credentials, now: SystemTime) -> Credentials {
    match keys.expires_at {
        Some(end) if end <= now + EXTENSION => keys.with_expiry(now + EXTENSION),
        _ => keys,
    }
}
