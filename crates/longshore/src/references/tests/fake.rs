//! Systems Manager, Secrets Manager and S3 on one loopback port, as much as a fetch needs.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(super) struct Fake {
    pub(super) url: String,
    calls: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Fake {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen)));
            }
        });
        Self {
            url,
            calls,
            accepting,
        }
    }

    /// `REGION SERVICE WHAT BODY` of each call, region and service as they were signed for.
    pub(super) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, calls: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    let (mut first, mut target, mut scope) = (String::new(), String::new(), String::new());
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim_end();
        match line.split_once(": ") {
            Some(("x-amz-target", value)) => target = value.to_owned(),
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("authorization", value)) => {
                let parts: Vec<&str> = value.split('/').collect();
                scope = format!("{} {}", parts[2], parts[3]);
            }
            None if line.is_empty() => break,
            None => first = line.trim_end_matches("HTTP/1.1").to_owned(),
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let body = String::from_utf8(body).unwrap();
    let what = if target.is_empty() {
        first.trim().to_owned()
    } else {
        target
    };
    calls.lock().unwrap().push(format!("{scope} {what} {body}"));
    let (status, answer) = answer(&what, &body);
    let head = format!(
        "HTTP/1.1 {status} Answer\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        answer.len()
    );
    let written = stream.write_all(format!("{head}{answer}").as_bytes()).await;
    drop(written);
}

fn answer(what: &str, body: &str) -> (u16, String) {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let secret = r#"{\"username\":\"me\",\"password\":\"pw\"}"#;
    match what {
        "AmazonSSM.GetParameters" => {
            let names = body["Names"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|name| name.as_str());
            let known = names.filter(|name| *name != "absent");
            let each = known.map(|name| format!(r#"{{"Name":"{name}","Value":"of {name}"}}"#));
            let each: Vec<String> = each.collect();
            let bad = each.iter().any(|one| one.contains("broken"));
            match bad {
                // A success that nobody can read, with a value in it.
                true => (200, "planted".to_owned()),
                false => (200, format!(r#"{{"Parameters":[{}]}}"#, each.join(","))),
            }
        }
        "secretsmanager.GetSecretValue" if body["SecretId"].to_string().contains("absent") => {
            let text = r#"{"__type":"ResourceNotFoundException","Message":"no such secret"}"#;
            (400, text.to_owned())
        }
        "secretsmanager.GetSecretValue" => (200, format!(r#"{{"SecretString":"{secret}"}}"#)),
        _ if what.contains("absent") => {
            let text = "<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>";
            (404, text.to_owned())
        }
        _ => (200, "FROM=s3\n".to_owned()),
    }
}
