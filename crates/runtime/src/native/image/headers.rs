//! What tar headers say about an entry, read with bounds.
//!
//! The `tar` crate reads long names and PAX records into memory without a bound, and splits PAX
//! records at newlines, which binary attributes contain. So the bytes of the headers are
//! recorded here as they pass, up to [`MAX_HEADER_BYTES`], and the records are parsed by length.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::rc::Rc;

use tar::{Archive, EntryType, Header};

use super::error::ImageError;

/// Bytes of headers of one entry: names and attributes. Linux allows 64 KiB per attribute.
const MAX_HEADER_BYTES: usize = 4 << 20;

/// Size of a tar block.
const BLOCK: u64 = 512;

/// Mode bits an image may set, with setuid, setgid and sticky.
const MODE_BITS: u32 = 0o7777;

/// A reader that keeps a copy of header bytes while it is told to.
pub(super) struct Tape<R> {
    inner: R,
    heads: Rc<Heads>,
}

/// The recording side of a [`Tape`], kept outside the archive that owns the reader.
#[derive(Default)]
pub(super) struct Heads {
    position: Cell<u64>,
    recording: Cell<bool>,
    filled: Cell<bool>,
    record: RefCell<Vec<u8>>,
}

impl<R: Read> Tape<R> {
    pub(super) fn new(inner: R) -> (Self, Rc<Heads>) {
        let heads = Rc::new(Heads::default());
        (
            Self {
                inner,
                heads: Rc::clone(&heads),
            },
            heads,
        )
    }
}

impl<R: Read> Read for Tape<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.heads
            .position
            .set(self.heads.position.get() + count as u64);
        if self.heads.recording.get() {
            let mut record = self.heads.record.borrow_mut();
            if record.len() + count > MAX_HEADER_BYTES {
                return Err(io::Error::other(
                    "the headers of an entry are larger than 4 MiB",
                ));
            }
            record.extend_from_slice(&buffer[..count]);
        }
        Ok(count)
    }
}

impl Heads {
    /// Call with the previous entry read to its end, before asking for the next one.
    pub(super) fn start(&self) {
        let mut record = self.record.borrow_mut();
        record.clear();
        // The rest of the previous entry's last block passes first. Filling the block up in
        // front of it makes headers begin at `BLOCK`, or at 0 if there is no such rest.
        let used = (self.position.get() % BLOCK) as usize;
        record.resize(used, 0);
        self.filled.set(used > 0);
        self.recording.set(true);
    }

    /// The PAX records of the entry whose headers have just passed.
    pub(super) fn stop(&self) -> io::Result<PaxRecords> {
        self.recording.set(false);
        let record = self.record.borrow();
        let begin = if self.filled.get() { BLOCK as usize } else { 0 };
        let headers = record.get(begin..).unwrap_or_default();
        for entry in Archive::new(headers).entries()?.raw(true) {
            let mut entry = entry?;
            match entry.header().entry_type() {
                EntryType::XHeader => {
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes)?;
                    return Ok(PaxRecords::parse(&bytes));
                }
                EntryType::GNULongName | EntryType::GNULongLink => {}
                _ => break,
            }
        }
        Ok(PaxRecords::default())
    }
}

/// The records of a PAX header, by key.
#[derive(Default)]
pub(super) struct PaxRecords(BTreeMap<Vec<u8>, Vec<u8>>);

impl PaxRecords {
    /// Records are `LENGTH KEY=VALUE\n`, where the length counts all of it.
    fn parse(mut bytes: &[u8]) -> Self {
        let mut records = BTreeMap::new();
        while let Some((record, rest)) = next_record(bytes) {
            bytes = rest;
            if let Some(at) = record.iter().position(|byte| *byte == b'=') {
                records.insert(record[..at].to_vec(), record[at + 1..].to_vec());
            }
        }
        Self(records)
    }

    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.get(key.as_bytes()).map(Vec::as_slice)
    }

    fn text(&self, key: &str) -> Option<&str> {
        std::str::from_utf8(self.get(key)?).ok()
    }

    /// Attributes worth keeping: those of the image's author and capabilities. Others belong to
    /// the host (`trusted.overlay.…` would change what the mount shows).
    fn attributes(&self) -> Vec<(String, Vec<u8>)> {
        let kept = |name: &&str| {
            name.starts_with("user.")
                || name.starts_with("system.posix_acl_")
                || *name == "security.capability"
        };
        self.0
            .iter()
            .filter_map(|(key, value)| {
                let name = std::str::from_utf8(key)
                    .ok()?
                    .strip_prefix("SCHILY.xattr.")?;
                Some(name)
                    .filter(kept)
                    .map(|name| (name.to_owned(), value.clone()))
            })
            .collect()
    }
}

fn next_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    Some((record, &bytes[length..]))
}

/// Owner, mode, time and attributes of an entry.
pub(super) struct Metadata {
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Seconds and nanoseconds since the epoch.
    pub(super) modified: (i64, i64),
    pub(super) attributes: Vec<(String, Vec<u8>)>,
}

impl Metadata {
    pub(super) fn read(header: &Header, pax: &PaxRecords, what: &str) -> Result<Self, ImageError> {
        let bad = |error: io::Error| ImageError::corrupt(what, error);
        let owner = |id: u64| match u32::try_from(id) {
            Ok(id) if id != u32::MAX => Ok(id),
            _ => Err(ImageError::corrupt(what, "its owner is not a valid id")),
        };
        let fields = header.as_old();
        let number = |field: &[u8], read: io::Result<u64>| match is_blank(field) {
            true => Ok(0),
            false => read.map_err(bad),
        };
        let modified = match pax.text("mtime").and_then(parse_time) {
            Some(modified) => modified,
            None => {
                let seconds = number(&fields.mtime, header.mtime())?;
                (i64::try_from(seconds).unwrap_or(0), 0)
            }
        };
        Ok(Self {
            mode: header.mode().map_err(bad)? & MODE_BITS,
            uid: owner(number(&fields.uid, header.uid())?)?,
            gid: owner(number(&fields.gid, header.gid())?)?,
            modified,
            attributes: pax.attributes(),
        })
    }
}

/// Some tools leave fields empty that they have nothing to say in.
fn is_blank(field: &[u8]) -> bool {
    field.iter().all(|byte| matches!(byte, 0 | b' '))
}

/// `1706000000.123456789`; the fraction may have any length. Times before the epoch are rare
/// enough to lose their fraction.
fn parse_time(text: &str) -> Option<(i64, i64)> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = seconds.parse().ok()?;
    let digits: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let nanoseconds = if seconds < 0 { 0 } else { digits.parse().ok()? };
    Some((seconds, nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pax_records_are_read_by_length() {
        let records = PaxRecords::parse(b"16 SCHILY.x=a\nb\n11 path=xy\n13 mtime=1.5\n");
        assert_eq!(records.get("SCHILY.x"), Some(&b"a\nb"[..]));
        assert_eq!(records.get("path"), Some(&b"xy"[..]));
        assert_eq!(
            records.text("mtime").and_then(parse_time),
            Some((1, 500_000_000))
        );
    }

    #[test]
    fn broken_pax_records_end_the_list() {
        assert_eq!(PaxRecords::parse(b"99 path=xy\n").get("path"), None);
        assert_eq!(PaxRecords::parse(b"0 path=xy\n").get("path"), None);
        assert_eq!(PaxRecords::parse(b" ").get("path"), None);
    }
}
