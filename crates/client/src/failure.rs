//! From the runtime's errors to ours.

use std::error::Error as StdError;

use aws_smithy_runtime_api::client::interceptors::context;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use http_body_util::LengthLimitError;

use crate::credentials::NoCredentials;
use crate::error::{ErrorKind, Timeout};
use crate::fault::{Answer, Fault};
use crate::intercept::MAX_BODY_BYTES;
use crate::wire::BadAnswer;

/// How the HTTP stack says that no connection came about. The class behind it is
/// private there; the tests would notice another text.
const CONNECTING: &str = "client error (Connect)";

/// How the runtime says that a body came too slowly; its class is public, but lost on the
/// way through the body.
const STALLED: &str = "minimum throughput was specified";

/// Sorts a failed exchange.
pub(crate) fn kind_of(error: SdkError<context::Error, HttpResponse>) -> ErrorKind {
    match &error {
        SdkError::ServiceError(service) => match service.err().downcast_ref::<Fault>() {
            Some(fault) => kind_of_fault(fault),
            None => foreign_output(),
        },
        SdkError::ResponseError(answer) => kind_of_answer(answer.raw().status().as_u16(), &error),
        SdkError::DispatchFailure(dispatch) => {
            kind_of_dispatch(&error, dispatch.as_connector_error())
        }
        SdkError::TimeoutError(_) => ErrorKind::Timeout(which_limit(&error)),
        _ => ErrorKind::Request(chain(&error)),
    }
}

/// The runtime handed back a type that it was not given: a defect of this crate, told
/// as an error instead of a panic.
pub(crate) fn foreign_output() -> ErrorKind {
    ErrorKind::Request("the pipeline returned a foreign type".to_owned())
}

fn kind_of_fault(fault: &Fault) -> ErrorKind {
    match &fault.answer {
        Answer::Understood(error) => error.clone().into_kind(),
        Answer::Strange { beginning } => ErrorKind::Protocol {
            status: fault.status,
            problem: "an error without a code".to_owned(),
            beginning: beginning.clone(),
        },
    }
}

fn kind_of_answer(status: u16, error: &(dyn StdError + 'static)) -> ErrorKind {
    match find::<BadAnswer>(error) {
        Some(bad) => ErrorKind::Protocol {
            status,
            problem: bad.problem.clone(),
            beginning: bad.beginning.clone(),
        },
        None if find::<LengthLimitError>(error).is_some() => ErrorKind::Protocol {
            status,
            problem: format!("the answer is longer than {} MiB", MAX_BODY_BYTES >> 20),
            beginning: String::new(),
        },
        None if has_text(error, STALLED) => ErrorKind::Timeout(Timeout::Stalled),
        None => ErrorKind::Transport(chain(error)),
    }
}

fn kind_of_dispatch(
    error: &(dyn StdError + 'static),
    connector: Option<&ConnectorError>,
) -> ErrorKind {
    if let Some(missing) = find::<NoCredentials>(error) {
        return ErrorKind::Credentials(missing.to_string());
    }
    let connecting = links(error).any(|link| link.to_string() == CONNECTING);
    match connector {
        Some(connector) if connector.is_timeout() => ErrorKind::Timeout(connector_limit(error)),
        Some(connector) if connector.is_user() => ErrorKind::Request(chain(error)),
        _ if connecting => ErrorKind::Connect(chain(error)),
        _ => ErrorKind::Transport(chain(error)),
    }
}

/// Limits of the connector are told apart by text too.
fn connector_limit(error: Link<'_>) -> Timeout {
    if has_text(error, "HTTP read") {
        Timeout::Read
    } else if has_text(error, STALLED) {
        Timeout::Stalled
    } else {
        Timeout::Connect
    }
}

fn has_text(error: Link<'_>, text: &str) -> bool {
    links(error).any(|link| link.to_string().contains(text))
}

/// Both limits arrive as one type that is private to the runtime; only its text differs.
fn which_limit(error: &(dyn StdError + 'static)) -> Timeout {
    if has_text(error, "all attempts") {
        Timeout::Operation
    } else {
        Timeout::Attempt
    }
}

type Link<'a> = &'a (dyn StdError + 'static);

fn links<'a>(error: Link<'a>) -> impl Iterator<Item = Link<'a>> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    links(error).find_map(|link| link.downcast_ref::<E>())
}

/// The sources of an error in one line, without the runtime's own empty phrases.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    const PHRASES: [&str; 7] = [
        "dispatch failure",
        "response error",
        "io error",
        "other",
        "failed to construct request",
        CONNECTING,
        "client error (SendRequest)",
    ];
    let mut texts: Vec<String> = Vec::new();
    for link in links(error) {
        let text = link.to_string();
        let is_news = !PHRASES.contains(&text.as_str())
            && !texts.last().is_some_and(|last| last.ends_with(&text));
        if is_news {
            texts.push(text);
        }
    }
    if texts.is_empty() {
        error.to_string()
    } else {
        texts.join(": ")
    }
}
