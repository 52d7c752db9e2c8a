//! DescribeLogGroups and DescribeLogStreams.

use std::fs;
use std::io;
use std::path::Path;

use model::cloudwatch_logs::{
    DescribeLogGroupsInput, DescribeLogGroupsOutput, DescribeLogStreamsInput,
    DescribeLogStreamsOutput, LogGroup, LogStream,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::limit;
use crate::listing::{self, created};
use crate::name::decode;
use crate::store::STANDARD;
use crate::stream::StreamFile;
use crate::{GroupName, LogsError, Store, StreamName};

/// The most groups or streams in one answer, and the default.
const DESCRIBED_MAX: i32 = 50;

/// What answers are sorted by: the time (0 where the order is by name), the name.
type Place = (i64, String);

impl Store {
    /// DescribeLogGroups. Members about linked accounts have no effect: there are none.
    pub fn describe_log_groups(
        &self,
        input: &DescribeLogGroupsInput,
    ) -> Result<DescribeLogGroupsOutput, LogsError> {
        let limit = limit(input.limit, DESCRIBED_MAX)?;
        let after = input.next_token.as_deref().map(parse_place).transpose()?;
        let wanted = wanted_groups(input)?;
        let mut found = listing::groups(&self.root)?;
        found.retain(wanted);
        let places = found
            .iter()
            .map(|group| (0, group.as_str().to_owned()))
            .collect();
        let (names, next_token) = page(places, after, limit, false);
        let groups = names.iter().filter_map(|name| {
            let group = GroupName::parse(name).ok()?;
            self.log_group(&group).transpose()
        });
        Ok(DescribeLogGroupsOutput {
            log_groups: groups.collect::<Result<_, _>>()?,
            next_token,
        })
    }

    /// `None` if the group was deleted meanwhile.
    fn log_group(&self, group: &GroupName) -> Result<Option<LogGroup>, LogsError> {
        let folder = group.folder(&self.root);
        let Ok(metadata) = fs::metadata(&folder) else {
            return Ok(None);
        };
        let sizes = listing::streams(&folder)?;
        let sizes = sizes
            .iter()
            .filter_map(|stream| fs::metadata(stream.file(&folder)).ok());
        Ok(Some(LogGroup {
            log_group_name: Some(group.as_str().to_owned()),
            creation_time: created(&metadata),
            metric_filter_count: Some(0),
            arn: Some(format!("{}:*", self.group_arn(group))),
            log_group_arn: Some(self.group_arn(group)),
            log_group_class: Some(STANDARD.to_owned()),
            stored_bytes: Some(sizes.map(|file| file.len() as i64).sum()),
            retention_in_days: None,
        }))
    }

    /// DescribeLogStreams.
    pub fn describe_log_streams(
        &self,
        input: &DescribeLogStreamsInput,
    ) -> Result<DescribeLogStreamsOutput, LogsError> {
        let identifier = input.log_group_identifier.as_deref();
        let group = GroupName::choose(input.log_group_name.as_deref(), identifier)?;
        let limit = limit(input.limit, DESCRIBED_MAX)?;
        let by_time = by_time(input)?;
        let after = input.next_token.as_deref().map(parse_place).transpose()?;
        let folder = self.group_folder(&group)?;
        let prefix = input.log_stream_name_prefix.as_deref().unwrap_or_default();
        let mut places = Vec::new();
        for stream in listing::streams(&folder)? {
            if stream.as_str().starts_with(prefix) {
                let time = if by_time {
                    last_time(&folder, &stream)?
                } else {
                    0
                };
                places.push((time, stream.as_str().to_owned()));
            }
        }
        let (names, next_token) = page(places, after, limit, input.descending == Some(true));
        let mut log_streams = Vec::new();
        for name in &names {
            log_streams.push(self.log_stream(&group, &folder, &StreamName::parse(name)?)?);
        }
        Ok(DescribeLogStreamsOutput {
            log_streams,
            next_token,
        })
    }

    fn log_stream(
        &self,
        group: &GroupName,
        folder: &Path,
        stream: &StreamName,
    ) -> Result<LogStream, LogsError> {
        let path = stream.file(folder);
        let read = || -> io::Result<_> {
            let file = StreamFile::open(&path)?;
            let first = file.first_event(0, u64::MAX)?;
            Ok((fs::metadata(&path)?, first, file.last_event()?))
        };
        let (metadata, first, last) = read().map_err(|error| LogsError::io(&path, error))?;
        let last = last.map(|event| event.timestamp);
        Ok(LogStream {
            log_stream_name: Some(stream.as_str().to_owned()),
            creation_time: created(&metadata),
            first_event_timestamp: first.map(|event| event.timestamp),
            last_event_timestamp: last,
            last_ingestion_time: last,
            upload_sequence_token: None,
            arn: Some(self.stream_arn(group, stream)),
            stored_bytes: Some(metadata.len() as i64),
        })
    }
}

/// The condition that a group must meet.
fn wanted_groups(input: &DescribeLogGroupsInput) -> Result<impl Fn(&GroupName) -> bool, LogsError> {
    let prefix = input.log_group_name_prefix.as_deref();
    let pattern = input.log_group_name_pattern.as_deref();
    if prefix.is_some() && pattern.is_some() {
        let text = "logGroupNamePrefix and logGroupNamePattern cannot both be specified.";
        return Err(LogsError::Invalid(text.to_owned()));
    }
    let identifiers = input.log_group_identifiers.as_ref().map(|given| {
        given
            .iter()
            .map(|text| GroupName::identify(text))
            .collect::<Result<Vec<_>, _>>()
    });
    let identifiers = identifiers.transpose()?;
    let class = input
        .log_group_class
        .as_deref()
        .is_none_or(|class| class == STANDARD);
    Ok(move |group: &GroupName| {
        let name = group.as_str();
        class
            && prefix.is_none_or(|prefix| name.starts_with(prefix))
            && pattern.is_none_or(|pattern| name.contains(pattern))
            && identifiers
                .as_ref()
                .is_none_or(|groups| groups.contains(group))
    })
}

fn by_time(input: &DescribeLogStreamsInput) -> Result<bool, LogsError> {
    match input.order_by.as_deref() {
        None | Some("LogStreamName") => Ok(false),
        Some("LastEventTime") if input.log_stream_name_prefix.is_none() => Ok(true),
        Some("LastEventTime") => Err(LogsError::Invalid(
            "Cannot order by LastEventTime with a logStreamNamePrefix.".to_owned(),
        )),
        Some(other) => {
            let must = "satisfy enum value set: [LogStreamName, LastEventTime]";
            Err(LogsError::constraint("orderBy", other, must))
        }
    }
}

/// A stream without events sorts before all others.
fn last_time(folder: &Path, stream: &StreamName) -> Result<i64, LogsError> {
    let path = stream.file(folder);
    let event = StreamFile::open(&path).and_then(|file| file.last_event());
    let event = event.map_err(|error| LogsError::io(&path, error))?;
    Ok(event.map_or(i64::MIN, |event| event.timestamp))
}

/// The names of the page behind `after`, and the token of the next page.
fn page(
    mut places: Vec<Place>,
    after: Option<Place>,
    limit: usize,
    descending: bool,
) -> (Vec<String>, Option<String>) {
    places.sort_unstable();
    if descending {
        places.reverse();
    }
    if let Some(after) = after {
        places.retain(|place| {
            if descending {
                *place < after
            } else {
                *place > after
            }
        });
    }
    let more = places.len() > limit;
    places.truncate(limit);
    let next = places
        .last()
        .filter(|_| more)
        .map(|(time, name)| format!("{time}/{}", utf8_percent_encode(name, NON_ALPHANUMERIC)));
    (places.into_iter().map(|(_, name)| name).collect(), next)
}

fn parse_place(token: &str) -> Result<Place, LogsError> {
    let place = || {
        let (time, name) = token.split_once('/')?;
        Some((time.parse().ok()?, decode(name)?))
    };
    place().ok_or_else(LogsError::bad_token)
}
