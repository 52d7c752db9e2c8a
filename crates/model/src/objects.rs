//! Reading JSON in which a structure is an object, as the AWS protocols have it.
//!
//! What serde derives for a struct also takes an array of its members in order, so that
//! `["team","ops"]` would pass for a tag. Here a struct is asked for as a map is, which an array
//! does not satisfy, at every depth.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor,
};

/// # Errors
/// As of `serde_json::from_slice`, and for an array where a structure belongs.
pub fn from_slice<'a, T: Deserialize<'a>>(json: &'a [u8]) -> serde_json::Result<T> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = T::deserialize(Objects(&mut reader))?;
    reader.end()?;
    Ok(value)
}

/// Wraps whatever leads to a struct further down.
struct Objects<T>(T);

macro_rules! forward {
    ($($method:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method(Objects(visitor))
        })+
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Objects<D> {
    type Error = D::Error;

    forward! {
        deserialize_any deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_option deserialize_unit
        deserialize_seq deserialize_map deserialize_identifier deserialize_ignored_any
    }

    /// The point of it all.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Objects(visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_unit_struct(name, Objects(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, Objects(visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(length, Objects(visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0
            .deserialize_tuple_struct(name, length, Objects(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, Objects(visitor))
    }
}

macro_rules! visit {
    ($($method:ident $type:ty)+) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.0.$method(value)
        })+
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Objects<V> {
    type Value = V::Value;

    visit! {
        visit_bool bool visit_i64 i64 visit_u64 u64 visit_f64 f64
        visit_str &str visit_borrowed_str &'de str visit_string String
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, reader: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Objects(reader))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, reader: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Objects(reader))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Objects(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Objects(members))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(variant)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Objects<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Objects(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Objects<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Objects(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Objects<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Objects(reader))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::{RegisterTaskDefinitionInput, RunTaskInput};

    #[track_caller]
    fn check(json: &str, expected: &str) {
        let read = from_slice::<RunTaskInput>(json.as_bytes());
        let told = match read {
            Ok(input) => serde_json::to_string(&input).unwrap(),
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expected, "{json}");
    }

    #[test]
    fn an_array_is_no_structure_at_any_depth() {
        let place = |what: &str, column: usize| {
            format!("invalid type: sequence, expected struct {what} at line 1 column {column}")
        };
        check("[]", &place("RunTaskInput", 0));
        check(r#"{"tags":[["k","v"]]}"#, &place("Tag", 9));
        check(r#"{"overrides":[]}"#, &place("TaskOverride", 13));
        check(
            r#"{"overrides":{"containerOverrides":[{"environment":[[]]}]}}"#,
            &place("KeyValuePair", 52),
        );
    }

    #[test]
    fn the_rest_is_read_as_ever() {
        for json in [
            "{}",
            r#"{"count":3,"enableECSManagedTags":true,"tags":[{"key":"k","value":"v"}]}"#,
            r#"{"launchType":"EC2","overrides":{"containerOverrides":[{"cpu":1}]}}"#,
        ] {
            check(json, json);
        }
        check(r#"{"tags":null,"Other":[[1]],"tags2":{}}"#, "{}");
        check("{} x", "trailing characters at line 1 column 4");
        check(
            r#"{"count":"1"}"#,
            "invalid type: string \"1\", expected i32 at line 1 column 12",
        );
        // Maps of any key are no structures.
        let labels = br#"{"containerDefinitions":[{"dockerLabels":{"a":"b"}}]}"#;
        let read: RegisterTaskDefinitionInput = from_slice(labels).unwrap();
        assert_eq!(serde_json::to_vec(&read).unwrap(), labels);
    }
}
