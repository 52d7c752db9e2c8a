//! Tokens of the several calls that one request becomes.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Longest token that RunTask takes.
const MAX_CHARS: usize = 64;

/// Digits of the digest that stands for a base that is too long to be extended.
const DIGEST_CHARS: usize = 40;

/// The token of a call: the base for the very first, so that a request of one call goes
/// out as its caller wrote it; then the base with the number of the round (`-r2`) and of
/// the call in it (`-2`), counted from 1. Whoever repeats all of it with the same base
/// sends the same tokens.
pub(super) fn derive(base: &str, round: u32, call: u32) -> String {
    let mut suffix = String::new();
    for (mark, number) in [("-r", round), ("-", call)] {
        if number > 1 {
            // Writing to a string does not fail.
            let _ = write!(suffix, "{mark}{number}");
        }
    }
    if suffix.is_empty() || base.len() + suffix.len() <= MAX_CHARS {
        return format!("{base}{suffix}");
    }
    let digest = hex::encode(Sha256::digest(base));
    format!("{}{suffix}", &digest[..DIGEST_CHARS])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_call_has_a_token_of_its_own_within_the_limit() {
        assert_eq!(derive("base", 1, 1), "base");
        assert_eq!(derive("base", 1, 3), "base-3");
        assert_eq!(derive("base", 2, 1), "base-r2");
        assert_eq!(derive("base", 12, 3), "base-r12-3");
        let (long, other) = ("a".repeat(64), "a".repeat(63) + "b");
        assert_eq!(derive(&long, 1, 1), long);
        let mut tokens = BTreeSet::new();
        for base in ["base", &long, &other] {
            for (round, call) in [(1, 1), (1, 2), (2, 1), (2, 2), (u32::MAX, u32::MAX)] {
                let token = derive(base, round, call);
                assert!(token.len() <= 64, "{token}");
                assert_eq!(token, derive(base, round, call));
                tokens.insert(token);
            }
        }
        assert_eq!(tokens.len(), 15);
    }
}
