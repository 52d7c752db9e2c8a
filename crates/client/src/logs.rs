//! The part of CloudWatch Logs that shows what a container wrote.
//!
//! The same pipeline as for ECS with another target and signing name, so reading logs
//! needs no further dependency. Shapes: [`model::cloudwatch_logs`].

use std::borrow::Borrow;

use model::cloudwatch_logs::{
    DescribeLogGroupsInput, DescribeLogGroupsOutput, DescribeLogStreamsInput,
    DescribeLogStreamsOutput, FilterLogEventsInput, FilterLogEventsOutput, GetLogEventsInput,
    GetLogEventsOutput,
};

use crate::client::{CallFuture, Client, Facts};

/// Logs calls of a [`Client`]; see [`Client::logs`].
#[derive(Debug, Clone, Copy)]
pub struct Logs<'a> {
    client: &'a Client,
}

impl<'a> Logs<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Events of one stream, oldest first with `start_from_head`. The end is reached
    /// when the token comes back that was sent.
    pub fn get_log_events(
        &self,
        input: impl Borrow<GetLogEventsInput>,
    ) -> CallFuture<'a, GetLogEventsOutput> {
        self.client.send_logs(facts("GetLogEvents"), input.borrow())
    }

    /// Events of several streams of a group, by time.
    pub fn filter_log_events(
        &self,
        input: impl Borrow<FilterLogEventsInput>,
    ) -> CallFuture<'a, FilterLogEventsOutput> {
        self.client
            .send_logs(facts("FilterLogEvents"), input.borrow())
    }

    /// Streams of a group.
    pub fn describe_log_streams(
        &self,
        input: impl Borrow<DescribeLogStreamsInput>,
    ) -> CallFuture<'a, DescribeLogStreamsOutput> {
        self.client
            .send_logs(facts("DescribeLogStreams"), input.borrow())
    }

    /// Groups, by name.
    pub fn describe_log_groups(
        &self,
        input: impl Borrow<DescribeLogGroupsInput>,
    ) -> CallFuture<'a, DescribeLogGroupsOutput> {
        self.client
            .send_logs(facts("DescribeLogGroups"), input.borrow())
    }
}

fn facts(name: &'static str) -> Facts {
    Facts {
        name,
        token_member: None,
        path: None,
    }
}
