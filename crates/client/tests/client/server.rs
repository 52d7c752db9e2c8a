//! An HTTP server on loopback that records requests and answers by a script.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_types::date_time::{DateTime, Format};
use longshore_client::{Client, Config, ConfigBuilder, Credentials, Retry};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What the server does with one request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// An error whose `Date` is off from the request's own time by so many seconds.
    WrongClock { offset: i64, code: &'static str },
    /// Announces more than it sends, then hangs up.
    Cut,
    /// Begins an answer and never ends it.
    Stall,
    /// Hangs up without a word.
    HangUp,
    /// Never answers.
    Silence,
}

impl Reply {
    pub(crate) fn ok(body: impl ToString) -> Self {
        Self::Answer(
            200,
            vec![("x-amzn-requestid", "rid-ok".to_owned())],
            body.to_string(),
        )
    }

    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({"__type": code, "message": message});
        let id = ("x-amzn-requestid", format!("rid-{status}"));
        Self::Answer(status, vec![id], body.to_string())
    }

    pub(crate) fn throttle() -> Self {
        Self::error(400, "ThrottlingException", "Rate exceeded")
    }
}

/// A recorded request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Request {
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.headers))
    }
}

/// Stops when dropped.
pub(crate) struct Server {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    seen: watch::Receiver<usize>,
    accepted: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    /// The n-th request gets the n-th reply; further ones get the last.
    pub(crate) async fn start(script: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (arrived, seen) = watch::channel(0);
        let shared = (Arc::clone(&requests), arrived);
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
                connections.spawn(serve(stream, shared.clone(), script.clone()));
            }
        });
        Self {
            url,
            requests,
            seen,
            accepted,
            accepting,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// How many connections were opened.
    pub(crate) fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Waits until so many requests have come.
    pub(crate) async fn until(&self, requests: usize) {
        let mut seen = self.seen.clone();
        seen.wait_for(|seen| *seen >= requests).await.unwrap();
    }

    /// A configuration for this server that retries at once.
    pub(crate) fn config(&self) -> ConfigBuilder {
        config(&self.url)
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.config().build().unwrap())
    }
}

/// A configuration that retries at once.
pub(crate) fn config(url: &str) -> ConfigBuilder {
    Config::builder()
        .region("us-east-1")
        .endpoint_url(url)
        .credentials(
            Credentials::new("AKIDEXAMPLE", "SECRETKEY").with_session_token("SESSIONTOKEN"),
        )
        .retry(Retry {
            initial_backoff: Duration::from_millis(1),
            ..Retry::default()
        })
}

/// What came, and how many there are.
type Arrivals = (Arc<Mutex<Vec<Request>>>, watch::Sender<usize>);

async fn serve(stream: TcpStream, (requests, arrived): Arrivals, script: Vec<Reply>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let number = {
            let mut requests = requests.lock().unwrap();
            requests.push(request.clone());
            arrived.send_replace(requests.len());
            requests.len() - 1
        };
        let reply = script.get(number).or(script.last()).unwrap();
        let bytes = match reply {
            Reply::Answer(status, headers, body) => answer(*status, headers, body),
            Reply::WrongClock { offset, code } => {
                let headers = [("date", date(request.header("x-amz-date"), *offset))];
                answer(403, &headers, &format!("{{\"__type\":\"{code}\"}}"))
            }
            Reply::Stall | Reply::Cut => {
                "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"tasks\":".to_owned()
            }
            Reply::HangUp => return,
            Reply::Silence => std::future::pending().await,
        };
        stream.write_all(bytes.as_bytes()).await.unwrap();
        match reply {
            Reply::Cut => return,
            Reply::Stall => std::future::pending().await,
            _ => {}
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    if stream.read_line(&mut line).await.ok()? == 0 {
        return None;
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let body = match length {
        0 => Value::Null,
        _ => serde_json::from_slice(&body)
            .unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into()),
    };
    Some(Request {
        line: line.trim_end().to_owned(),
        headers,
        body,
    })
}

fn answer(status: u16, headers: &[(&str, String)], body: &str) -> String {
    let mut text = format!(
        "HTTP/1.1 {status} Scripted\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text + "\r\n" + body
}

/// Seconds since 1970 of an `x-amz-date`.
pub(crate) fn seconds(amz_date: &str) -> i64 {
    let (day, time) = amz_date.split_once('T').unwrap();
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        &day[..4],
        &day[4..6],
        &day[6..],
        &time[..2],
        &time[2..4],
        &time[4..6]
    );
    DateTime::from_str(&text, Format::DateTime).unwrap().secs()
}

fn date(amz_date: &str, offset: i64) -> String {
    DateTime::from_secs(seconds(amz_date) + offset)
        .fmt(Format::HttpDate)
        .unwrap()
}
