//! The store under the operations of CloudWatch Logs, as callers use them.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use logs::{GroupName, LogsError, Store, StreamName, Writer};
use model::Timestamp;
use model::cloudwatch_logs::*;
use tempfile::TempDir;

mod describe;
mod events;

const GROUP: &str = "/ecs/app";

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

struct Logs {
    root: TempDir,
    store: Store,
}

impl Logs {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), "eu-west-1", "123456789012");
        Self { root, store }
    }

    fn writer(&self, group: &str, stream: &str) -> Writer {
        let (group, stream) = (
            GroupName::parse(group).unwrap(),
            StreamName::parse(stream).unwrap(),
        );
        Writer::open(self.root.path(), &group, &stream).unwrap()
    }

    /// Writes events `time message` to a stream of [`GROUP`].
    fn write(&self, stream: &str, events: &[(i64, &str)]) {
        let mut writer = self.writer(GROUP, stream);
        for (time, message) in events {
            writer
                .append(Timestamp::from_millis(*time), message.as_bytes())
                .unwrap();
        }
    }

    fn get(&self, input: GetLogEventsInput) -> (Vec<String>, String, String) {
        let input = GetLogEventsInput {
            log_group_name: text(GROUP),
            log_stream_name: text("s"),
            ..input
        };
        let output = self.store.get_log_events(&input).unwrap();
        let messages = output
            .events
            .into_iter()
            .map(|event| event.message.unwrap());
        (
            messages.collect(),
            output.next_forward_token.unwrap(),
            output.next_backward_token.unwrap(),
        )
    }

    fn filter(&self, input: FilterLogEventsInput) -> FilterLogEventsOutput {
        let input = FilterLogEventsInput {
            log_group_name: text(GROUP),
            ..input
        };
        self.store.filter_log_events(&input).unwrap()
    }
}

#[track_caller]
fn check_error<T: std::fmt::Debug>(result: Result<T, LogsError>, code: &str, part: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), code);
    assert!(error.to_string().contains(part), "{error}");
}
