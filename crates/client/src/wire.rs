//! awsJson 1.1: a prepared body to an HTTP request, an HTTP answer to an output.

use std::fmt;
use std::marker::PhantomData;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{Error, Input, Output};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::ser_de::{DeserializeResponse, SerializeRequest};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};

use crate::fault::{Fault, beginning};
use crate::retry::Reading;
use crate::service::Protocol;

/// A call with its body written: the same bytes for every attempt. What hooks see as the
/// input.
pub struct Prepared {
    pub(crate) to: Address,
    pub(crate) body: Vec<u8>,
}

impl Prepared {
    /// What is called: `RunTask`, or a path outside the AWS protocols.
    pub fn operation(&self) -> &str {
        match &self.to {
            Address::Operation(target) => target.rsplit('.').next().unwrap_or(target),
            Address::Path(path) => path,
            Address::Object(path) => path,
        }
    }

    /// The input as it is sent, its token filled in.
    pub fn input<I: DeserializeOwned>(&self) -> Result<I, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// What a request is addressed to below its endpoint.
#[derive(Debug)]
pub(crate) enum Address {
    /// An operation of an AWS service, by its `x-amz-target`.
    Operation(String),
    /// A path outside the AWS protocols.
    Path(&'static str),
    /// An object under its path, to be fetched.
    Object(String),
}

impl fmt::Debug for Prepared {
    /// Bodies hold environment variables and other secrets: never shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({} bytes)", self.to, self.body.len())
    }
}

#[derive(Debug)]
pub(crate) struct Serializer;

impl SerializeRequest for Serializer {
    fn serialize_input(&self, input: Input, _: &mut ConfigBag) -> Result<HttpRequest, BoxError> {
        let Prepared { to, body } = input
            .downcast()
            .map_err(|_| "the pipeline takes prepared calls only")?;
        let length = body.len().to_string();
        let mut request = HttpRequest::new(SdkBody::from(body));
        let (method, uri) = match &to {
            Address::Operation(_) => ("POST", "/".to_owned()),
            Address::Path(path) => ("POST", (*path).to_owned()),
            Address::Object(path) => ("GET", path.clone()),
        };
        request.set_method(method)?;
        request.set_uri(uri)?;
        let headers = request.headers_mut();
        match to {
            Address::Operation(target) => {
                headers.try_insert("content-length", length)?;
                headers.try_insert("content-type", "application/x-amz-json-1.1")?;
                headers.try_insert("x-amz-target", target)?;
            }
            Address::Path(_) => {
                headers.try_insert("content-length", length)?;
                headers.try_insert("content-type", "application/json")?;
            }
            Address::Object(_) => {}
        }
        Ok(request)
    }
}

/// A successful status with a body that is not the output.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct BadAnswer {
    pub(crate) problem: String,
    pub(crate) beginning: String,
}

/// Reads answers of one operation.
pub(crate) struct Deserializer<O> {
    rules: Reading,
    protocol: Protocol,
    output: PhantomData<fn() -> O>,
}

impl<O> Deserializer<O> {
    pub(crate) fn new(rules: Reading, protocol: Protocol) -> Self {
        Self {
            rules,
            protocol,
            output: PhantomData,
        }
    }
}

impl<O> fmt::Debug for Deserializer<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deserializer")
    }
}

impl<O> DeserializeResponse for Deserializer<O>
where
    O: DeserializeOwned + fmt::Debug + Send + Sync + 'static,
{
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        _: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        let body = response.body().bytes().unwrap_or_default();
        if !response.status().is_success() {
            let error_type = response.headers().get("x-amzn-errortype");
            let fault = Fault::read(response.status().as_u16(), error_type, body, self.rules);
            return Err(OrchestratorError::operation(Error::erase(fault)));
        }
        if self.protocol == Protocol::Objects {
            return object::<O>(body);
        }
        let json = if body.is_empty() { b"{}" } else { body };
        // Not a "response error": those are taken for broken connections and sent
        // again, but a bad answer stays bad and the work has been done.
        serde_json::from_slice::<O>(json)
            .map(Output::erase)
            .map_err(|problem| {
                OrchestratorError::other(BadAnswer {
                    problem: problem.to_string(),
                    beginning: beginning(body),
                })
            })
    }
}

/// The text of an object. What is wrong with it is said without any of it.
fn object<O>(body: &[u8]) -> Result<Output, OrchestratorError<Error>>
where
    O: DeserializeOwned + fmt::Debug + Send + Sync + 'static,
{
    let bad = |problem: &str| {
        OrchestratorError::other(BadAnswer {
            problem: problem.to_owned(),
            beginning: String::new(),
        })
    };
    let text = std::str::from_utf8(body).map_err(|_| bad("the object is not UTF-8 text"))?;
    let text: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
    O::deserialize(text)
        .map(Output::erase)
        .map_err(|_| bad("the object is not what was asked for"))
}
