//! The credentials endpoint of a container: ECS tasks, EKS pods and whatever speaks the same.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use aws_smithy_runtime_api::client::dns::ResolveDns;

use super::document::Document;
use super::fetch::{Answer, Fetch, Means, Patience, Question, Silence};
use super::{Credentials, Miss};
use crate::endpoint::Endpoint;

/// The variable of a path on the host of ECS.
pub(crate) const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
/// The variable of a whole URL.
pub(crate) const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

/// Where the relative path is asked for.
pub(crate) const ECS_HOST: &str = "http://169.254.170.2";

/// Besides this machine, the hosts of ECS and of EKS may be asked without TLS.
const PLAIN_HOSTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

const PATIENCE: Patience = Patience {
    attempts: 3,
    connect: Duration::from_secs(2),
    read: Duration::from_secs(5),
};

/// Where the container's authorization token comes from.
#[derive(Clone)]
pub(crate) enum Token {
    /// Read again at each refresh, because it is rotated.
    File(PathBuf),
    Given(String),
}

/// The provider. Holds a token, so there is no `Debug` of that.
pub(crate) struct Container {
    /// The whole URL, query included.
    url: String,
    token: Option<Token>,
    means: Means,
}

impl Container {
    pub(crate) fn new(url: String, token: Option<Token>, means: Means) -> Self {
        Self { url, token, means }
    }

    pub(crate) async fn load(&self) -> Result<Credentials, Miss> {
        let (endpoint, path) = self.address().map_err(Miss::Failed)?;
        self.check(&endpoint).await.map_err(Miss::Failed)?;
        let mut headers = vec![("accept", "application/json".to_owned())];
        if let Some(token) = self.token().map_err(Miss::Failed)? {
            headers.push(("authorization", token));
        }
        let is_readable =
            |body: &str| Document::read(body).is_some_and(|found| found.credentials().is_some());
        let question = Question {
            method: "GET",
            path,
            headers,
        };
        let fetch = Fetch::new(&endpoint, PATIENCE, &self.means, is_readable);
        match fetch.ask(question).await {
            Ok(answer) => read(&self.url, &answer).map_err(Miss::Failed),
            Err(Silence::Unreachable(why) | Silence::Failed(why)) => Err(Miss::Failed(why)),
        }
    }

    /// Host and path of the URL.
    fn address(&self) -> Result<(Endpoint, String), String> {
        let after_scheme = self.url.find("://").map_or(0, |at| at + 3);
        let end = self.url[after_scheme..]
            .find(['/', '?'])
            .map_or(self.url.len(), |at| after_scheme + at);
        let (host, path) = self.url.split_at(end);
        let endpoint = Endpoint::parse(host).map_err(|why| format!("{FULL_URI}: {why}"))?;
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok((endpoint, format!("{slash}{path}")))
    }

    /// Without TLS only this machine and the hosts of AWS may be asked: whoever answers
    /// gets the token, and decides whose keys sign.
    async fn check(&self, endpoint: &Endpoint) -> Result<(), String> {
        if !endpoint.is_plain_http() {
            return Ok(());
        }
        let host = endpoint.host();
        let addresses = match host.parse() {
            Ok(address) => vec![address],
            Err(_) => {
                let found = self.means.dns.resolve_dns(host).await;
                found.map_err(|why| format!("{FULL_URI}: `{host}` cannot be resolved: {why}"))?
            }
        };
        match addresses.iter().find(|address| !is_allowed(**address)) {
            None if !addresses.is_empty() => Ok(()),
            refused => Err(format!(
                "{FULL_URI}: `{host}` ({}) may not be asked over http: use https, an address of \
                 this machine, {}",
                refused.map_or("no address".to_owned(), ToString::to_string),
                PLAIN_HOSTS.join(" or "),
            )),
        }
    }

    fn token(&self) -> Result<Option<String>, String> {
        let (token, from) = match &self.token {
            None => return Ok(None),
            Some(Token::Given(token)) => (
                token.clone(),
                "AWS_CONTAINER_AUTHORIZATION_TOKEN".to_owned(),
            ),
            Some(Token::File(path)) => {
                let from = format!(
                    "{}, named in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                    path.display()
                );
                let token = std::fs::read_to_string(path);
                (token.map_err(|error| format!("{from}: {error}"))?, from)
            }
        };
        if token.contains(['\r', '\n']) {
            return Err(format!("{from}: the token has a line break: remove it"));
        }
        Ok(Some(token))
    }
}

impl std::fmt::Debug for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Container({})", self.url)
    }
}

fn is_allowed(address: IpAddr) -> bool {
    address.is_loopback() || PLAIN_HOSTS.contains(&address.to_string().as_str())
}

fn read(url: &str, answer: &Answer) -> Result<Credentials, String> {
    let document = Document::read(&answer.body);
    if answer.status == 200
        && let Some(keys) = document.as_ref().and_then(Document::credentials)
    {
        return Ok(keys);
    }
    let refusal = document.and_then(|document| document.refusal());
    Err(format!(
        "{url}: status {}{}",
        answer.status,
        refusal.map_or(String::new(), |words| format!(": {words}"))
    ))
}

#[cfg(test)]
mod tests {
    use aws_smithy_async::time::SharedTimeSource;
    use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, SharedDnsResolver};

    use super::*;

    /// Every name has these addresses.
    #[derive(Debug)]
    struct Addresses(Vec<IpAddr>);

    impl ResolveDns for Addresses {
        fn resolve_dns<'a>(&'a self, _: &'a str) -> DnsFuture<'a> {
            DnsFuture::ready(Ok(self.0.clone()))
        }
    }

    /// A URL, what its name resolves to, and whether it may be asked.
    async fn check(url: &str, addresses: &[&str], is_allowed: bool) {
        let addresses = addresses.iter().map(|text| text.parse().unwrap());
        let means = Means {
            dns: SharedDnsResolver::new(Addresses(addresses.collect())),
            ..Means::new(&SharedTimeSource::default(), None)
        };
        let container = Container::new(url.to_owned(), None, means);
        let (endpoint, _) = container.address().unwrap();
        let verdict = container.check(&endpoint).await;
        assert_eq!(verdict.is_ok(), is_allowed, "{url}: {verdict:?}");
    }

    #[tokio::test]
    async fn every_address_of_a_name_must_be_allowed() {
        check("http://agent/x", &["127.0.0.1"], true).await;
        check(
            "http://agent/x",
            &["127.0.0.1", "::1", "169.254.170.23"],
            true,
        )
        .await;
        check("http://agent/x", &["127.0.0.1", "10.0.0.1"], false).await;
        check("http://agent/x", &["10.0.0.1", "127.0.0.1"], false).await;
        check("http://agent/x", &[], false).await;
        check("https://agent/x", &["10.0.0.1"], true).await;
        check("http://169.254.170.2/x", &[], true).await;
        check("http://[fd00:ec2::23]/x", &[], true).await;
        check("http://[fd00:ec2::254]/x", &[], false).await;
    }
}
