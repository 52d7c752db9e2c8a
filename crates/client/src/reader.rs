//! Reading what an operator keeps in other services: parameters, secrets, objects, and passwords
//! of image registries.
//!
//! The same pipeline as for ECS with other targets and signing names, so that a host can fetch
//! what a task definition only names without another SDK. Nothing is asked unless its service
//! was given a [`Place`]. No answer and no error of it shows a value, `Debug` included.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use model::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::config::{Config, ConfigBuilder, ConfigError};
use crate::error::{Error, ErrorKind};
use crate::options::CallOptions;
use crate::pipeline::Pipeline;
use crate::service::{ECR, S3, SECRETS_MANAGER, SSM, Service};
use crate::transport::Transports;
use crate::wire::Address;

/// Where a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The public endpoints of AWS.
    Aws,
    /// An endpoint of one's own: `http://127.0.0.1:4566`.
    Url(String),
}

/// Where the services are that a [`Reader`] may ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Systems Manager, for parameters.
    pub ssm: Option<Place>,
    /// Secrets Manager.
    pub secrets_manager: Option<Place>,
    /// S3. Buckets are named in the path.
    pub s3: Option<Place>,
    /// Amazon ECR, for logins at its private registries.
    pub ecr: Option<Place>,
}

/// A value that `Debug` does not show.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Value(String);

impl Value {
    /// The value itself.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value ({} bytes)", self.0.len())
    }
}

/// A secret and which of its versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SecretInput {
    /// Name or ARN.
    pub secret_id: String,
    /// `AWSCURRENT` if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_stage: Option<String>,
    /// The id of a version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}

/// A login at the private registries of an account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    /// Base64 of `user:password`.
    #[serde(rename = "authorizationToken")]
    pub token: Value,
    /// When the registries stop taking it.
    pub expires_at: Timestamp,
}

/// Why there is no value; one sentence that shows none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The service is not among the [`Places`].
    #[error("no endpoint is configured for {0}")]
    NoPlace(&'static str),
    /// The service says that there is no such thing.
    #[error("{0}")]
    Missing(String),
    /// Everything else.
    #[error("{0}")]
    Failed(String),
}

/// Reads values. Clones share connections.
#[derive(Debug, Clone)]
pub struct Reader(Arc<Lanes>);

#[derive(Debug)]
struct Lanes {
    ssm: Option<Lane>,
    secrets_manager: Option<Lane>,
    s3: Option<Lane>,
    ecr: Option<Lane>,
}

/// The way to one service.
#[derive(Debug)]
struct Lane {
    service: Service,
    config: Config,
    pipeline: Pipeline,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetParameters<'a> {
    names: &'a [String],
    with_decryption: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameters {
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    name: String,
    #[serde(rename = "ARN")]
    arn: Option<String>,
    value: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Secret {
    secret_string: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GetAuthorizationToken<'a> {
    registry_ids: [&'a str; 1],
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authorizations {
    #[serde(default)]
    authorization_data: Vec<Authorization>,
}

impl Reader {
    /// `builder` says as whom, how patiently, and in which region when a call names none.
    pub fn new(builder: ConfigBuilder, places: &Places) -> Result<Self, ConfigError> {
        let lane = |service, place: &Option<Place>| {
            let place = place.as_ref();
            place
                .map(|place| Lane::new(service, place, builder.clone()))
                .transpose()
        };
        Ok(Self(Arc::new(Lanes {
            ssm: lane(SSM, &places.ssm)?,
            secrets_manager: lane(SECRETS_MANAGER, &places.secrets_manager)?,
            s3: lane(S3, &places.s3)?,
            ecr: lane(ECR, &places.ecr)?,
        })))
    }

    /// Parameters by name or ARN, at most ten, decrypted. What does not exist is left out.
    pub async fn parameters(
        &self,
        region: Option<&str>,
        names: &[String],
    ) -> Result<BTreeMap<String, Value>, ReadError> {
        let lane = given(&self.0.ssm, &SSM)?;
        let input = GetParameters {
            names,
            with_decryption: true,
        };
        let found: Parameters = lane.ask("GetParameters", region, &input).await?;
        let mut values = BTreeMap::new();
        for parameter in found.parameters {
            values.extend(parameter.arn.map(|arn| (arn, parameter.value.clone())));
            values.insert(parameter.name, parameter.value);
        }
        Ok(values)
    }

    /// The text of a secret.
    pub async fn secret(
        &self,
        region: Option<&str>,
        input: &SecretInput,
    ) -> Result<Value, ReadError> {
        let lane = given(&self.0.secrets_manager, &SECRETS_MANAGER)?;
        let found: Secret = lane.ask("GetSecretValue", region, input).await?;
        let binary = || ReadError::Failed("it is binary: only text can be a value".to_owned());
        found.secret_string.ok_or_else(binary)
    }

    /// A login at the private registries of an account (twelve digits) in a region.
    pub async fn authorization(
        &self,
        region: &str,
        account: &str,
    ) -> Result<Authorization, ReadError> {
        let lane = given(&self.0.ecr, &ECR)?;
        let input = GetAuthorizationToken {
            registry_ids: [account],
        };
        let found = lane.ask("GetAuthorizationToken", Some(region), &input);
        let found: Authorizations = found.await?;
        let first = found.authorization_data.into_iter().next();
        first.ok_or_else(|| failed("an answer without authorizationData"))
    }

    /// The text of an object.
    pub async fn object(&self, bucket: &str, key: &str) -> Result<Value, ReadError> {
        let lane = given(&self.0.s3, &S3)?;
        let path = format!("/{}/{}", encoded(bucket), encoded(key));
        lane.send("GetObject", Address::Object(path), Vec::new(), None)
            .await
    }
}

fn given<'a>(lane: &'a Option<Lane>, service: &Service) -> Result<&'a Lane, ReadError> {
    lane.as_ref().ok_or(ReadError::NoPlace(service.name))
}

impl Lane {
    fn new(service: Service, place: &Place, builder: ConfigBuilder) -> Result<Self, ConfigError> {
        let builder = builder.public_endpoints().validate(false);
        let config = match place {
            Place::Aws => builder,
            Place::Url(url) => builder.endpoint_url(url),
        };
        let config = config.build()?;
        let endpoint = config
            .endpoint_of(&service)
            .map_err(ConfigError::Endpoint)?;
        let transports = Arc::new(Transports::new(config.http_client.clone()));
        let pipeline = Pipeline::new(service, &endpoint, &config, &transports);
        Ok(Self {
            service,
            config,
            pipeline,
        })
    }

    async fn ask<O>(
        &self,
        operation: &'static str,
        region: Option<&str>,
        input: &impl Serialize,
    ) -> Result<O, ReadError>
    where
        O: DeserializeOwned + fmt::Debug + Send + Sync + 'static,
    {
        let body = serde_json::to_vec(input).map_err(|_| failed("the request cannot be made"))?;
        let to = Address::Operation(format!("{}.{operation}", self.service.target_prefix));
        self.send(operation, to, body, region).await
    }

    async fn send<O>(
        &self,
        operation: &'static str,
        to: Address,
        body: Vec<u8>,
        region: Option<&str>,
    ) -> Result<O, ReadError>
    where
        O: DeserializeOwned + fmt::Debug + Send + Sync + 'static,
    {
        let options = region.map_or_else(CallOptions::new, |it| CallOptions::new().region(it));
        let trace = self.pipeline.trace(operation, &self.config);
        let set = (&self.config, &options);
        let ready = self
            .pipeline
            .ready_to::<O>(operation, to, (body, None), set, trace);
        let ready = ready.map_err(|kind| failed(&kind.to_string()))?;
        let sent = self.pipeline.send::<O>(ready).await;
        sent.map(|answer| answer.into_output()).map_err(read_error)
    }
}

/// Codes by which the services say that there is no such thing.
const MISSING: [&str; 4] = [
    "NoSuchBucket",
    "NoSuchKey",
    "ParameterNotFound",
    "ResourceNotFoundException",
];

/// In words that show nothing of an answer's body unless it is an error of the service.
fn read_error(error: Error) -> ReadError {
    match (error.kind(), error.service_error()) {
        (_, Some(said)) if MISSING.contains(&said.code.as_str()) => {
            ReadError::Missing(format!("{}: {}", said.code, said.message))
        }
        (_, Some(said)) => ReadError::Failed(format!("{}: {}", said.code, said.message)),
        (ErrorKind::Protocol { status, .. }, None) => failed(&format!(
            "an answer with status {status} that cannot be read"
        )),
        (kind, None) => failed(&kind.to_string()),
    }
}

fn failed(why: &str) -> ReadError {
    ReadError::Failed(why.to_owned())
}

/// For the path of a URL; slashes stay.
fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_for_the_path() {
        assert_eq!(encoded("a/b c+ü.env"), "a/b%20c%2B%C3%BC.env");
    }

    #[test]
    fn values_are_not_shown() {
        let shown = format!("{:?}", Value("planted".to_owned()));
        assert_eq!(shown, "Value (7 bytes)");
    }
}
