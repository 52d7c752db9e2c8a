//! Why a log operation was refused or failed.

use std::io;
use std::path::{Path, PathBuf};

/// Texts are the caller's; [`LogsError::code`] is the name on the wire.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    #[error("The specified log group does not exist.")]
    GroupNotFound,
    #[error("The specified log stream does not exist.")]
    StreamNotFound,
    #[error("The specified log group already exists")]
    GroupExists,
    /// A member is missing, malformed, out of range or not supported here.
    #[error("{0}")]
    Invalid(String),
    /// The log store itself cannot be read or written: not the caller's fault.
    #[error("log store: {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl LogsError {
    /// The error's name in the CloudWatch Logs API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::GroupNotFound | Self::StreamNotFound => "ResourceNotFoundException",
            Self::GroupExists => "ResourceAlreadyExistsException",
            Self::Invalid(_) => "InvalidParameterException",
            Self::Io { .. } => "ServiceUnavailableException",
        }
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// A member breaks a constraint of the API's model.
    pub(crate) fn constraint(member: &str, value: &str, must: &str) -> Self {
        Self::Invalid(format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy \
             constraint: Member must {must}"
        ))
    }

    /// A member that this server does not honour, so must not accept.
    pub(crate) fn unsupported(member: &str) -> Self {
        Self::Invalid(format!("This server does not support {member}."))
    }

    pub(crate) fn bad_token() -> Self {
        Self::Invalid("The specified nextToken is invalid.".to_owned())
    }
}

/// Settles an optional `limit`: 1 to `max`, absent means `max`.
pub(crate) fn limit(value: Option<i32>, max: i32) -> Result<usize, LogsError> {
    let value = value.unwrap_or(max);
    let must = match value {
        ..1 => "have value greater than or equal to 1".to_owned(),
        _ if value > max => format!("have value less than or equal to {max}"),
        _ => return Ok(value as usize),
    };
    Err(LogsError::constraint("limit", &value.to_string(), &must))
}
