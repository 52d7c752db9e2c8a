//! Signing keys: derived from a secret by four HMACs per day, region and service, then kept.

use std::sync::{Arc, Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Credential;

/// How many derived keys are kept. A client uses one per day, region and service; when more are in
/// use than fit, the oldest is derived again at its next use, which costs microseconds.
const SIGNING_KEYS_MAX: usize = 64;

/// HMAC-SHA-256 that has taken in its key; cloned for each text.
pub(super) type SigningKey = Hmac<Sha256>;

/// The keys derived of late.
#[derive(Default)]
pub struct SigningKeys {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    entries: Vec<Entry>,
    /// Where the oldest entry stands once all places are taken.
    oldest: usize,
}

struct Entry {
    access_key_id: String,
    scope: String,
    /// A key id may get another secret; what was derived from the old one must die with it.
    secret: Arc<str>,
    key: SigningKey,
}

impl Entry {
    fn is_for(&self, credential: &Credential<'_>, secret: &str) -> bool {
        self.access_key_id == credential.access_key_id
            && self.scope == credential.scope
            && *self.secret == *secret
    }
}

impl SigningKeys {
    pub(super) fn find(&self, credential: &Credential<'_>, secret: &str) -> Option<SigningKey> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = kept
            .entries
            .iter()
            .find(|entry| entry.is_for(credential, secret))?;
        Some(entry.key.clone())
    }

    /// Only after a signature was right: strangers cannot push others' keys out.
    pub(super) fn keep(&self, credential: &Credential<'_>, secret: &Arc<str>, key: SigningKey) {
        let entry = Entry {
            access_key_id: credential.access_key_id.into(),
            scope: credential.scope.into(),
            secret: Arc::clone(secret),
            key,
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept
            .entries
            .iter()
            .any(|other| other.is_for(credential, secret))
        {
            return;
        }
        if kept.entries.len() < SIGNING_KEYS_MAX {
            kept.entries.push(entry);
        } else {
            let at = kept.oldest;
            kept.entries[at] = entry;
            kept.oldest = (at + 1) % SIGNING_KEYS_MAX;
        }
    }
}

/// `HMAC("AWS4" + secret, date)`, then over region, service and terminator.
pub(super) fn derive(secret: &str, credential: &Credential<'_>) -> SigningKey {
    let start = [b"AWS4", secret.as_bytes()].concat();
    [
        credential.date,
        credential.region,
        credential.service,
        credential.terminator,
    ]
    .into_iter()
    .fold(keyed(&start), |key, part| keyed(&mac(key, part.as_bytes())))
}

/// The code of one text.
pub(super) fn mac(key: SigningKey, text: &[u8]) -> [u8; 32] {
    key.chain_update(text).finalize().into_bytes().into()
}

fn keyed(key: &[u8]) -> SigningKey {
    SigningKey::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// Keys are compared by what they make of one text.
    fn fingerprint(key: SigningKey) -> String {
        hex::encode(mac(key, b"text"))
    }

    /// The published derivation example (20150830, us-east-1, iam).
    #[test]
    fn the_published_key_is_derived() {
        let credential = Credential::parse("AKID/20150830/us-east-1/iam/aws4_request").unwrap();
        let published = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9";
        let published = keyed(&hex::decode(published).unwrap());
        assert_eq!(
            fingerprint(derive(SECRET, &credential)),
            fingerprint(published)
        );
    }

    #[test]
    fn a_kept_key_is_bound_to_its_scope_and_secret() {
        let keys = SigningKeys::default();
        let secret = Arc::from(SECRET);
        let monday = Credential::parse("AKID/20260105/eu-west-1/ecs/aws4_request").unwrap();
        let tuesday = Credential::parse("AKID/20260106/eu-west-1/ecs/aws4_request").unwrap();
        keys.keep(&monday, &secret, derive(SECRET, &monday));
        assert!(keys.find(&monday, SECRET).is_some());
        assert!(keys.find(&monday, "rotated").is_none());
        assert!(keys.find(&tuesday, SECRET).is_none());
    }

    #[test]
    fn the_oldest_gives_way() {
        let keys = SigningKeys::default();
        let secret = Arc::from(SECRET);
        let names: Vec<_> = (0..SIGNING_KEYS_MAX + 2)
            .map(|n| format!("AKID{n}/20260105/eu-west-1/ecs/aws4_request"))
            .collect();
        for name in &names {
            let credential = Credential::parse(name).unwrap();
            keys.keep(&credential, &secret, derive(SECRET, &credential));
        }
        let found: Vec<_> = names
            .iter()
            .map(|name| {
                keys.find(&Credential::parse(name).unwrap(), SECRET)
                    .is_some()
            })
            .collect();
        assert_eq!(
            found.iter().filter(|found| **found).count(),
            SIGNING_KEYS_MAX
        );
        assert_eq!(found[..3], [false, false, true]);
    }
}
