//! One keep-alive connection that does no more work than needed: it writes bytes
//! that are ready and reads an answer whose length its head tells.

use std::io::{Error, ErrorKind};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Answers are a few kilobytes; larger ones make it grow.
const BUFFER_BYTES: usize = 32 * 1024;
const HEAD_END: &[u8] = b"\r\n\r\n";

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

impl Connection {
    /// Opens a connection to `HOST:PORT`.
    pub async fn open(authority: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; BUFFER_BYTES],
        })
    }

    /// Sends a request and reads its answer to the end.
    pub async fn exchange(&mut self, request: &[u8]) -> std::io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let head = loop {
            filled += self.read(filled).await?;
            if let Some(head) = Head::find(&self.buffer[..filled])? {
                break head;
            }
        };
        while filled < head.end {
            filled += self.read(filled).await?;
        }
        Ok(Answer {
            status: head.status,
            body: &self.buffer[head.body..head.end],
        })
    }

    async fn read(&mut self, filled: usize) -> std::io::Result<usize> {
        if filled == self.buffer.len() {
            self.buffer.resize(2 * filled, 0);
        }
        match self.stream.read(&mut self.buffer[filled..]).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        }
    }
}

/// Where an answer's body lies.
struct Head {
    status: u16,
    body: usize,
    end: usize,
}

impl Head {
    /// `None` while the head is not complete.
    fn find(bytes: &[u8]) -> std::io::Result<Option<Self>> {
        let Some(head) = bytes
            .windows(HEAD_END.len())
            .position(|part| part == HEAD_END)
        else {
            return Ok(None);
        };
        let body = head + HEAD_END.len();
        let parsed = str::from_utf8(&bytes[..head]).ok().and_then(parse);
        let (status, length) =
            parsed.ok_or_else(|| Error::new(ErrorKind::InvalidData, "not an HTTP answer"))?;
        Ok(Some(Self {
            status,
            body,
            end: body + length,
        }))
    }
}

/// Status and length of the body.
fn parse(head: &str) -> Option<(u16, usize)> {
    let mut lines = head.split("\r\n");
    let status = lines
        .next()?
        .strip_prefix("HTTP/1.1 ")?
        .get(..3)?
        .parse()
        .ok()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then_some(value.trim())
    });
    Some((status, length?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &str, expected: Option<(u16, usize, usize)>) {
        let head = Head::find(bytes.as_bytes()).unwrap();
        assert_eq!(
            head.map(|head| (head.status, head.body, head.end)),
            expected
        );
    }

    #[test]
    fn the_head_tells_where_the_body_ends() {
        check("HTTP/1.1 200 OK\r\nContent-Len", None);
        check(
            "HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\n",
            Some((400, 39, 42)),
        );
        assert!(Head::find(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
