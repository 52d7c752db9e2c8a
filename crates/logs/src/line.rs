//! One event as one line of a file.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    /// Milliseconds since the epoch.
    t: i64,
    #[serde(borrow)]
    m: Cow<'a, str>,
}

/// An event and where its line stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Milliseconds since the epoch.
    pub(crate) timestamp: i64,
    pub(crate) message: String,
    /// The offset of the line's first byte.
    pub(crate) start: u64,
    /// The offset after the line's end.
    pub(crate) end: u64,
}

/// What an event adds to an answer, in bytes, besides its message: CloudWatch's count.
const EVENT_OVERHEAD_BYTES: usize = 26;

impl Event {
    /// What this event counts towards the size of an answer.
    pub(crate) fn bytes(&self) -> usize {
        self.message.len() + EVENT_OVERHEAD_BYTES
    }
}

/// Adds the event's line, with its end, to `out`.
pub(crate) fn encode(timestamp: i64, message: &str, out: &mut Vec<u8>) {
    let line = Line {
        t: timestamp,
        m: Cow::Borrowed(message),
    };
    // Numbers and text always have a JSON form, and a Vec takes every write.
    if serde_json::to_writer(&mut *out, &line).is_ok() {
        out.push(b'\n');
    }
}

/// The event of a line without its end; `None` for one torn by a crash.
pub(crate) fn decode(line: &[u8], start: u64) -> Option<Event> {
    let Line { t, m } = serde_json::from_slice(line).ok()?;
    let end = start + line.len() as u64 + 1;
    Some(Event {
        timestamp: t,
        message: m.into_owned(),
        start,
        end,
    })
}
