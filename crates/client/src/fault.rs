//! Reading an error answer: code, message and what else the body says.

use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::{ErrorKind, ProvideErrorKind};
use serde_json::Value;

use crate::error::ServiceError;
use crate::retry::{Reading, Reason};

/// How much of an unreadable body an error keeps.
const BEGINNING_BYTES: usize = 256;

/// An error answer as the pipeline sees it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the service answered with an error")]
pub(crate) struct Fault {
    pub(crate) status: u16,
    pub(crate) answer: Answer,
    meta: ErrorMetadata,
}

/// Whether the answer could be understood.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Understood(ServiceError),
    /// Neither a code in a header nor a JSON object: some proxy's page, or nothing.
    Strange {
        beginning: String,
    },
}

impl Fault {
    /// Takes the code from the header, else from the body.
    pub(crate) fn read(status: u16, error_type: Option<&str>, body: &[u8], rules: Reading) -> Self {
        let json: Option<Value> = serde_json::from_slice(body).ok().filter(Value::is_object);
        let xml = std::str::from_utf8(body).unwrap_or_default();
        let code = error_type
            .or_else(|| text_at(json.as_ref(), &["__type", "code"]))
            .or_else(|| element(xml, "Code"))
            .map(clean_code)
            .filter(|code| !code.is_empty());
        let answer = match (code, &json) {
            (None, None) => Answer::Strange {
                beginning: beginning(body),
            },
            (code, json) => Answer::Understood(understood(status, code, json, body, rules)),
        };
        let meta = match &answer {
            Answer::Understood(error) => ErrorMetadata::builder().code(&error.code).build(),
            Answer::Strange { .. } => ErrorMetadata::default(),
        };
        Self {
            status,
            answer,
            meta,
        }
    }

    fn reason(&self) -> Option<Reason> {
        match &self.answer {
            Answer::Understood(error) => error.reason,
            Answer::Strange { .. } => Reason::of_status(self.status),
        }
    }
}

fn understood(
    status: u16,
    code: Option<&str>,
    json: &Option<Value>,
    body: &[u8],
    rules: Reading,
) -> ServiceError {
    let code = code.unwrap_or("UnknownError");
    let message = match json {
        Some(_) => text_at(json.as_ref(), &["message", "Message"])
            .unwrap_or_default()
            .to_owned(),
        None => {
            let xml = std::str::from_utf8(body).unwrap_or_default();
            element(xml, "Message").map_or_else(|| beginning(body), str::to_owned)
        }
    };
    ServiceError {
        code: code.to_owned(),
        reason: Reason::of(code, status, &message, rules),
        message,
        resource_ids: resource_ids(json.as_ref()),
        status,
    }
}

impl ProvideErrorMetadata for Fault {
    fn meta(&self) -> &ErrorMetadata {
        &self.meta
    }
}

impl ProvideErrorKind for Fault {
    fn retryable_error_kind(&self) -> Option<ErrorKind> {
        self.reason().map(Reason::to_smithy)
    }

    fn code(&self) -> Option<&str> {
        self.meta.code()
    }
}

/// `com.amazonaws.ecs#ClusterNotFoundException:http://…` → `ClusterNotFoundException`.
fn clean_code(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().trim()
}

fn text_at<'a>(json: Option<&'a Value>, members: &[&str]) -> Option<&'a str> {
    members
        .iter()
        .find_map(|member| json?.get(member)?.as_str())
}

/// The text of an element in an error of S3: `<Error><Code>NoSuchKey</Code>…`.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let error = &xml[xml.find("<Error>")?..];
    let (_, rest) = error.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(text, _)| text)
}

fn resource_ids(json: Option<&Value>) -> Vec<String> {
    let ids = json
        .and_then(|json| json.get("resourceIds"))
        .and_then(Value::as_array);
    ids.into_iter()
        .flatten()
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect()
}

/// The first bytes of a body as text, for error messages.
pub(crate) fn beginning(body: &[u8]) -> String {
    let cut = &body[..body.len().min(BEGINNING_BYTES)];
    let mut text = String::from_utf8_lossy(cut).trim().to_owned();
    if body.len() > cut.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: Option<&str>, body: &str, code: &str, message: &str) {
        match Fault::read(400, header, body.as_bytes(), Reading::Lenient).answer {
            Answer::Understood(error) => {
                assert_eq!(
                    (error.code.as_str(), error.message.as_str()),
                    (code, message)
                );
            }
            Answer::Strange { .. } => panic!("not understood: {body}"),
        }
    }

    #[test]
    fn code_and_message_are_found_wherever_services_put_them() {
        check(None, r#"{"__type":"Foo","message":"m"}"#, "Foo", "m");
        check(
            None,
            r#"{"__type":"com.amazonaws.ecs#Foo","Message":"m"}"#,
            "Foo",
            "m",
        );
        check(None, r#"{"__type":"a.b#Foo:http://x/#y"}"#, "Foo", "");
        check(None, r#"{"code":"Foo"}"#, "Foo", "");
        check(
            Some("Foo:http://x"),
            r#"{"__type":"Bar","message":"m"}"#,
            "Foo",
            "m",
        );
        check(Some("ns#Foo"), "<html>", "Foo", "<html>");
        let xml =
            "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>m</Message></Error>";
        check(None, xml, "NoSuchKey", "m");
        check(None, r#"{"message":"m"}"#, "UnknownError", "m");
        check(None, r#"{"__type":7,"message":null}"#, "UnknownError", "");
    }

    #[test]
    fn what_is_not_json_keeps_its_beginning() {
        for body in [
            "",
            "<html>bad gateway</html>",
            "[]",
            "\"text\"",
            "{\"__type\":",
        ] {
            let fault = Fault::read(502, None, body.as_bytes(), Reading::Lenient);
            let Answer::Strange { beginning } = &fault.answer else {
                panic!("{fault:?}")
            };
            assert_eq!(beginning, body);
            assert_eq!(
                fault.retryable_error_kind(),
                Some(ErrorKind::TransientError)
            );
        }
        assert_eq!(beginning(&[b'x'; 300]).chars().count(), 257);
        assert_eq!(beginning(&[0xff, 0xfe]), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn a_conflict_carries_the_earlier_tasks() {
        let body = br#"{"__type":"ConflictException","message":"m","resourceIds":["a","b"]}"#;
        let Answer::Understood(error) = Fault::read(400, None, body, Reading::Lenient).answer
        else {
            panic!()
        };
        assert_eq!(error.resource_ids, ["a", "b"]);
    }
}
