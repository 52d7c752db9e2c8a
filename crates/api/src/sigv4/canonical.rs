//! The canonical request: the one text that caller and server both hash.

use http::{HeaderMap, Method};
use sha2::{Digest, Sha256};

/// What a signature speaks about.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    pub method: &'a Method,
    /// As received, percent-encoding included.
    pub path: &'a str,
    /// As received, without the question mark.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

impl SignedRequest<'_> {
    /// The canonical request over the headers that `signed_headers` names (lower case, sorted).
    /// The payload hash is always that of the body received, so `UNSIGNED-PAYLOAD` cannot match.
    pub(super) fn canonical(&self, signed_headers: &str, payload_hash: &str) -> Vec<u8> {
        let mut text = Vec::with_capacity(512);
        text.extend_from_slice(self.method.as_str().as_bytes());
        text.push(b'\n');
        push_path(&mut text, self.path);
        text.push(b'\n');
        push_query(&mut text, self.query);
        text.push(b'\n');
        for name in signed_headers.split(';') {
            push_header(&mut text, name, self.headers);
        }
        text.push(b'\n');
        text.extend_from_slice(signed_headers.as_bytes());
        text.push(b'\n');
        text.extend_from_slice(payload_hash.as_bytes());
        text
    }
}

/// SHA-256 as 64 lower-case hex digits.
pub(super) fn sha256_hex(data: &[u8]) -> HexDigest {
    HexDigest::of(&Sha256::digest(data))
}

/// 32 bytes as text, without an allocation.
#[derive(Clone, Copy)]
pub(super) struct HexDigest([u8; 64]);

impl HexDigest {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut text = [0; 64];
        hex::encode_to_slice(bytes, &mut text).expect("SHA-256 has 32 bytes");
        Self(text)
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("hex digits are ASCII")
    }
}

/// Dot segments and empty segments are resolved, then each byte outside the unreserved set is
/// encoded: the path arrives encoded once, so an escape is encoded twice, as all services but S3
/// want it.
fn push_path(text: &mut Vec<u8>, path: &str) {
    if path.is_empty() || path == "/" {
        text.push(b'/');
        return;
    }
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    for segment in &segments {
        text.push(b'/');
        push_encoded(text, segment.bytes());
    }
    let is_directory = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    if is_directory || segments.is_empty() {
        text.push(b'/');
    }
}

/// Sorted by encoded name, then value; a name without a value gets an equal sign.
fn push_query(text: &mut Vec<u8>, query: &str) {
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encoded_once(name), encoded_once(value)))
        .collect();
    pairs.sort();
    for (at, (name, value)) in pairs.iter().enumerate() {
        if at > 0 {
            text.push(b'&');
        }
        text.extend_from_slice(name);
        text.push(b'=');
        text.extend_from_slice(value);
    }
}

/// Unlike a path, a query is encoded once: escapes in it are undone first.
fn encoded_once(part: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(part.len());
    push_encoded(&mut text, unescaped(part.as_bytes()).into_iter());
    text
}

fn unescaped(part: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut at = 0;
    while at < part.len() {
        let mut byte = [0];
        let escape = part.get(at + 1..at + 3).filter(|_| part[at] == b'%');
        if escape.is_some_and(|digits| hex::decode_to_slice(digits, &mut byte).is_ok()) {
            bytes.push(byte[0]);
            at += 3;
        } else {
            bytes.push(part[at]);
            at += 1;
        }
    }
    bytes
}

fn push_encoded(text: &mut Vec<u8>, bytes: impl Iterator<Item = u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(byte);
        } else {
            let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
            text.extend_from_slice(&[b'%', DIGITS[high], DIGITS[low]]);
        }
    }
}

/// `name:value\n`, several values joined by commas. A header that is signed but absent counts as
/// empty, which no signer signs.
fn push_header(text: &mut Vec<u8>, name: &str, headers: &HeaderMap) {
    text.extend_from_slice(name.as_bytes());
    text.push(b':');
    for (at, value) in headers.get_all(name).iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        push_collapsed(text, value.as_bytes());
    }
    text.push(b'\n');
}

/// Trimmed, inner runs of blanks as one blank.
fn push_collapsed(text: &mut Vec<u8>, value: &[u8]) {
    let value = value.trim_ascii();
    let mut after_blank = false;
    for &byte in value {
        if !(byte == b' ' && after_blank) {
            text.push(byte);
        }
        after_blank = byte == b' ';
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(push: fn(&mut Vec<u8>, &str), text: &str, canonical: &str) {
        let mut got = Vec::new();
        push(&mut got, text);
        assert_eq!(String::from_utf8(got).unwrap(), canonical);
    }

    #[test]
    fn paths() {
        check(push_path, "", "/");
        check(push_path, "/", "/");
        check(push_path, "//example//", "/example/");
        check(push_path, "/a/../..", "/");
        check(push_path, "/./a/.", "/a/");
        check(push_path, "/_longshore/v1/why/1", "/_longshore/v1/why/1");
        check(push_path, "/a%20b", "/a%2520b");
        check(push_path, "/ü", "/%C3%BC");
    }

    #[test]
    fn queries() {
        check(push_query, "", "");
        check(push_query, "b&a=2&a=1", "a=1&a=2&b=");
        check(push_query, "a=%7e%2F+%zz%4", "a=~%2F%2B%25zz%254");
        check(push_query, "a=b=c", "a=b%3Dc");
    }

    #[test]
    fn header_values() {
        let collapse = |text: &mut Vec<u8>, value: &str| push_collapsed(text, value.as_bytes());
        check(collapse, "  a   b  ", "a b");
        check(collapse, "", "");
    }

    proptest! {
        #[test]
        fn nothing_panics_and_the_text_is_ascii(path in ".{0,30}", query in ".{0,30}") {
            let mut text = Vec::new();
            push_path(&mut text, &path);
            push_query(&mut text, &query);
            prop_assert!(text.is_ascii());
        }
    }
}
