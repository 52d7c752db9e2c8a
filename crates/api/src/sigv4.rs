//! Signature Version 4, the server's side: parse what a caller signed, compute it again, compare.
//!
//! Written on HMAC and SHA-256 alone. Signers (the `aws-sigv4` crate, botocore) appear in tests
//! only: a verifier built on a signer would share its faults.
//!
//! [`Verifier`] walks through the checks in the order in which AWS's JSON front end makes them, so
//! that a caller with two mistakes hears of the same one first.

mod amz_date;
mod authorization;
mod canonical;
mod credential;
mod keys;
mod refusal;
mod signing_key;
mod verify;

pub use authorization::Authorization;
pub use canonical::SignedRequest;
pub use credential::Credential;
pub use keys::{Key, Keys, Session};
pub use refusal::Refusal;
pub use signing_key::SigningKeys;
pub use verify::{Verified, Verifier};

/// The one algorithm ECS takes.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The last part of every credential scope.
const TERMINATOR: &str = "aws4_request";
