//! How long a call may take.

use std::time::Duration;

use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::timeout::TimeoutConfig;

/// The time limits of a call; `None` means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Opening a connection. Default 3.1 s: one lost SYN may be sent again.
    pub connect: Option<Duration>,
    /// From sending a request to the head of the answer. Default none: `attempt` covers it.
    pub read: Option<Duration>,
    /// How long the body of an answer may come at less than 1 byte/s. Default 5 s.
    pub stalled: Option<Duration>,
    /// One attempt. Default 15 s.
    pub attempt: Option<Duration>,
    /// The whole call, waits between attempts included. Default 60 s.
    pub operation: Option<Duration>,
    /// Getting keys from a provider, as part of an attempt. Default 10 s: a metadata
    /// service that does not answer has been given up by then.
    pub credentials: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Some(Duration::from_millis(3100)),
            read: None,
            stalled: Some(Duration::from_secs(5)),
            attempt: Some(Duration::from_secs(15)),
            operation: Some(Duration::from_secs(60)),
            credentials: Some(Duration::from_secs(10)),
        }
    }
}

impl Timeouts {
    /// Says for every limit whether there is one, because what is not said is taken from
    /// the layer below: the client's for a call, the runtime's for a client.
    pub(crate) fn to_smithy(self) -> TimeoutConfig {
        let config = TimeoutConfig::builder();
        let config = match self.connect {
            Some(limit) => config.connect_timeout(limit),
            None => config.disable_connect_timeout(),
        };
        let config = match self.read {
            Some(limit) => config.read_timeout(limit),
            None => config.disable_read_timeout(),
        };
        let config = match self.attempt {
            Some(limit) => config.operation_attempt_timeout(limit),
            None => config.disable_operation_attempt_timeout(),
        };
        let config = match self.operation {
            Some(limit) => config.operation_timeout(limit),
            None => config.disable_operation_timeout(),
        };
        config.build()
    }

    pub(crate) fn stalled_to_smithy(self) -> StalledStreamProtectionConfig {
        match self.stalled {
            Some(grace) => StalledStreamProtectionConfig::enabled()
                .upload_enabled(false)
                .grace_period(grace)
                .build(),
            None => StalledStreamProtectionConfig::disabled(),
        }
    }

    /// The same, with the whole call ending after `left` at the latest.
    pub(crate) fn within(mut self, left: Duration) -> Self {
        self.operation = Some(self.operation.map_or(left, |limit| limit.min(left)));
        self
    }
}
