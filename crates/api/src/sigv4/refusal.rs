//! Why a request is not authenticated: one variant per check, with the words AWS uses.

use model::errors::ErrorCode;

/// The reasons in the order in which they are looked for; the texts are what clients match on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
    )]
    TwoSignatures,
    /// No signature, or one of another scheme. ECS clients never sign in the query string.
    #[error("Request is missing Authentication Token")]
    Unsigned,
    #[error(
        "'{part}' not a valid key=value pair (missing equal-sign) in Authorization header: \
         '{header}'."
    )]
    NotKeyValue { part: String, header: String },
    #[error("{missing}Authorization={header}")]
    Incomplete { missing: String, header: String },
    #[error(
        "Date must be in ISO-8601 'basic format'. Got '{0}'. See \
         http://en.wikipedia.org/wiki/ISO_8601"
    )]
    DateFormat(String),
    #[error("Signature expired: {date} is now earlier than {earliest} ({now} - 5 min.)")]
    Late {
        date: String,
        earliest: String,
        now: String,
    },
    #[error("Signature not yet current: {date} is still later than {latest} ({now} + 5 min.)")]
    Early {
        date: String,
        latest: String,
        now: String,
    },
    #[error("'Host' must be a 'SignedHeader' in the AWS Authorization.")]
    HostNotSigned,
    #[error("Unsupported AWS 'algorithm': '{0}' (only AWS4-HMAC-SHA256 for now). ")]
    Algorithm(String),
    #[error(
        "Credential must have exactly 5 slash-delimited elements, e.g. \
         keyid/date/region/service/term, got '{0}'"
    )]
    CredentialParts(String),
    #[error("{0}")]
    Scope(String),
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    #[error(
        "The request signature we calculated does not match the signature you provided. Check \
         your AWS Secret Access Key and signing method. Consult the service documentation for \
         details."
    )]
    Signature,
    /// Unlike [`Refusal::UnknownKey`] without a full stop: so it is reported from ECS.
    #[error("The security token included in the request is invalid")]
    Token,
    #[error("The security token included in the request is expired")]
    TokenExpired,
}

impl Refusal {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unsigned => ErrorCode::MissingAuthenticationTokenException,
            Self::NotKeyValue { .. }
            | Self::Incomplete { .. }
            | Self::DateFormat(_)
            | Self::Algorithm(_)
            | Self::CredentialParts(_) => ErrorCode::IncompleteSignatureException,
            Self::TwoSignatures
            | Self::Late { .. }
            | Self::Early { .. }
            | Self::HostNotSigned
            | Self::Scope(_)
            | Self::Signature => ErrorCode::InvalidSignatureException,
            Self::UnknownKey | Self::Token => ErrorCode::UnrecognizedClientException,
            Self::TokenExpired => ErrorCode::ExpiredTokenException,
        }
    }
}
