//! Finding a moment in a stream without reading the stream.

use std::io;

use crate::stream::StreamFile;

impl StreamFile {
    /// The offset of the first event that is not earlier than `time`, or the end.
    pub(crate) fn position(&self, time: i64) -> io::Result<u64> {
        let end = self.end()?;
        // Events that start before `low` are earlier than `time`, those that start
        // at `high` or behind it are not; `low` is always the start of a line.
        let (mut low, mut high) = (0, end);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.first_event(self.next_start(middle)?, high)? {
                Some(event) if event.timestamp < time => low = event.end,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// The start of the first line that starts at `offset` or behind it.
    fn next_start(&self, offset: u64) -> io::Result<u64> {
        match offset.checked_sub(1) {
            None => Ok(0),
            Some(before) => self.line_end(before),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::line;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]
        #[test]
        fn the_position_is_that_of_a_linear_search(
            steps in vec((0..3i64, prop_oneof![9 => 0..50usize, 1 => 0..40_000usize]), 0..60),
            torn in vec(any::<bool>(), 60),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let (mut bytes, mut time, mut starts) = (Vec::new(), 0, Vec::new());
            for ((step, length), torn) in steps.iter().zip(torn) {
                time += step;
                if torn { bytes.extend(b"torn\n"); }
                starts.push((time, bytes.len() as u64));
                line::encode(time, &"x".repeat(*length), &mut bytes);
            }
            fs::write(dir.path().join("s"), &bytes).unwrap();
            let stream = StreamFile::open(&dir.path().join("s")).unwrap();
            for wanted in -1..=time + 1 {
                let first = starts.iter().find(|(time, _)| *time >= wanted);
                let found = stream.position(wanted).unwrap();
                // A torn line before the event may or may not be skipped.
                let event = stream.first_event(found, bytes.len() as u64).unwrap();
                prop_assert_eq!(event.map(|event| event.start), first.map(|(_, start)| *start));
            }
        }
    }
}
