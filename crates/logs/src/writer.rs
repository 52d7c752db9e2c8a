//! Appending to one stream.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use model::Timestamp;

use crate::line;
use crate::stream::StreamFile;
use crate::{GroupName, LogsError, StreamName};

/// The longest message of one event, in bytes; a longer one becomes several
/// events. CloudWatch's limit was this before it was raised to 1 MiB.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// How much is read at a time when events are counted.
const CHUNK_BYTES: u64 = 1024 * 1024;

/// Appends to one stream; there should be one writer per stream at a time.
#[derive(Debug)]
pub struct Writer {
    file: File,
    /// The time of the newest event: later events never get an earlier one.
    last: i64,
    /// The file ends with a line that has no end: left there by a crash.
    torn: bool,
    lines: Vec<u8>,
}

impl Writer {
    /// Opens the stream, creating it and its group if they are missing.
    pub fn open(root: &Path, group: &GroupName, stream: &StreamName) -> Result<Self, LogsError> {
        let path = stream.file(&group.folder(root));
        let fail = |source| LogsError::io(&path, source);
        if let Some(folder) = path.parent() {
            create_folder(folder).map_err(fail)?;
        }
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(fail)?;
        let stream = StreamFile::of(file.try_clone().map_err(fail)?);
        let length = stream.length().map_err(fail)?;
        let end = stream.end().map_err(fail)?;
        let last = stream
            .last_event()
            .map_err(fail)?
            .map_or(i64::MIN, |event| event.timestamp);
        Ok(Self {
            file,
            last,
            torn: end < length,
            lines: Vec::new(),
        })
    }

    /// The length of the stream in bytes.
    pub fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// How many events stand behind the position `start`, an earlier [`Writer::length`].
    pub fn events_since(&self, start: u64) -> io::Result<u64> {
        let stream = StreamFile::of(self.file.try_clone()?);
        let (mut count, mut from) = (0, start);
        loop {
            let (events, end) = stream.chunk(from, CHUNK_BYTES)?;
            if end == from {
                return Ok(count);
            }
            count += events.len() as u64;
            from = end;
        }
    }

    /// Appends one message, given without its line end, at a time. Bytes that are
    /// not UTF-8 are replaced. See [`Writer::append_all`] for errors.
    pub fn append(&mut self, timestamp: Timestamp, message: &[u8]) -> io::Result<()> {
        self.append_all([(timestamp, message)])
    }

    /// Appends messages with a single write, after which readers see them; they
    /// are not synced to the disk. After an error (a full disk) none of them is
    /// there and the writer can be used again.
    pub fn append_all<'a>(
        &mut self,
        messages: impl IntoIterator<Item = (Timestamp, &'a [u8])>,
    ) -> io::Result<()> {
        self.lines.clear();
        if self.torn {
            self.lines.push(b'\n');
        }
        let mut last = self.last;
        for (timestamp, message) in messages {
            last = last.max(timestamp.millis());
            for part in parts(&String::from_utf8_lossy(message)) {
                line::encode(last, part, &mut self.lines);
            }
        }
        self.write()?;
        (self.last, self.torn) = (last, false);
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        let before = self.file.metadata()?.len();
        let Err(error) = self.file.write_all(&self.lines) else {
            return Ok(());
        };
        // A write that failed half-way leaves part of the batch. Should it stay
        // after all, its last line is torn, which readers and the next write expect.
        self.torn |= self.file.set_len(before).is_err();
        Err(error)
    }
}

/// Makes a group's folder and what lies above it; logs are their owner's only.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Cuts a message into parts of at most [`MESSAGE_BYTES_MAX`], between characters.
/// An empty message is one empty part: an empty line is an event.
fn parts(message: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(message);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        if text.len() <= MESSAGE_BYTES_MAX {
            return Some(text);
        }
        let (part, more) = text.split_at(text.floor_char_boundary(MESSAGE_BYTES_MAX));
        rest = Some(more);
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture {
        root: tempfile::TempDir,
        group: GroupName,
        stream: StreamName,
    }

    impl Fixture {
        fn new() -> Self {
            Self {
                root: tempfile::tempdir().unwrap(),
                group: GroupName::parse("/ecs/app").unwrap(),
                stream: StreamName::parse("ecs/app/1").unwrap(),
            }
        }

        fn open(&self) -> Writer {
            Writer::open(self.root.path(), &self.group, &self.stream).unwrap()
        }

        fn path(&self) -> std::path::PathBuf {
            self.stream.file(&self.group.folder(self.root.path()))
        }

        fn events(&self) -> Vec<(i64, String)> {
            let stream = StreamFile::open(&self.path()).unwrap();
            let (events, _) = stream.chunk(0, 1 << 30).unwrap();
            events
                .into_iter()
                .map(|event| (event.timestamp, event.message))
                .collect()
        }
    }

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn bytes_that_are_not_text_are_replaced_and_empty_lines_kept() {
        let fixture = Fixture::new();
        let mut writer = fixture.open();
        writer
            .append_all([(at(1), b"a\xffb\"\x1b[0m".as_slice()), (at(2), b"")])
            .unwrap();
        let expected = [(1, "a\u{fffd}b\"\u{1b}[0m".to_owned()), (2, String::new())];
        assert_eq!(fixture.events(), expected);
    }

    #[test]
    fn long_messages_are_split_between_characters() {
        let fixture = Fixture::new();
        let message = format!("x{}", "é".repeat(MESSAGE_BYTES_MAX));
        fixture.open().append(at(5), message.as_bytes()).unwrap();
        let events = fixture.events();
        let lengths: Vec<usize> = events.iter().map(|(_, message)| message.len()).collect();
        assert_eq!(lengths, [MESSAGE_BYTES_MAX - 1, MESSAGE_BYTES_MAX, 2]);
        assert_eq!(
            events.into_iter().map(|(_, part)| part).collect::<String>(),
            message
        );
    }

    #[test]
    fn time_never_goes_back_within_a_stream() {
        let fixture = Fixture::new();
        fixture
            .open()
            .append_all([(at(10), b"a".as_slice()), (at(7), b"b")])
            .unwrap();
        fixture
            .open()
            .append_all([(at(8), b"c".as_slice()), (at(11), b"d")])
            .unwrap();
        let times: Vec<i64> = fixture.events().into_iter().map(|(time, _)| time).collect();
        assert_eq!(times, [10, 10, 10, 11]);
    }

    #[test]
    fn a_line_torn_by_a_crash_is_left_behind() {
        let fixture = Fixture::new();
        fixture.open().append(at(1), b"whole").unwrap();
        let mut file = OpenOptions::new()
            .append(true)
            .open(fixture.path())
            .unwrap();
        file.write_all(br#"{"t":2,"m":"to"#).unwrap();
        assert_eq!(fixture.events(), [(1, "whole".to_owned())]);
        let mut writer = fixture.open();
        writer.append(at(3), b"next").unwrap();
        writer.append(at(4), b"more").unwrap();
        let expected = [(1, "whole"), (3, "next"), (4, "more")];
        assert_eq!(
            fixture.events(),
            expected.map(|(time, text)| (time, text.to_owned()))
        );
    }

    #[test]
    fn events_are_counted_from_a_position() {
        let fixture = Fixture::new();
        let mut writer = fixture.open();
        writer.append(at(1), b"before").unwrap();
        let start = writer.length().unwrap();
        assert_eq!(writer.events_since(start).unwrap(), 0);
        let messages = [(at(2), b"one".as_slice()), (at(3), b"two")];
        writer.append_all(messages).unwrap();
        let mut file = OpenOptions::new()
            .append(true)
            .open(fixture.path())
            .unwrap();
        file.write_all(br#"{"t":4,"m":"to"#).unwrap();
        let mut writer = fixture.open();
        assert_eq!(
            writer.events_since(start).unwrap(),
            2,
            "a torn line is none"
        );
        writer.append(at(5), b"three").unwrap();
        assert_eq!(writer.events_since(start).unwrap(), 3);
        assert_eq!(writer.events_since(0).unwrap(), 4);
    }

    #[test]
    fn a_write_error_is_returned_and_the_writer_stays_usable() {
        let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let mut writer = Writer {
            file: full,
            last: 0,
            torn: false,
            lines: Vec::new(),
        };
        let error = writer.append(at(1), b"lost").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let fixture = Fixture::new();
        writer.file = fixture.open().file;
        writer.append(at(2), b"kept").unwrap();
        assert_eq!(fixture.events(), [(2, "kept".to_owned())]);
    }

    #[test]
    fn a_root_that_cannot_be_written_is_named() {
        let fixture = Fixture::new();
        let root = fixture.root.path().join("file");
        std::fs::write(&root, "").unwrap();
        let error = Writer::open(&root, &fixture.group, &fixture.stream).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("file/%2Fecs%2Fapp/ecs%2Fapp%2F1.jsonl"),
            "{error}"
        );
    }
}
