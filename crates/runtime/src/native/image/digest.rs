//! SHA-256 digests, and a reader that computes one while others read through it.

use std::fmt;
use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::error::ImageError;

/// A digest `sha256:<64 hex digits>`; the only algorithm images use in practice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digest(String);

impl Digest {
    pub(super) fn parse(text: &str) -> Result<Self, ImageError> {
        let hex = text.strip_prefix("sha256:").unwrap_or_default();
        let valid = hex.len() == 64
            && hex
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if valid {
            return Ok(Self(hex.to_owned()));
        }
        Err(ImageError::corrupt(
            format!("digest `{text}`"),
            "it is not sha256: and 64 hex digits",
        ))
    }

    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(bytes)))
    }

    /// The hex digits alone: the form used in file names.
    pub(super) fn hex(&self) -> &str {
        &self.0
    }

    /// Refuses content whose digest is not the announced one.
    pub(super) fn expect(&self, expected: &Self, what: &str) -> Result<(), ImageError> {
        if self == expected {
            return Ok(());
        }
        Err(ImageError::DigestMismatch {
            what: what.to_owned(),
            expected: expected.to_string(),
            actual: self.to_string(),
        })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

/// Passes bytes through and digests them.
pub(super) struct Hashing<R> {
    inner: R,
    hasher: Sha256,
    zeros_at_end: u64,
}

impl<R: Read> Hashing<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            hasher: Sha256::new(),
            zeros_at_end: 0,
        }
    }

    /// Length of the run of zero bytes at the end of what was read so far. A complete tar
    /// archive ends in two blocks of them.
    pub(super) fn zeros_at_end(&self) -> u64 {
        self.zeros_at_end
    }

    /// Reads what is left.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }

    pub(super) fn digest(self) -> Digest {
        Digest(hex::encode(self.hasher.finalize()))
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let bytes = &buffer[..count];
        self.hasher.update(bytes);
        match bytes.iter().rposition(|byte| *byte != 0) {
            Some(last) => self.zeros_at_end = (count - last - 1) as u64,
            None => self.zeros_at_end += count as u64,
        }
        Ok(count)
    }
}
