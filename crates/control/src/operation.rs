//! Decode, run, encode: written once for all operations, so that none can forget a step.

use model::errors::ErrorCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cx::{Cx, ReadCx};
use crate::error::OpError;

/// One row of the generated table in [`crate::ops`].
pub struct Entry {
    pub name: &'static str,
    /// The IAM action.
    pub action: &'static str,
    /// Decodes the body; `None` where this server does not build the operation.
    pub prepare: Option<Prepare>,
    /// The model lets the operation answer `UnsupportedFeatureException`.
    pub declares_unsupported: bool,
}

pub type Prepare = fn(&[u8]) -> Result<Prepared, OpError>;

/// A decoded call. Decoding happens on the connection's thread, running on the writer's.
pub enum Prepared {
    Read(ReadCall),
    Write(WriteCall),
}

pub type ReadCall = Box<dyn FnOnce(&ReadCx<'_>) -> Outcome + Send>;
pub type WriteCall = Box<dyn FnOnce(&mut Cx<'_>) -> Outcome + Send>;
pub type Outcome = Result<Answer, OpError>;

/// An output that waits to be written as JSON, away from the writer's thread.
pub type Answer = Box<dyn Encode>;

pub trait Encode: Send {
    fn to_json(&self) -> Result<Vec<u8>, OpError>;
}

impl<T: Serialize + Send> Encode for T {
    fn to_json(&self) -> Result<Vec<u8>, OpError> {
        serde_json::to_vec(self).map_err(|cause| OpError::internal(format!("encoding: {cause}")))
    }
}

/// Finds an operation by its name; the table is sorted.
pub fn find(name: &str) -> Option<&'static Entry> {
    let table = crate::ops::OPERATIONS;
    table
        .binary_search_by(|entry| entry.name.cmp(name))
        .ok()
        .map(|index| &table[index])
}

impl Entry {
    /// Decodes the body for this operation, or says that the operation is not built.
    pub fn prepare(&self, body: &[u8]) -> Result<Prepared, OpError> {
        match self.prepare {
            Some(prepare) => prepare(body),
            None => Err(self.not_built()),
        }
    }

    fn not_built(&self) -> OpError {
        if self.declares_unsupported {
            OpError::unsupported(self.name)
        } else {
            OpError::client(format!("{} is not supported by this server.", self.name))
        }
    }
}

pub(crate) fn read<I, O>(
    body: &[u8],
    operation: fn(&ReadCx<'_>, I) -> Result<O, OpError>,
) -> Result<Prepared, OpError>
where
    I: DeserializeOwned + Send + 'static,
    O: Serialize + Send + 'static,
{
    let input: I = decode(body)?;
    Ok(Prepared::Read(Box::new(move |cx| {
        operation(cx, input).map(|output| Box::new(output) as _)
    })))
}

pub(crate) fn write<I, O>(
    body: &[u8],
    operation: fn(&mut Cx<'_>, I) -> Result<O, OpError>,
) -> Result<Prepared, OpError>
where
    I: DeserializeOwned + Send + 'static,
    O: Serialize + Send + 'static,
{
    let input: I = decode(body)?;
    Ok(Prepared::Write(Box::new(move |cx| {
        operation(cx, input).map(|output| Box::new(output) as _)
    })))
}

fn decode<I: DeserializeOwned>(body: &[u8]) -> Result<I, OpError> {
    model::objects::from_slice(body)
        .map_err(|cause| OpError::new(ErrorCode::SerializationException, cause.to_string()))
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn an_operation_that_is_not_built_answers_an_error_it_declares() {
        let mut world = World::new();
        let mut check = |operation: &str, expected: &str| world.refused(operation, "{}", expected);
        check(
            "CreateService",
            "UnsupportedFeatureException: Feature not supported by this server: CreateService.",
        );
        check(
            "UpdateService",
            "UnsupportedFeatureException: Feature not supported by this server: UpdateService.",
        );
        check(
            "ExecuteCommand",
            "ClientException: ExecuteCommand is not supported by this server.",
        );
        assert!(super::find("Dance").is_none());
        assert!(super::find("runTask").is_none());
    }

    #[test]
    fn a_body_of_the_wrong_form_is_a_serialization_error() {
        let mut world = World::new();
        for body in [
            "",
            "[]",
            "{",
            r#"{"count":"one"}"#,
            r#"{"count":1.5}"#,
            r#"{"cluster":1}"#,
            r#"{"count":2147483648}"#,
            r#"{"count":true}"#,
            r#"{"cluster":"a","cluster":"b"}"#,
            r#"{"tags":{"key":"k"}}"#,
            r#"{"tags":[null]}"#,
            r#"{"tags":[["k","v"]]}"#,
            r#"{"overrides":[]}"#,
            r#"{"cluster":"\ud800"}"#,
            r#"{"cluster":"a"#,
        ] {
            let answer = world.call("RunTask", body);
            assert!(
                answer.starts_with("SerializationException: "),
                "{body}: {answer}"
            );
        }
    }

    #[test]
    fn unknown_members_are_ignored_and_null_is_absent() {
        let mut world = World::with_app();
        let body = r#"{"taskDefinition":"app","count":null,"cluster":null,"moon":{"full":true}}"#;
        assert_eq!(world.run(body).len(), 1);
    }
}
