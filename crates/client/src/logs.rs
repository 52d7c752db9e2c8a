//! The part of CloudWatch Logs that shows what a container wrote.
//!
//! The same pipeline as for ECS with another target and signing name, so reading logs
//! needs no further dependency. Shapes: [`model::cloudwatch_logs`].

use std::borrow::Borrow;
use std::fmt::Debug;

use model::cloudwatch_logs::{
    DescribeLogGroupsInput, DescribeLogGroupsOutput, DescribeLogStreamsInput,
    DescribeLogStreamsOutput, FilterLogEventsInput, FilterLogEventsOutput, GetLogEventsInput,
    GetLogEventsOutput,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::{CallFuture, Client, Facts};
use crate::options::CallOptions;

/// Logs calls of a [`Client`]; see [`Client::logs`].
#[derive(Debug, Clone, Copy)]
pub struct Logs<'a> {
    client: &'a Client,
    options: Option<&'a CallOptions>,
}

impl<'a> Logs<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self {
            client,
            options: None,
        }
    }

    /// Settings of the calls.
    #[must_use]
    pub fn options(mut self, options: &'a CallOptions) -> Self {
        self.options = Some(options);
        self
    }

    fn send<O>(&self, name: &'static str, input: &impl Serialize) -> CallFuture<'a, O>
    where
        O: DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let facts = Facts {
            name,
            token_member: None,
            path: None,
        };
        self.client.send_logs(&facts, input, self.options)
    }

    /// Events of one stream, oldest first with `start_from_head`. The end is reached
    /// when the token comes back that was sent.
    pub fn get_log_events(
        &self,
        input: impl Borrow<GetLogEventsInput>,
    ) -> CallFuture<'a, GetLogEventsOutput> {
        self.send("GetLogEvents", input.borrow())
    }

    /// Events of several streams of a group, by time.
    pub fn filter_log_events(
        &self,
        input: impl Borrow<FilterLogEventsInput>,
    ) -> CallFuture<'a, FilterLogEventsOutput> {
        self.send("FilterLogEvents", input.borrow())
    }

    /// Streams of a group.
    pub fn describe_log_streams(
        &self,
        input: impl Borrow<DescribeLogStreamsInput>,
    ) -> CallFuture<'a, DescribeLogStreamsOutput> {
        self.send("DescribeLogStreams", input.borrow())
    }

    /// Groups, by name.
    pub fn describe_log_groups(
        &self,
        input: impl Borrow<DescribeLogGroupsInput>,
    ) -> CallFuture<'a, DescribeLogGroupsOutput> {
        self.send("DescribeLogGroups", input.borrow())
    }
}
