//! An HTTP server on loopback that records requests and answers by a function.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Operation, or path if there is none, and body.
pub(crate) type Request = (String, Value);

/// Answers a request; the last of the list is the one to answer.
pub(crate) type Script = dyn Fn(&[Request]) -> (u16, Value) + Send + Sync;

/// Stops when dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    requests: watch::Receiver<Vec<Request>>,
    accepting: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Shared {
    script: Box<Script>,
    requests: Mutex<watch::Sender<Vec<Request>>>,
}

impl Server {
    pub(crate) async fn start(
        script: impl Fn(&[Request]) -> (u16, Value) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = watch::channel(Vec::new());
        let shared = Arc::new(Shared {
            script: Box::new(script),
            requests: Mutex::new(sender),
        });
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self {
            url,
            requests,
            accepting,
        }
    }

    /// Bodies of the requests for an operation.
    pub(crate) fn bodies(&self, operation: &str) -> Vec<Value> {
        let requests = self.requests.borrow();
        let wanted = requests.iter().filter(|(name, _)| name == operation);
        wanted.map(|(_, body)| body.clone()).collect()
    }

    /// Nobody is there any more.
    pub(crate) async fn stop(&mut self) {
        self.accepting.abort();
        let ended = (&mut self.accepting).await;
        assert!(ended.unwrap_err().is_cancelled());
    }

    /// What was asked for, in that order.
    pub(crate) fn operations(&self) -> Vec<String> {
        let requests = self.requests.borrow();
        requests.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Resolves when an operation has been asked for so often.
    pub(crate) async fn asked(&self, operation: &str, times: usize) {
        let mut requests = self.requests.clone();
        let is_there = |requests: &Vec<Request>| count(requests, operation) >= times;
        requests.wait_for(is_there).await.unwrap();
    }
}

/// How often an operation occurs.
pub(crate) fn count(requests: &[Request], operation: &str) -> usize {
    requests
        .iter()
        .filter(|(name, _)| name == operation)
        .count()
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let (status, body) = {
            let requests = shared.requests.lock().unwrap();
            requests.send_modify(|all| all.push(request));
            let all = requests.borrow().clone();
            (shared.script)(&all)
        };
        let body = body.to_string();
        let answer = format!(
            "HTTP/1.1 {status} Scripted\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let (mut operation, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.trim_end().is_empty() {
                break;
            }
            operation = line.split(' ').nth(1).unwrap().to_owned();
            continue;
        };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "x-amz-target" => operation = value.rsplit('.').next().unwrap().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((operation, serde_json::from_slice(&body).unwrap()))
}
