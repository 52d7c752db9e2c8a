//! FilterLogEvents: the events of several streams, merged.
//!
//! Events are ordered by time, stream name and offset. A token is the place of
//! the last event that was looked at; streams are searched again from there, so
//! that nothing is kept between calls.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

use model::cloudwatch_logs::{FilterLogEventsInput, FilterLogEventsOutput, FilteredLogEvent};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::limit;
use crate::get::{ANSWER_BYTES_MAX, EVENTS_MAX};
use crate::line::Event;
use crate::listing;
use crate::name::decode;
use crate::pattern::Pattern;
use crate::stream::StreamFile;
use crate::{GroupName, LogsError, Store, StreamName};

/// The most bytes of events one call looks at, however few of them match: the
/// answer then carries a token and perhaps no events, as on CloudWatch.
const SEARCHED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most streams that can be named in one call.
const STREAMS_NAMED_MAX: usize = 100;

/// How much of a stream is read at first and at most, in bytes.
const CHUNK_BYTES: (u64, u64) = (4 * 1024, 256 * 1024);

/// An event's place in the order of the answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    time: i64,
    stream: String,
    offset: u64,
}

impl Store {
    /// FilterLogEvents.
    pub fn filter_log_events(
        &self,
        input: &FilterLogEventsInput,
    ) -> Result<FilterLogEventsOutput, LogsError> {
        let identifier = input.log_group_identifier.as_deref();
        let group = GroupName::choose(input.log_group_name.as_deref(), identifier)?;
        let limit = limit(input.limit, EVENTS_MAX)?;
        let pattern = Pattern::parse(input.filter_pattern.as_deref().unwrap_or_default())?;
        let after = input.next_token.as_deref().map(parse_place).transpose()?;
        let folder = self.group_folder(&group)?;
        let mut merge = Merge::default();
        for stream in streams(&folder, input)? {
            merge.add(Cursor::open(
                &folder,
                &stream,
                input.start_time,
                after.as_ref(),
            )?)?;
        }
        merge.search(&pattern, limit, input.end_time.unwrap_or(i64::MAX))
    }
}

/// The streams to search, in the order of their names.
fn streams(folder: &Path, input: &FilterLogEventsInput) -> Result<Vec<StreamName>, LogsError> {
    let prefix = input.log_stream_name_prefix.as_deref();
    let Some(named) = &input.log_stream_names else {
        let mut all = listing::streams(folder)?;
        all.retain(|stream| stream.as_str().starts_with(prefix.unwrap_or_default()));
        return Ok(all);
    };
    if prefix.is_some() {
        let text = "logStreamNames and logStreamNamePrefix cannot both be specified.";
        return Err(LogsError::Invalid(text.to_owned()));
    }
    if named.is_empty() || named.len() > STREAMS_NAMED_MAX {
        let must = format!("have length between 1 and {STREAMS_NAMED_MAX}");
        let count = format!("{} names", named.len());
        return Err(LogsError::constraint("logStreamNames", &count, &must));
    }
    let mut streams = named
        .iter()
        .map(|name| StreamName::parse(name))
        .collect::<Result<Vec<_>, _>>()?;
    streams.sort();
    streams.dedup();
    match streams.iter().find(|stream| !stream.file(folder).is_file()) {
        Some(_) => Err(LogsError::StreamNotFound),
        None => Ok(streams),
    }
}

/// A stream and the events read ahead from it. Its file is open only while it is
/// read: a group may have more streams than a process may have files.
struct Cursor {
    stream: String,
    path: PathBuf,
    ahead: VecDeque<Event>,
    at: u64,
    chunk: u64,
}

impl Cursor {
    /// At the first event that is not before `start` and comes behind `after`.
    fn open(
        folder: &Path,
        stream: &StreamName,
        start: Option<i64>,
        after: Option<&Place>,
    ) -> Result<Self, LogsError> {
        let path = stream.file(folder);
        let (stream, chunk) = (stream.as_str().to_owned(), CHUNK_BYTES.0);
        let mut cursor = Self {
            stream,
            path,
            ahead: VecDeque::new(),
            at: 0,
            chunk,
        };
        if let Some(time) = start.max(after.map(|place| place.time)) {
            cursor.at = cursor.read(0, |file| file.position(time))?;
        }
        if let Some(after) = after {
            cursor.skip(after)?;
        }
        Ok(cursor)
    }

    fn skip(&mut self, after: &Place) -> Result<(), LogsError> {
        while self.place()?.is_some_and(|place| place <= *after) {
            self.ahead.pop_front();
        }
        Ok(())
    }

    /// The place of the next event.
    fn place(&mut self) -> Result<Option<Place>, LogsError> {
        self.fill()?;
        Ok(self.ahead.front().map(|event| Place {
            time: event.timestamp,
            stream: self.stream.clone(),
            offset: event.start,
        }))
    }

    fn fill(&mut self) -> Result<(), LogsError> {
        while self.ahead.is_empty() {
            let (at, chunk) = (self.at, self.chunk);
            let (events, next) = self.read((Vec::new(), at), |file| file.chunk(at, chunk))?;
            if next == at {
                break;
            }
            self.ahead.extend(events);
            (self.at, self.chunk) = (next, CHUNK_BYTES.1.min(chunk * 4));
        }
        Ok(())
    }

    /// `gone` if the stream was deleted meanwhile.
    fn read<T>(
        &self,
        gone: T,
        read: impl FnOnce(&StreamFile) -> io::Result<T>,
    ) -> Result<T, LogsError> {
        match StreamFile::open(&self.path).and_then(|file| read(&file)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(gone),
            result => result.map_err(|error| LogsError::io(&self.path, error)),
        }
    }
}

/// The events of all cursors in order.
#[derive(Default)]
struct Merge {
    cursors: Vec<Cursor>,
    /// The next place of each cursor that has one, with its index.
    next: BinaryHeap<Reverse<(Place, usize)>>,
}

impl Merge {
    fn add(&mut self, mut cursor: Cursor) -> Result<(), LogsError> {
        if let Some(place) = cursor.place()? {
            self.next.push(Reverse((place, self.cursors.len())));
            self.cursors.push(cursor);
        }
        Ok(())
    }

    fn pop(&mut self) -> Result<Option<(Place, Event)>, LogsError> {
        let Some(Reverse((place, index))) = self.next.pop() else {
            return Ok(None);
        };
        let cursor = &mut self.cursors[index];
        let event = cursor.ahead.pop_front();
        if let Some(place) = cursor.place()? {
            self.next.push(Reverse((place, index)));
        }
        Ok(event.map(|event| (place, event)))
    }

    fn search(
        mut self,
        pattern: &Pattern,
        limit: usize,
        end: i64,
    ) -> Result<FilterLogEventsOutput, LogsError> {
        let mut output = FilterLogEventsOutput::default();
        let (mut answered, mut searched) = (0, 0);
        let mut last = None;
        while let Some((place, event)) = self.pop()?.filter(|(place, _)| place.time <= end) {
            let (bytes, matches) = (event.bytes(), pattern.matches(&event.message));
            let no_room =
                matches && (output.events.len() == limit || answered + bytes > ANSWER_BYTES_MAX);
            if let Some(last) = &last
                && (no_room || searched > SEARCHED_BYTES_MAX)
            {
                output.next_token = Some(token(last));
                break;
            }
            searched += bytes;
            if matches {
                answered += bytes;
                output.events.push(filtered(&place, event));
            }
            last = Some(place);
        }
        Ok(output)
    }
}

fn filtered(place: &Place, event: Event) -> FilteredLogEvent {
    FilteredLogEvent {
        log_stream_name: Some(place.stream.clone()),
        timestamp: Some(event.timestamp),
        ingestion_time: Some(event.timestamp),
        message: Some(event.message),
        event_id: Some(event_id(place)),
    }
}

/// 56 digits, as CloudWatch's: time, offset, hash of the stream's name. Never
/// changes, because followers tell by it what they have seen.
fn event_id(place: &Place) -> String {
    // FNV-1a: needs to be the same in every release, not to withstand anyone.
    let hash = place
        .stream
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{:017}{:019}{hash:020}", place.time.max(0), place.offset)
}

fn token(place: &Place) -> String {
    let stream = utf8_percent_encode(&place.stream, NON_ALPHANUMERIC);
    format!("{}/{}/{stream}", place.time, place.offset)
}

fn parse_place(token: &str) -> Result<Place, LogsError> {
    let place = || {
        let mut parts = token.splitn(3, '/');
        let time = parts.next()?.parse().ok()?;
        let offset = parts.next()?.parse().ok()?;
        Some(Place {
            time,
            offset,
            stream: decode(parts.next()?)?,
        })
    };
    place().ok_or_else(LogsError::bad_token)
}
