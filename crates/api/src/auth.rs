//! From a request to its caller: by signature, or by good faith.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use model::Timestamp;

use crate::gateway::Caller;
use crate::sigv4::{Authorization, Credential, Keys, Refusal, SignedRequest, Verifier};

/// Longest key id believed without a signature. AWS's have 16 to 128 characters.
const ACCESS_KEY_ID_BYTES_MAX: usize = 128;

/// How callers are told apart.
pub enum Auth {
    /// Every request must be signed with one of these keys.
    Required(Arc<dyn Keys>),
    /// For local use: any signature or none will do, and everybody acts as this caller. A
    /// credential is still read, for key id and region.
    None(Caller),
}

/// [`Auth`] at work.
pub(crate) enum Authenticator {
    Required(Verifier),
    None(Caller),
}

impl Authenticator {
    pub(crate) fn new(auth: Auth) -> Self {
        match auth {
            Auth::Required(keys) => Self::Required(Verifier::new(keys)),
            Auth::None(caller) => Self::None(caller),
        }
    }

    /// `service` is the signing name of what the request is for.
    pub(crate) fn caller(
        &self,
        request: &SignedRequest<'_>,
        service: &str,
        now: Timestamp,
    ) -> Result<Caller, Refusal> {
        match self {
            Self::None(caller) => Ok(believe(request, caller)),
            Self::Required(verifier) => {
                let verified = verifier.verify(request, service, now)?;
                Ok(Caller {
                    principal_arn: verified.key.principal_arn,
                    account: verified.key.account,
                    access_key_id: verified.access_key_id.into(),
                    region: verified.region.into(),
                })
            }
        }
    }
}

fn believe(request: &SignedRequest<'_>, caller: &Caller) -> Caller {
    let mut caller = caller.clone();
    let header = request
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let credential = header
        .and_then(|header| Authorization::parse(header).ok()?.credential)
        .and_then(|credential| Credential::parse(credential).ok());
    if let Some(credential) = credential {
        if (1..=ACCESS_KEY_ID_BYTES_MAX).contains(&credential.access_key_id.len()) {
            caller.access_key_id = credential.access_key_id.into();
        }
        if credential.names_a_region() {
            caller.region = credential.region.into();
        }
    }
    caller
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    #[track_caller]
    fn check(authorization: Option<&str>, key_id: &str, region: &str) {
        let nobody = Caller {
            principal_arn: "arn:aws:iam::000000000000:root".into(),
            account: "000000000000".into(),
            access_key_id: "anonymous".into(),
            region: "us-east-1".into(),
        };
        let mut headers = HeaderMap::new();
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(authorization).unwrap());
        }
        let request = SignedRequest {
            method: &Method::POST,
            path: "/",
            query: "",
            headers: &headers,
            body: b"{}",
        };
        let caller = Authenticator::new(Auth::None(nobody))
            .caller(&request, "ecs", Timestamp::default())
            .unwrap();
        assert_eq!((&*caller.access_key_id, &*caller.region), (key_id, region));
    }

    #[test]
    fn without_authentication_the_credential_is_still_read() {
        check(None, "anonymous", "us-east-1");
        check(Some("Bearer x"), "anonymous", "us-east-1");
        check(
            Some("AWS4-HMAC-SHA256 Credential=x"),
            "anonymous",
            "us-east-1",
        );
        check(
            Some("AWS4-HMAC-SHA256 Credential=test/20200101/eu-west-1/ecs/aws4_request"),
            "test",
            "eu-west-1",
        );
        check(
            Some("AWS4-HMAC-SHA256 Credential=/20200101/no region/ecs/aws4_request"),
            "anonymous",
            "us-east-1",
        );
    }
}
