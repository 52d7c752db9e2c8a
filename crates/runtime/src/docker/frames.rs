//! Lines from what the engine tells of a container's output, with the time the engine noted.
//!
//! The engine is asked for timestamps, so every message it has begins with one. A long line is
//! several messages, of which only the last ends in a line end. Without a terminal each message
//! comes as a frame of its own; with one, messages follow each other without a border. Podman's
//! messages of a terminal have any length, so that nobody could find the timestamps between
//! them: it is not asked for them, and a line has the time at which it came.

use bytes::Bytes;
use model::Timestamp;

use super::objects::timestamp;
use crate::lines::Lines;

/// How much of a line the engine takes for one message.
const MESSAGE_BYTES: usize = 16 * 1024;
/// Longest timestamp: nanoseconds and an offset.
const STAMP_BYTES_MAX: usize = 40;

/// A line and its time.
type Line = (Timestamp, Vec<u8>);

/// Cuts the same output into the same lines, however it is spread over calls.
pub(super) struct Frames {
    /// Of standard output and of standard error.
    streams: [Stream; 2],
    kind: Kind,
}

/// How the engine tells a container's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Messages in frames.
    Pipe,
    /// Messages without a border between them.
    Terminal,
    /// What the container wrote, without timestamps.
    BareTerminal,
}

#[derive(Default)]
struct Stream {
    lines: Lines,
    at: Timestamp,
    /// Of a terminal: what has come of a line that has not ended.
    raw: Vec<u8>,
}

impl Frames {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            streams: Default::default(),
            kind,
        }
    }

    /// Adds what came on one of the streams at `now`, which counts where the engine tells no
    /// time; lines that ended are put behind `found`.
    pub(super) fn push(
        &mut self,
        (stream, bytes): &(usize, Bytes),
        now: Timestamp,
        found: &mut Vec<Line>,
    ) {
        let stream = &mut self.streams[*stream];
        if self.kind == Kind::BareTerminal {
            stream.at = now;
        }
        match self.kind {
            Kind::Pipe => stream.push_message(bytes, found),
            kind => stream.push_raw(bytes, kind, found),
        }
    }

    /// What is left is lines too.
    pub(super) fn finish(&mut self) -> Vec<Line> {
        let mut found = Vec::new();
        for stream in &mut self.streams {
            let raw = std::mem::take(&mut stream.raw);
            if !raw.is_empty() {
                stream.push_line(&raw, self.kind, &mut found);
            }
            let rest = stream.lines.finish();
            found.extend(rest.into_iter().map(|line| (stream.at, line)));
        }
        found
    }
}

impl Stream {
    fn push_message(&mut self, message: &[u8], found: &mut Vec<Line>) {
        let (at, text) = split_stamp(message);
        self.at = at.unwrap_or(self.at);
        let lines = self.lines.push(text);
        found.extend(lines.into_iter().map(|line| (self.at, line)));
    }

    fn push_raw(&mut self, mut bytes: &[u8], kind: Kind, found: &mut Vec<Line>) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.raw.extend_from_slice(&bytes[..=end]);
            let line = std::mem::take(&mut self.raw);
            self.push_line(&line, kind, found);
            bytes = &bytes[end + 1..];
        }
        self.raw.extend_from_slice(bytes);
    }

    /// A terminal ends lines in two bytes.
    fn push_line(&mut self, line: &[u8], kind: Kind, found: &mut Vec<Line>) {
        let end = line.strip_suffix(b"\r\n").map(<[u8]>::len);
        let (line, ending) = line.split_at(end.unwrap_or(line.len()));
        match kind {
            Kind::BareTerminal => {
                let ending = ending.strip_prefix(b"\r").unwrap_or(ending);
                let lines = self.lines.push(&[line, ending].concat());
                found.extend(lines.into_iter().map(|line| (self.at, line)));
            }
            _ => self.push_stamped_line(line, ending, found),
        }
    }

    /// One line with the timestamps of all its messages.
    fn push_stamped_line(&mut self, line: &[u8], ending: &[u8], found: &mut Vec<Line>) {
        let mut rest = line;
        loop {
            let (at, text) = split_stamp(rest);
            let (text, more) = text.split_at(text.len().min(MESSAGE_BYTES));
            let is_next = !more.is_empty() && split_stamp(more).0.is_some();
            let mut message = text.to_vec();
            if !is_next {
                message.extend_from_slice(more);
                message.extend(ending.iter().filter(|byte| **byte != b'\r'));
            }
            self.at = at.unwrap_or(self.at);
            let lines = self.lines.push(&message);
            found.extend(lines.into_iter().map(|line| (self.at, line)));
            if !is_next {
                return;
            }
            rest = more;
        }
    }
}

/// The time at the beginning of a message and what follows the space behind it.
fn split_stamp(message: &[u8]) -> (Option<Timestamp>, &[u8]) {
    let head = &message[..message.len().min(STAMP_BYTES_MAX)];
    let Some(space) = head.iter().position(|byte| *byte == b' ') else {
        return (None, message);
    };
    let stamp = std::str::from_utf8(&head[..space]).ok().and_then(timestamp);
    match stamp {
        Some(at) => (Some(at), &message[space + 1..]),
        None => (None, message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: &str = "1970-01-01T00:00:01.000000000Z ";

    #[track_caller]
    fn check(kind: Kind, frames: &[(usize, String)], expected: &[&str]) {
        let mut cutter = Frames::new(kind);
        let mut found = Vec::new();
        for (stream, text) in frames {
            let frame = (*stream, Bytes::copy_from_slice(text.as_bytes()));
            cutter.push(&frame, Timestamp::from_millis(1000), &mut found);
        }
        found.extend(cutter.finish());
        assert!(found.iter().all(|(at, _)| at.millis() == 1000), "{found:?}");
        let texts: Vec<_> = found
            .iter()
            .map(|(_, line)| String::from_utf8_lossy(line))
            .collect();
        assert_eq!(texts, expected);
    }

    fn stamped(text: &str) -> String {
        format!("{STAMP}{text}")
    }

    #[test]
    fn messages_are_lines_or_parts_of_them() {
        let frames = [
            (0, stamped("one\n")),
            (0, stamped("tw")),
            (1, stamped("other\n")),
            (0, stamped("o\n")),
            (0, stamped("\n")),
            (0, stamped("last")),
        ];
        check(Kind::Pipe, &frames, &["one", "other", "two", "", "last"]);
    }

    #[test]
    fn a_text_like_a_time_stays() {
        let frames = [(0, stamped("2024-01-01T00:00:00Z said the program\n"))];
        check(
            Kind::Pipe,
            &frames,
            &["2024-01-01T00:00:00Z said the program"],
        );
    }

    #[test]
    fn a_terminal_has_no_frames() {
        let long = "x".repeat(MESSAGE_BYTES);
        let text = format!("{STAMP}one\r\n{STAMP}{long}{STAMP}{long}{STAMP}end\r\n{STAMP}last");
        let expected = ["one", &format!("{long}{long}end"), "last"];
        check(Kind::Terminal, &[(0, text.clone())], &expected);
        let (front, back) = text.split_at(MESSAGE_BYTES);
        check(
            Kind::Terminal,
            &[(0, front.to_owned()), (0, back.to_owned())],
            &expected,
        );
    }

    #[test]
    fn a_bare_line_end_of_a_terminal_counts() {
        check(Kind::Terminal, &[(0, stamped("a\n"))], &["a"]);
    }

    #[test]
    fn what_a_terminal_shows_is_cut_wherever_pieces_end() {
        let stamp = "2024-01-01T00:00:00Z said the program\r";
        let frames = [stamp, "\npro", "mpt> \r\n", "\r\n", "last"].map(|text| (0, text.to_owned()));
        let expected = [
            "2024-01-01T00:00:00Z said the program",
            "prompt> ",
            "",
            "last",
        ];
        check(Kind::BareTerminal, &frames, &expected);
    }
}
