//! What an operation is: a request shape, an answer shape, a name, and the
//! facts of the model about it.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::ErrorCode;
use crate::operations::OPERATIONS;

/// A request or an answer.
pub trait Message:
    Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

impl<T> Message for T where
    T: Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

/// One operation of the API. Implemented by the types in [`crate::operations`].
pub trait Operation: Send + Sync + 'static {
    type Input: Message;
    type Output: Message;

    /// What stands after the dot in `X-Amz-Target`.
    const NAME: &'static str;
    const FACTS: &'static OperationFacts;

    /// It changes nothing.
    const READ_ONLY: bool = Self::FACTS.read_only;
    /// Wire name of the member that a client fills with a fresh token.
    const IDEMPOTENCY_TOKEN: Option<&'static str> = Self::FACTS.idempotency_token;

    /// The place of that token in a request.
    fn idempotency_token(_input: &mut Self::Input) -> Option<&mut Option<String>> {
        None
    }
}

/// What the model says of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationFacts {
    pub name: &'static str,
    pub read_only: bool,
    /// Doing it twice is doing it once.
    pub idempotent: bool,
    pub idempotency_token: Option<&'static str>,
    /// The errors it declares, in alphabetical order. Others can come from the
    /// front of the service.
    pub errors: &'static [ErrorCode],
    pub pages: Option<Pages>,
}

/// How an operation is paged: wire names of the members that take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages {
    pub input_token: &'static str,
    pub limit_key: &'static str,
    pub output_token: &'static str,
    pub result_key: &'static str,
}

impl OperationFacts {
    /// The facts of the operation with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        let found = OPERATIONS.binary_search_by(|facts| facts.name.cmp(name));
        found.ok().map(|at| &OPERATIONS[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::{ListTasks, RunTask};

    #[test]
    fn the_table_is_found_by_name() {
        for facts in OPERATIONS {
            assert_eq!(OperationFacts::find(facts.name), Some(facts));
        }
        assert_eq!(OperationFacts::find("RunTasks"), None);
    }

    #[test]
    fn an_operation_carries_its_facts() {
        const { assert!(ListTasks::READ_ONLY && !RunTask::READ_ONLY) };
        assert_eq!(
            ListTasks::FACTS.pages.map(|pages| pages.result_key),
            Some("taskArns")
        );
        assert_eq!(RunTask::IDEMPOTENCY_TOKEN, Some("clientToken"));
        let mut input = <RunTask as Operation>::Input::default();
        *RunTask::idempotency_token(&mut input).unwrap() = Some("t".into());
        assert_eq!(input.client_token.as_deref(), Some("t"));
    }

    #[test]
    fn only_faults_of_the_server_are_500() {
        let faults: Vec<_> = ErrorCode::ALL
            .iter()
            .filter(|code| code.status() == 500)
            .collect();
        assert_eq!(faults, [&ErrorCode::ServerException]);
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_name(code.name()), Some(*code));
        }
    }
}
