//! Why an operation refuses: a modelled error for the caller, a detail for the log.

use model::errors::ErrorCode;

/// The sentence for a word that is none of the known ones, or is missing.
pub(crate) fn not_one_of(member: &str, known: &[&str], given: Option<&str>) -> String {
    let known = known.join(",");
    match given {
        Some(given) => format!("{member} should be one of [{known}], but was {given}."),
        None => format!("{member} should be one of [{known}]."),
    }
}

/// An error has two audiences: `message` goes to the caller, `detail` to the operator's log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.name())]
pub struct OpError {
    pub code: ErrorCode,
    pub message: String,
    /// Only `ConflictException` has it: the tasks that already belong to the token.
    pub resource_ids: Option<Vec<String>>,
    pub detail: Option<String>,
}

impl OpError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            resource_ids: None,
            detail: None,
        }
    }

    pub fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParameterException, message)
    }

    pub fn client(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ClientException, message)
    }

    /// A part of ECS that this server does not build yet, named so that the caller can leave it out.
    pub fn unsupported(what: impl AsRef<str>) -> Self {
        let message = format!("Feature not supported by this server: {}.", what.as_ref());
        Self::new(ErrorCode::UnsupportedFeatureException, message)
    }

    /// A broken promise of our own: 500 for the caller, what was expected for the operator.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..Self::new(
                ErrorCode::ServerException,
                "An internal error occurred. Try again.",
            )
        }
    }
}
