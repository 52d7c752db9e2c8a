//! How long a call may take.

use std::time::Duration;

use aws_smithy_types::timeout::TimeoutConfig;

/// The time limits of a call; `None` means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Opening a connection. Default 3.1 s: one lost SYN may be sent again.
    pub connect: Option<Duration>,
    /// One attempt. Default 15 s.
    pub attempt: Option<Duration>,
    /// The whole call, waits between attempts included. Default 60 s.
    pub operation: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Some(Duration::from_millis(3100)),
            attempt: Some(Duration::from_secs(15)),
            operation: Some(Duration::from_secs(60)),
        }
    }
}

impl Timeouts {
    pub(crate) fn to_smithy(self) -> TimeoutConfig {
        let mut config = TimeoutConfig::builder();
        config.set_connect_timeout(self.connect);
        config.set_operation_attempt_timeout(self.attempt);
        config.set_operation_timeout(self.operation);
        config.build()
    }
}
