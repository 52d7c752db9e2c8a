//! Reading one stream's file: whole lines from an offset, forwards or backwards.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::line::{self, Event};

/// How much is read at first when looking for lines, in bytes.
const BLOCK_BYTES: u64 = 16 * 1024;

/// How much is read at first when looking for one line, in bytes.
const PROBE_BYTES: u64 = 2 * 1024;

/// The bounds of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageLimit {
    /// At least 1.
    pub(crate) events: usize,
    /// A page with one event may be larger.
    pub(crate) bytes: usize,
}

/// Consecutive events and the offsets between which they stand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) events: Vec<Event>,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

#[derive(Debug)]
pub(crate) struct StreamFile {
    file: File,
}

impl StreamFile {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        File::open(path).map(Self::of)
    }

    pub(crate) fn of(file: File) -> Self {
        Self { file }
    }

    /// The length of the file in bytes, a torn last line included.
    pub(crate) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// The offset after the last whole line.
    pub(crate) fn end(&self) -> io::Result<u64> {
        self.line_start(self.length()?)
    }

    /// The start of the line that `offset` is in: `offset` itself, if a line ended
    /// just before it. Offsets past the file count as its end.
    pub(crate) fn line_start(&self, offset: u64) -> io::Result<u64> {
        let mut high = offset.min(self.length()?);
        while high > 0 {
            let low = high.saturating_sub(BLOCK_BYTES);
            let block = self.read(low, high - low)?;
            if let Some(at) = block.iter().rposition(|&byte| byte == b'\n') {
                return Ok(low + at as u64 + 1);
            }
            high = low;
        }
        Ok(0)
    }

    /// The offset after the line that the byte at `offset` is in.
    pub(crate) fn line_end(&self, mut offset: u64) -> io::Result<u64> {
        loop {
            let block = self.read(offset, BLOCK_BYTES)?;
            if let Some(at) = block.iter().position(|&byte| byte == b'\n') {
                return Ok(offset + at as u64 + 1);
            }
            if block.is_empty() {
                return Ok(offset);
            }
            offset += block.len() as u64;
        }
    }

    /// The events of whole lines in about `bytes` bytes from `start`, a line's
    /// start, and the offset after them, which is `start` at the end of the file.
    pub(crate) fn chunk(&self, start: u64, bytes: u64) -> io::Result<(Vec<Event>, u64)> {
        let lines = self.lines(start, bytes)?;
        let end = start + lines.len() as u64;
        Ok((events(&lines, start).collect(), end))
    }

    /// The first event of a line that starts in `[from, until)`; `from` is a line's start.
    pub(crate) fn first_event(&self, mut from: u64, until: u64) -> io::Result<Option<Event>> {
        while from < until {
            let lines = self.lines(from, PROBE_BYTES)?;
            if let Some(event) = events(&lines, from).next() {
                return Ok(Some(event).filter(|event| event.start < until));
            }
            if lines.is_empty() {
                break;
            }
            from += lines.len() as u64;
        }
        Ok(None)
    }

    /// Whole lines in about `bytes` bytes from `start`, a line's start; nothing at
    /// the end of the file. Reads further where not even one line would fit.
    fn lines(&self, start: u64, bytes: u64) -> io::Result<Vec<u8>> {
        let mut wanted = bytes;
        loop {
            let mut block = self.read(start, wanted)?;
            let whole = block
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(0, |at| at + 1);
            if whole > 0 || (block.len() as u64) < wanted {
                block.truncate(whole);
                return Ok(block);
            }
            wanted = wanted.saturating_mul(2);
        }
    }

    /// The newest event.
    pub(crate) fn last_event(&self) -> io::Result<Option<Event>> {
        let limit = PageLimit {
            events: 1,
            bytes: 1,
        };
        Ok(self.backward(0, self.end()?, limit)?.events.pop())
    }

    /// The first events from `from`, a line's start, up to `until`.
    pub(crate) fn forward(&self, from: u64, until: u64, limit: PageLimit) -> io::Result<Page> {
        let mut page = Page {
            events: Vec::new(),
            start: from,
            end: from,
        };
        let mut bytes = 0;
        while page.end < until {
            let (events, next) = self.chunk(page.end, BLOCK_BYTES.max(bytes as u64))?;
            if next == page.end {
                break;
            }
            for event in events {
                let full = page.events.len() == limit.events || bytes + event.bytes() > limit.bytes;
                if event.start >= until || (full && !page.events.is_empty()) {
                    return Ok(page);
                }
                bytes += event.bytes();
                page.end = event.end;
                page.events.push(event);
            }
            page.end = next;
        }
        Ok(page)
    }

    /// The last events before `until`, a line's start or end, down to `from`.
    pub(crate) fn backward(&self, from: u64, until: u64, limit: PageLimit) -> io::Result<Page> {
        if from >= until {
            return Ok(Page {
                events: Vec::new(),
                start: until,
                end: until,
            });
        }
        let mut window = BLOCK_BYTES;
        loop {
            let low = until.saturating_sub(window).max(from);
            let low = if low == from {
                from
            } else {
                self.line_start(low)?.max(from)
            };
            let found: Vec<Event> = events(&self.read(low, until - low)?, low).collect();
            let (kept, full) = newest(&found, limit);
            if full || low == from {
                let events = found[found.len() - kept..].to_vec();
                let start = if full {
                    events.first().map_or(low, |event| event.start)
                } else {
                    from
                };
                return Ok(Page {
                    events,
                    start,
                    end: until,
                });
            }
            window *= 2;
        }
    }

    fn read(&self, start: u64, bytes: u64) -> io::Result<Vec<u8>> {
        let left = self.length()?.saturating_sub(start);
        let mut block = vec![0; usize::try_from(bytes.min(left)).unwrap_or(usize::MAX)];
        let mut filled = 0;
        while filled < block.len() {
            match self
                .file
                .read_at(&mut block[filled..], start + filled as u64)
            {
                // The file became shorter: a writer took back a failed write.
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        block.truncate(filled);
        Ok(block)
    }
}

/// How many of the last events a page takes, and whether it takes no more.
fn newest(events: &[Event], limit: PageLimit) -> (usize, bool) {
    let (mut kept, mut bytes) = (0, 0);
    for event in events.iter().rev() {
        bytes += event.bytes();
        if kept == limit.events || (bytes > limit.bytes && kept > 0) {
            return (kept, true);
        }
        kept += 1;
    }
    (kept, kept == limit.events)
}

/// The events of the whole lines in `block`, which stands at `start`; others are skipped.
fn events(block: &[u8], start: u64) -> impl Iterator<Item = Event> {
    let mut at = start;
    block
        .split_inclusive(|&byte| byte == b'\n')
        .filter_map(move |text| {
            let start = at;
            at += text.len() as u64;
            line::decode(text.strip_suffix(b"\n")?, start)
        })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Messages by their lengths; `None` is a line torn by a crash.
    fn write(lengths: &[Option<usize>]) -> (tempfile::TempDir, StreamFile, Vec<Event>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let mut bytes = Vec::new();
        for (time, length) in lengths.iter().enumerate() {
            match length {
                Some(length) => line::encode(time as i64, &"x".repeat(*length), &mut bytes),
                None => bytes.extend(b"{\"t\":9,\"m\n"),
            }
        }
        fs::write(&path, [bytes.as_slice(), b"{\"t\":1"].concat()).unwrap();
        let all = events(&bytes, 0).collect();
        (dir, StreamFile::open(&path).unwrap(), all)
    }

    fn lengths() -> impl Strategy<Value = Vec<Option<usize>>> {
        vec(
            proptest::option::weighted(0.9, prop_oneof![0..100usize, 0..20_000usize]),
            0..40,
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn pages_in_both_directions_cover_the_stream(
            lengths in lengths(), events in 1..8usize, bytes in 1..40_000usize,
        ) {
            let (_dir, stream, all) = write(&lengths);
            let (limit, end) = (PageLimit { events, bytes }, stream.end().unwrap());
            let (mut at, mut found) = (0, Vec::new());
            loop {
                let page = stream.forward(at, end, limit).unwrap();
                prop_assert!(page.events.len() <= events);
                prop_assert_eq!(page.start, at);
                if page.end == at { break }
                at = page.end;
                found.extend(page.events);
            }
            prop_assert_eq!(at, end);
            prop_assert_eq!(&found, &all);

            let (mut at, mut found) = (end, Vec::new());
            loop {
                let page = stream.backward(0, at, limit).unwrap();
                prop_assert!(page.events.len() <= events);
                if page.start == at { break }
                at = page.start;
                found.splice(0..0, page.events);
            }
            prop_assert_eq!(at, 0);
            prop_assert_eq!(&found, &all);
            prop_assert_eq!(stream.last_event().unwrap(), all.last().cloned());
            prop_assert_eq!(stream.first_event(0, end).unwrap(), all.first().cloned());
        }
    }
}
