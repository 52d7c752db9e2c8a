//! Bytes of a container's output cut into lines.

use logs::MESSAGE_BYTES_MAX;

/// Ends of lines are not part of them; an overlong line is split, between characters if it is
/// text.
#[derive(Default)]
pub(crate) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.extend(&bytes[..end], &mut lines);
            lines.push(std::mem::take(&mut self.partial));
            bytes = &bytes[end + 1..];
        }
        self.extend(bytes, &mut lines);
        lines
    }

    fn extend(&mut self, bytes: &[u8], lines: &mut Vec<Vec<u8>>) {
        self.partial.extend_from_slice(bytes);
        while self.partial.len() > MESSAGE_BYTES_MAX {
            let rest = self.partial.split_off(boundary(&self.partial));
            lines.push(std::mem::replace(&mut self.partial, rest));
        }
    }

    pub(crate) fn finish(&mut self) -> Vec<Vec<u8>> {
        let partial = std::mem::take(&mut self.partial);
        if partial.is_empty() {
            Vec::new()
        } else {
            vec![partial]
        }
    }
}

/// Where to cut a line that is too long: a character of UTF-8 has at most three bytes that
/// continue it.
fn boundary(line: &[u8]) -> usize {
    let candidates = (MESSAGE_BYTES_MAX - 3..=MESSAGE_BYTES_MAX).rev();
    let mut starts = candidates.filter(|index| line[*index] & 0b1100_0000 != 0b1000_0000);
    starts.next().unwrap_or(MESSAGE_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(chunks: &[&[u8]], expected: &[usize]) {
        let mut lines = Lines::default();
        let mut lengths = Vec::new();
        for chunk in chunks {
            lengths.extend(lines.push(chunk).iter().map(Vec::len));
        }
        lengths.extend(lines.finish().iter().map(Vec::len));
        assert_eq!(lengths, expected);
    }

    #[test]
    fn a_last_line_without_its_end_counts() {
        check(&[b"one\ntw", b"o\n\nlast"], &[3, 3, 0, 4]);
        check(&[b"one\n"], &[3]);
        check(&[], &[]);
    }

    #[test]
    fn overlong_lines_are_split() {
        let long = vec![b'x'; MESSAGE_BYTES_MAX + 5];
        check(&[&long, b"yz\n"], &[MESSAGE_BYTES_MAX, 7]);
        check(&[&long[..MESSAGE_BYTES_MAX], b"\n"], &[MESSAGE_BYTES_MAX]);
        check(
            &[&[long.clone(), long].concat()],
            &[MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX, 10],
        );
    }

    #[test]
    fn a_character_is_not_cut_in_two() {
        let text = format!("x{}", "é".repeat(MESSAGE_BYTES_MAX / 2));
        check(&[text.as_bytes()], &[MESSAGE_BYTES_MAX - 1, 2]);
    }
}
