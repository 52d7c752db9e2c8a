//! Identifiers: each kind has its own type, so that they cannot be mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What an identifier is not: neither 32 hexadecimal digits nor a UUID with dashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("identifier is neither 32 hexadecimal digits nor a UUID")]
pub struct IdError;

/// Reads the two forms in which ECS ids appear: 32 hex digits, or 36 characters with dashes.
fn parse_hex(text: &str) -> Result<u128, IdError> {
    let dashes_at = [8, 13, 18, 23];
    let digits: String = match text.len() {
        32 => text.to_owned(),
        36 if text.is_ascii() && dashes_at.iter().all(|&i| text.as_bytes()[i] == b'-') => {
            text.replace('-', "")
        }
        _ => return Err(IdError),
    };
    if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(IdError);
    }
    u128::from_str_radix(&digits, 16).map_err(|_| IdError)
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// From 128 random bits.
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_hex(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

hex_id!(
    /// The id of a task: the last part of its ARN, 32 hexadecimal digits.
    TaskId
);
hex_id!(
    /// The id of a container instance: the last part of its ARN, 32 hexadecimal digits.
    ContainerInstanceId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let parsed = text.parse::<TaskId>().ok().map(|id| id.to_string());
        assert_eq!(parsed.as_deref(), expected);
    }

    #[test]
    fn both_spellings_name_the_same_task() {
        let hex = "0c9f3a64b1c84b0f8d1f0b7c6f0a5e21";
        check(hex, Some(hex));
        check("0c9f3a64-b1c8-4b0f-8d1f-0b7c6f0a5e21", Some(hex));
        check(&hex.to_uppercase(), Some(hex));
    }

    #[test]
    fn everything_else_is_refused() {
        check("", None);
        check("0c9f3a64b1c84b0f8d1f0b7c6f0a5e2", None);
        check("0c9f3a64+b1c8+4b0f+8d1f+0b7c6f0a5e21", None);
        check("+c9f3a64b1c84b0f8d1f0b7c6f0a5e21", None);
        check("éééééééééééééééé", None);
    }
}
