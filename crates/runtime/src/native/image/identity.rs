//! Identity tokens, which some registries give instead of a password: exchanged for a token that
//! the registry takes, as OAuth2 does with refresh tokens.

use std::fmt;

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use http_auth::parse_challenges;
use oci_client::secrets::RegistryAuth;
use reqwest::redirect::Policy;
use serde::Deserialize;

use super::registry::{CONNECT_TIMEOUT, READ_TIMEOUT, USER_AGENT};

/// What is known of one login. `Debug` shows no token.
pub(super) struct Identity {
    client: reqwest::Client,
    /// Where the registry says who gives tokens.
    base: String,
    scope: String,
    token: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity at {}", self.base)
    }
}

/// Why there is no token, in words that show none.
#[derive(Debug)]
pub(super) enum ExchangeError {
    Unreachable(reqwest::Error),
    Refused(String),
}

/// Who gives tokens.
#[derive(Debug, PartialEq, Eq)]
struct Challenge {
    realm: String,
    service: String,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
}

impl Identity {
    /// `base` is `https://HOST`, the token is for pulling from `repository`.
    pub(super) fn new(base: String, repository: &str, token: String) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .user_agent(USER_AGENT)
            // The token is for the one that the registry names, and for nobody further on.
            .redirect(Policy::none())
            .build()?;
        Ok(Self {
            client,
            base,
            scope: format!("repository:{repository}:pull"),
            token,
        })
    }

    /// What to show to the registry; nothing if it wants to see nothing.
    pub(super) async fn exchange(&self) -> Result<RegistryAuth, ExchangeError> {
        let asked = self.client.get(format!("{}/v2/", self.base)).send().await?;
        if asked.status() != StatusCode::UNAUTHORIZED {
            return Ok(RegistryAuth::Anonymous);
        }
        let headers = asked.headers().get_all(WWW_AUTHENTICATE).iter();
        let mut headers = headers.filter_map(|value| value.to_str().ok());
        let Some(challenge) = headers.find_map(Challenge::of) else {
            let why = "the registry does not say who exchanges it";
            return Err(ExchangeError::Refused(why.to_owned()));
        };
        let form = [
            ("grant_type", "refresh_token"),
            ("service", &challenge.service),
            ("client_id", USER_AGENT),
            ("scope", &self.scope),
            ("refresh_token", &self.token),
        ];
        let posted = self.client.post(&challenge.realm).form(&form);
        let answered = posted.send().await?;
        if answered.status() != StatusCode::OK {
            let status = answered.status().as_u16();
            let why = format!("{} answers status {status}", challenge.realm);
            return Err(ExchangeError::Refused(why));
        }
        let answer: Answer = answered.json().await.map_err(|_| {
            let why = format!("the answer of {} has no access_token", challenge.realm);
            ExchangeError::Refused(why)
        })?;
        Ok(RegistryAuth::Bearer(answer.access_token))
    }
}

impl Challenge {
    fn of(header: &str) -> Option<Self> {
        let challenges = parse_challenges(header).ok()?;
        let mut challenges = challenges.into_iter();
        let bearer = challenges.find(|one| one.scheme.eq_ignore_ascii_case("bearer"))?;
        let parameter = |name: &str| {
            let mut all = bearer.params.iter();
            let found = all.find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        Some(Self {
            realm: parameter("realm")?,
            service: parameter("service").unwrap_or_default(),
        })
    }
}

impl From<reqwest::Error> for ExchangeError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_says_who_gives_tokens() {
        let check = |header: &str, expected: Option<(&str, &str)>| {
            let expected = expected.map(|(realm, service)| Challenge {
                realm: realm.to_owned(),
                service: service.to_owned(),
            });
            assert_eq!(Challenge::of(header), expected, "{header}");
        };
        check(
            r#"Bearer realm="https://a.example/oauth2/token",service="r.example",scope="x""#,
            Some(("https://a.example/oauth2/token", "r.example")),
        );
        check(
            r#"Basic realm="r", bearer realm="https://a.example/t""#,
            Some(("https://a.example/t", "")),
        );
        check(r#"Basic realm="r""#, None);
        check("nonsense,=", None);
    }
}
