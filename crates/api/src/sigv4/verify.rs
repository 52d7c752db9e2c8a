//! The checks of a signed request, in AWS's order: the first that fails is the answer.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{AUTHORIZATION, DATE};
use model::Timestamp;
use subtle::ConstantTimeEq;

use super::amz_date::AmzDate;
use super::canonical::{HexDigest, sha256_hex};
use super::signing_key::{derive, mac};
use super::{ALGORITHM, Authorization, Credential, Key, Keys, Refusal, SignedRequest, SigningKeys};

/// How far the caller's clock may be from ours, either way, in milliseconds.
const CLOCK_SKEW_MAX_MS: i64 = 5 * 60 * 1000;

/// Verifies signatures against one source of keys.
pub struct Verifier {
    keys: Arc<dyn Keys>,
    derived: SigningKeys,
}

/// A request whose signature is right.
#[derive(Debug)]
pub struct Verified<'a> {
    pub key: Key,
    pub access_key_id: &'a str,
    /// The region the caller signed for.
    pub region: &'a str,
}

/// The header's parts once none is missing.
struct Complete<'a> {
    algorithm: &'a str,
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl Verifier {
    pub fn new(keys: Arc<dyn Keys>) -> Self {
        Self {
            keys,
            derived: SigningKeys::default(),
        }
    }

    /// `service` is the signing name of what the request is for: `ecs` or `logs`.
    pub fn verify<'a>(
        &self,
        request: &SignedRequest<'a>,
        service: &str,
        now: Timestamp,
    ) -> Result<Verified<'a>, Refusal> {
        let header = find_header(request)?;
        let raw_date = find_date(request.headers);
        let parts = complete(header, raw_date.is_some())?;
        let date = raw_date.map_or_else(|| Err(Refusal::DateFormat(String::new())), parse_date)?;
        check_clock(&date, now)?;
        if !parts.signed_headers.split(';').any(|name| name == "host") {
            return Err(Refusal::HostNotSigned);
        }
        if parts.algorithm != ALGORITHM {
            return Err(Refusal::Algorithm(parts.algorithm.into()));
        }
        let credential = Credential::parse(parts.credential)?;
        credential.check_scope(service, &date)?;
        let key = self
            .keys
            .find(credential.access_key_id)
            .ok_or(Refusal::UnknownKey)?;
        self.check_signature(request, &parts, &credential, &date, &key)?;
        check_token(request.headers, &key, now)?;
        let Credential {
            access_key_id,
            region,
            ..
        } = credential;
        Ok(Verified {
            key,
            access_key_id,
            region,
        })
    }

    fn check_signature(
        &self,
        request: &SignedRequest<'_>,
        parts: &Complete<'_>,
        credential: &Credential<'_>,
        date: &AmzDate,
        key: &Key,
    ) -> Result<(), Refusal> {
        let payload_hash = sha256_hex(request.body);
        let claimed = request.headers.get("x-amz-content-sha256");
        if claimed.is_some_and(|claimed| claimed != payload_hash.as_str())
            || !is_sorted_list(parts.signed_headers)
        {
            return Err(Refusal::Signature);
        }
        let canonical = request.canonical(parts.signed_headers, payload_hash.as_str());
        let text = string_to_sign(date, credential.scope, sha256_hex(&canonical).as_str());

        let kept = self.derived.find(credential, &key.secret);
        let signing_key = kept
            .clone()
            .unwrap_or_else(|| derive(&key.secret, credential));
        let expected = HexDigest::of(&mac(signing_key.clone(), text.as_bytes()));
        if !bool::from(
            expected
                .as_str()
                .as_bytes()
                .ct_eq(parts.signature.as_bytes()),
        ) {
            return Err(Refusal::Signature);
        }
        if kept.is_none() {
            self.derived.keep(credential, &key.secret, signing_key);
        }
        Ok(())
    }
}

/// Checks 3 and 4: one signature, in the header, of our family.
fn find_header<'a>(request: &SignedRequest<'a>) -> Result<&'a str, Refusal> {
    let header = request.headers.get(AUTHORIZATION);
    let signed_in_query = request
        .query
        .split('&')
        .any(|pair| pair.split_once('=').map_or(pair, |(name, _)| name) == "X-Amz-Algorithm");
    if header.is_some() && signed_in_query {
        return Err(Refusal::TwoSignatures);
    }
    header
        .and_then(|value| str::from_utf8(value.as_bytes()).ok())
        .filter(|text| text.starts_with("AWS4-"))
        .ok_or(Refusal::Unsigned)
}

/// The date as sent, and whether it came as `X-Amz-Date`.
fn find_date(headers: &HeaderMap) -> Option<(&[u8], bool)> {
    let own = headers
        .get("x-amz-date")
        .map(|value| (value.as_bytes(), true));
    own.or_else(|| headers.get(DATE).map(|value| (value.as_bytes(), false)))
}

/// Checks 5 and 6: the header's syntax, and that nothing is missing.
fn complete(header: &str, is_dated: bool) -> Result<Complete<'_>, Refusal> {
    let parsed = Authorization::parse(header)?;
    if let Authorization {
        algorithm,
        credential: Some(credential),
        signed_headers: Some(signed_headers),
        signature: Some(signature),
    } = parsed
        && is_dated
    {
        return Ok(Complete {
            algorithm,
            credential,
            signed_headers,
            signature,
        });
    }
    let parameters = [
        ("Credential", parsed.credential),
        ("Signature", parsed.signature),
        ("SignedHeaders", parsed.signed_headers),
    ];
    let mut missing: String = parameters
        .iter()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| format!("Authorization header requires '{name}' parameter. "))
        .collect();
    if !is_dated {
        missing += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' \
                    header. ";
    }
    Err(Refusal::Incomplete {
        missing,
        header: header.into(),
    })
}

/// Check 7.
fn parse_date((raw, is_amz_date): (&[u8], bool)) -> Result<AmzDate, Refusal> {
    let text = String::from_utf8_lossy(raw);
    let date = if is_amz_date {
        AmzDate::parse(&text)
    } else {
        AmzDate::parse_http(&text)
    };
    date.ok_or_else(|| Refusal::DateFormat(text.into_owned()))
}

/// Check 8.
fn check_clock(date: &AmzDate, now: Timestamp) -> Result<(), Refusal> {
    let age_ms = now.millis_since(date.at());
    let text = |moment| AmzDate::of(moment).as_str().to_owned();
    let (date, now_text) = (|| text(date.at()), || text(now));
    if age_ms > CLOCK_SKEW_MAX_MS {
        let earliest = text(now.plus_millis(-CLOCK_SKEW_MAX_MS));
        return Err(Refusal::Late {
            date: date(),
            earliest,
            now: now_text(),
        });
    }
    if age_ms < -CLOCK_SKEW_MAX_MS {
        let latest = text(now.plus_millis(CLOCK_SKEW_MAX_MS));
        return Err(Refusal::Early {
            date: date(),
            latest,
            now: now_text(),
        });
    }
    Ok(())
}

/// Lower case, ascending, none twice, as every signer writes the list. It also bounds the
/// canonical request: a header named a thousand times would be hashed a thousand times.
fn is_sorted_list(signed_headers: &str) -> bool {
    let names = || signed_headers.split(';');
    names().zip(names().skip(1)).all(|(one, next)| one < next)
        && !signed_headers.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn string_to_sign(date: &AmzDate, scope: &str, canonical_hash: &str) -> String {
    [ALGORITHM, date.as_str(), scope, canonical_hash].join("\n")
}

/// Check 15: temporary credentials come with their token, others without any.
fn check_token(headers: &HeaderMap, key: &Key, now: Timestamp) -> Result<(), Refusal> {
    let sent = headers
        .get("x-amz-security-token")
        .map_or(&b""[..], |value| value.as_bytes());
    let expected = key
        .session
        .as_ref()
        .map_or("", |session| session.token.as_str());
    if !bool::from(sent.ct_eq(expected.as_bytes())) {
        return Err(Refusal::Token);
    }
    match &key.session {
        Some(session) if session.expires <= now => Err(Refusal::TokenExpired),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
