//! Enumerations that stay open: a client must not break when the service
//! learns a word, and a server must be able to quote one it does not know.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Visitor};

/// Defines an enumeration from its variants and their wire values.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $wire:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $wire, "`")] $variant,)+
            /// A value outside [`Self::VALUES`]; made by `From`, so that it never holds a known one.
            Unknown(String),
        }

        impl $name {
            /// The known values, as on the wire.
            pub const VALUES: &[&str] = &[$($wire),+];

            /// The value on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)+
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($wire => Self::$variant,)+
                    _ => Self::Unknown(text.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::from(text.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self::from(text))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                crate::open_enum::deserialize(from)
            }
        }
    };
}
pub(crate) use open_enum;

/// Reads a word without keeping a copy of it.
pub(crate) fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: for<'a> From<&'a str>,
{
    struct Word<T>(PhantomData<T>);

    impl<T: for<'a> From<&'a str>> Visitor<'_> for Word<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E>(self, text: &str) -> Result<T, E> {
            Ok(T::from(text))
        }
    }

    deserializer.deserialize_str(Word(PhantomData))
}

#[cfg(test)]
mod tests {
    use crate::shapes::{HealthStatus, LaunchType};

    #[track_caller]
    fn check(wire: &str, expected: &LaunchType) {
        assert_eq!(LaunchType::from(wire), *expected);
        assert_eq!(expected.to_string(), wire);
        let json = serde_json::to_string(expected).unwrap();
        assert_eq!(
            serde_json::from_str::<LaunchType>(&json).unwrap(),
            *expected
        );
    }

    #[test]
    fn known_and_unknown_words_keep_their_spelling() {
        check("EC2", &LaunchType::Ec2);
        check("MANAGED_INSTANCES", &LaunchType::ManagedInstances);
        check("MOON", &LaunchType::Unknown("MOON".to_owned()));
        assert_eq!(
            LaunchType::VALUES,
            ["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"]
        );
    }

    #[test]
    fn the_value_named_unknown_is_a_known_one() {
        assert_eq!(HealthStatus::from("UNKNOWN"), HealthStatus::UnknownValue);
    }
}
