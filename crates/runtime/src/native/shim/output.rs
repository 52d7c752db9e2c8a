//! A container's output: pipes read line by line into the log store.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::lines::Lines;
use crate::native::clock;

/// Where lines go. A line that cannot be stored is counted, not waited for: the exit code
/// matters more than a log on a full disk.
pub(super) struct Sink {
    writer: Option<logs::Writer>,
    lost: usize,
}

impl Sink {
    pub(super) fn new(writer: Option<logs::Writer>) -> Self {
        Self { writer, lost: 0 }
    }

    /// Stores the lines of one read with one write.
    fn store(&mut self, lines: &[Vec<u8>]) {
        if lines.is_empty() {
            return;
        }
        let now = clock::now();
        let events = lines.iter().map(|line| (now, line.as_slice()));
        let stored = self.writer.as_mut().map(|writer| writer.append_all(events));
        if !matches!(stored, Some(Ok(()))) {
            self.lost += lines.len();
        }
    }

    /// Lines that could not be stored.
    pub(super) fn lost(&self) -> usize {
        self.lost
    }
}

/// One output pipe and the line it is in the middle of.
pub(super) struct Pipe {
    /// `None` after its end.
    file: Option<File>,
    lines: Lines,
    /// A terminal ends lines with two characters.
    is_terminal: bool,
}

impl Pipe {
    pub(super) fn new(read_end: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&read_end, true)?;
        Ok(Self {
            file: Some(read_end.into()),
            lines: Lines::default(),
            is_terminal: false,
        })
    }

    pub(super) fn terminal(master: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            is_terminal: true,
            ..Self::new(master)?
        })
    }

    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(|file| file.as_fd())
    }

    /// Reads once; call when readable.
    pub(super) fn read(&mut self, buffer: &mut [u8], sink: &mut Sink) {
        use io::ErrorKind::{Interrupted, WouldBlock};
        let Some(file) = &mut self.file else { return };
        match file.read(buffer) {
            Ok(0) => self.end(sink),
            Ok(count) => {
                let mut lines = self.lines.push(&buffer[..count]);
                if self.is_terminal {
                    lines.iter_mut().for_each(without_return);
                }
                sink.store(&lines);
            }
            Err(error) if matches!(error.kind(), WouldBlock | Interrupted) => {}
            Err(_) => self.end(sink),
        }
    }

    /// Closes the pipe; what is left is a line too.
    pub(super) fn end(&mut self, sink: &mut Sink) {
        self.file = None;
        sink.store(&self.lines.finish());
    }
}

fn without_return(line: &mut Vec<u8>) {
    if line.last() == Some(&b'\r') {
        line.pop();
    }
}
