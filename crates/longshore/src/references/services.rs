//! The services the operator names: Systems Manager, Secrets Manager, S3 and ECR, of AWS or of
//! an emulator, asked with the operator's own keys.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use client::{Config as ClientConfig, Place, Places, ReadError, Reader, SecretInput};
use runtime::Clock;
use runtime::registry::EcrTokens;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::ecr::Tokens;
use super::name::{Kind, Reference};

/// The word for the public endpoints of AWS.
const AWS: &str = "aws";

/// Parameters that one call of Systems Manager may ask for.
const PARAMETERS_MAX: usize = 10;

/// For one call with all its attempts.
const TIME_MAX: Duration = Duration::from_secs(30);

/// The table `endpoints`: where the services are, `aws` or a URL each.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Endpoints {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ssm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secretsmanager: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) s3: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ecr: Option<String>,
}

impl Endpoints {
    /// What cannot be an endpoint, in words for the operator.
    pub(crate) fn problem(&self) -> Option<String> {
        let all = [
            ("ssm", &self.ssm),
            ("secretsmanager", &self.secretsmanager),
            ("s3", &self.s3),
            ("ecr", &self.ecr),
        ];
        let is_good = |text: &String| {
            text == AWS || text.starts_with("http://") || text.starts_with("https://")
        };
        let bad = |(name, text): (&str, &Option<String>)| {
            let text = text.as_ref().filter(|text| !is_good(text))?;
            let needs = "write \"aws\", or a URL like \"http://127.0.0.1:4566\"";
            Some(format!("endpoints.{name} is '{text}': {needs}"))
        };
        all.into_iter().find_map(bad)
    }

    /// What the file leaves open, the variables of the AWS tools may say.
    fn places(&self, lookup: impl Fn(&str) -> Option<String>) -> Places {
        let place = |given: &Option<String>, variable: &str| {
            let of_variable = || lookup(variable).filter(|url| !url.is_empty());
            let text = given.clone().or_else(of_variable)?;
            Some(match text.as_str() {
                AWS => Place::Aws,
                _ => Place::Url(text),
            })
        };
        Places {
            ssm: place(&self.ssm, "AWS_ENDPOINT_URL_SSM"),
            secrets_manager: place(&self.secretsmanager, "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            s3: place(&self.s3, "AWS_ENDPOINT_URL_S3"),
            ecr: place(&self.ecr, "AWS_ENDPOINT_URL_ECR"),
        }
    }
}

/// The services, if there are any.
pub(crate) struct Services {
    /// The sentence says why they cannot be asked: there are no keys, for example.
    reader: Result<Reader, String>,
    has_values: bool,
    has_ecr: bool,
}

type Text = Result<String, ReadError>;

/// One call: what it asks for, and for whom.
enum Call {
    Parameters(Option<String>, Vec<(String, Reference)>),
    Secret(Option<String>, SecretInput, Vec<Reference>),
    File(String, String, Vec<Reference>),
}

impl Services {
    /// `region` is for names that say none.
    pub(crate) fn new(
        endpoints: &Endpoints,
        region: &str,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let places = endpoints.places(&lookup);
        let has_ecr = places.ecr.is_some();
        let of_values = [&places.ssm, &places.secrets_manager, &places.s3];
        let has_values = of_values.into_iter().any(Option::is_some);
        let builder = match has_values || has_ecr {
            true => ClientConfig::from_env(&lookup),
            false => Ok(ClientConfig::builder().anonymous()),
        };
        let reader = builder.and_then(|builder| Reader::new(builder.region(region), &places));
        Self {
            reader: reader.map_err(|error| error.to_string()),
            has_values,
            has_ecr,
        }
    }

    /// Whether values of definitions can be asked for.
    pub(super) fn is_configured(&self) -> bool {
        self.has_values
    }

    /// Logins at registries of ECR, if the operator says where to ask for them.
    pub(crate) fn ecr(&self, clock: Arc<dyn Clock>) -> Option<Arc<dyn EcrTokens>> {
        let tokens = || Arc::new(Tokens::new(self.reader.clone(), clock));
        self.has_ecr.then(|| tokens() as _)
    }

    /// The text of each, or why there is none.
    pub(super) async fn fetch(&self, references: Vec<Reference>) -> Vec<(Reference, Text)> {
        let reader = match &self.reader {
            Ok(reader) => reader,
            Err(why) => {
                let failed = || Err(ReadError::Failed(why.clone()));
                return references.into_iter().map(|one| (one, failed())).collect();
            }
        };
        let mut calls = JoinSet::new();
        for call in grouped(references) {
            calls.spawn(call.answer(reader.clone()));
        }
        // A call that panicked leaves its references without an answer, which is one, too.
        calls.join_all().await.into_iter().flatten().collect()
    }
}

/// As few calls as there can be.
fn grouped(references: Vec<Reference>) -> Vec<Call> {
    let mut parameters: BTreeMap<Option<String>, Vec<(String, Reference)>> = BTreeMap::new();
    let mut others: BTreeMap<String, Call> = BTreeMap::new();
    for reference in references {
        match reference.kind.clone() {
            Kind::Parameter { region, name } => {
                parameters
                    .entry(region)
                    .or_default()
                    .push((name, reference));
            }
            Kind::Secret {
                region,
                id,
                version_stage,
                version_id,
                ..
            } => {
                let key = format!("{id} {version_stage:?} {version_id:?}");
                let input = SecretInput {
                    secret_id: id,
                    version_stage,
                    version_id,
                };
                let call = others.entry(key);
                let call = call.or_insert_with(|| Call::Secret(region, input, Vec::new()));
                call.add(reference);
            }
            Kind::File { bucket, key } => {
                let call = others.entry(reference.text.clone());
                let call = call.or_insert_with(|| Call::File(bucket, key, Vec::new()));
                call.add(reference);
            }
        }
    }
    let mut calls: Vec<Call> = others.into_values().collect();
    for (region, names) in parameters {
        let chunks = names.chunks(PARAMETERS_MAX);
        calls.extend(chunks.map(|some| Call::Parameters(region.clone(), some.to_vec())));
    }
    calls
}

impl Call {
    fn add(&mut self, reference: Reference) {
        match self {
            Self::Secret(_, _, all) | Self::File(_, _, all) => all.push(reference),
            Self::Parameters(_, all) => all.push((reference.text.clone(), reference)),
        }
    }

    fn references(&self) -> Vec<Reference> {
        match self {
            Self::Secret(_, _, all) | Self::File(_, _, all) => all.clone(),
            Self::Parameters(_, all) => all.iter().map(|(_, one)| one.clone()).collect(),
        }
    }

    async fn answer(self, reader: Reader) -> Vec<(Reference, Text)> {
        let asked_for = self.references();
        let answered = timeout(TIME_MAX, self.ask(&reader)).await;
        answered.unwrap_or_else(|_| {
            let seconds = TIME_MAX.as_secs();
            let late = || Err(ReadError::Failed(format!("no answer within {seconds} s")));
            asked_for.into_iter().map(|one| (one, late())).collect()
        })
    }

    async fn ask(self, reader: &Reader) -> Vec<(Reference, Text)> {
        let for_all = |all: Vec<Reference>, answer: Result<client::Value, ReadError>| {
            let text = answer.map(client::Value::into_string);
            all.into_iter().map(|one| (one, text.clone())).collect()
        };
        match self {
            Self::Secret(region, input, all) => {
                for_all(all, reader.secret(region.as_deref(), &input).await)
            }
            Self::File(bucket, key, all) => for_all(all, reader.object(&bucket, &key).await),
            Self::Parameters(region, all) => {
                let names: Vec<String> = all.iter().map(|(name, _)| name.clone()).collect();
                let found = reader.parameters(region.as_deref(), &names).await;
                let text = |name: &str| match &found {
                    Ok(found) => match found.get(name) {
                        Some(value) => Ok(value.clone().into_string()),
                        None => Err(ReadError::Missing(format!("there is no parameter {name}"))),
                    },
                    Err(error) => Err(error.clone()),
                };
                all.into_iter()
                    .map(|(name, one)| (one, text(&name)))
                    .collect()
            }
        }
    }
}
