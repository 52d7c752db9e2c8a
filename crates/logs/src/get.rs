//! GetLogEvents: pages of one stream, in both directions, and following it.
//!
//! A token is a direction and a byte offset. At the end of the stream the forward
//! token is the one that was sent; sent again later, it gives what came since.

use std::io;

use model::cloudwatch_logs::{GetLogEventsInput, GetLogEventsOutput, OutputLogEvent};

use crate::error::limit;
use crate::line::Event;
use crate::stream::{Page, PageLimit, StreamFile};
use crate::{GroupName, LogsError, Store, StreamName};

/// The most events in one answer, and the default.
pub(crate) const EVENTS_MAX: i32 = 10_000;

/// The most bytes of events in one answer, as CloudWatch counts them: 1 MiB.
pub(crate) const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Where a page begins.
#[derive(Clone, Copy)]
enum From {
    Head,
    Tail,
    /// Forwards from an offset.
    Forward(u64),
    /// Backwards from an offset.
    Backward(u64),
}

impl Store {
    /// GetLogEvents.
    pub fn get_log_events(
        &self,
        input: &GetLogEventsInput,
    ) -> Result<GetLogEventsOutput, LogsError> {
        let identifier = input.log_group_identifier.as_deref();
        let group = GroupName::choose(input.log_group_name.as_deref(), identifier)?;
        let stream = StreamName::parse(input.log_stream_name.as_deref().unwrap_or_default())?;
        let events = limit(input.limit, EVENTS_MAX)?;
        let from = match input.next_token.as_deref() {
            Some(token) => parse_token(token)?,
            None if input.start_from_head == Some(true) => From::Head,
            None => From::Tail,
        };
        let path = stream.file(&self.group_folder(&group)?);
        let file = StreamFile::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => LogsError::StreamNotFound,
            _ => LogsError::io(&path, error),
        })?;
        let limit = PageLimit {
            events,
            bytes: ANSWER_BYTES_MAX,
        };
        let page = read(&file, input, from, limit).map_err(|error| LogsError::io(&path, error))?;
        Ok(GetLogEventsOutput {
            next_forward_token: Some(format!("f/{}", page.end)),
            next_backward_token: Some(format!("b/{}", page.start)),
            events: page.events.into_iter().map(output).collect(),
        })
    }
}

fn read(
    file: &StreamFile,
    input: &GetLogEventsInput,
    from: From,
    limit: PageLimit,
) -> io::Result<Page> {
    let end = file.end()?;
    let until = input.end_time.map_or(Ok(end), |time| file.position(time))?;
    let start = input.start_time.map_or(Ok(0), |time| file.position(time))?;
    match from {
        From::Head => file.forward(start, until, limit),
        From::Tail => file.backward(start, until, limit),
        // An offset within a line comes from before a failed write was taken back.
        From::Forward(at) => file.forward(file.line_start(at)?.max(start), until, limit),
        From::Backward(at) => file.backward(start, file.line_start(at)?.min(until), limit),
    }
}

fn parse_token(token: &str) -> Result<From, LogsError> {
    let (direction, offset) = token.split_once('/').ok_or_else(LogsError::bad_token)?;
    let offset = offset.parse().map_err(|_| LogsError::bad_token())?;
    match direction {
        "f" => Ok(From::Forward(offset)),
        "b" => Ok(From::Backward(offset)),
        _ => Err(LogsError::bad_token()),
    }
}

fn output(event: Event) -> OutputLogEvent {
    OutputLogEvent {
        timestamp: Some(event.timestamp),
        ingestion_time: Some(event.timestamp),
        message: Some(event.message),
    }
}
