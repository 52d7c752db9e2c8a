//! A registry on loopback that speaks as much of the distribution API as a pull needs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::archives::{OCI_INDEX, OCI_MANIFEST, TestImage, digest, entry, index};

/// The account that protected registries accept.
pub(super) const ACCOUNT: &str = "me:secret";

/// The identity that is exchanged for a token.
pub(super) const IDENTITY: &str = "an identity & more";

const TOKEN: &str = "token-1";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Open,
    Basic,
    /// Asks for a token of its own `/token`, which wants [`ACCOUNT`].
    Token,
    /// Asks for a token that `/token` gives for [`IDENTITY`] only, good for one request.
    Identity,
}

#[derive(Clone)]
pub(super) enum Answer {
    Content(&'static str, Vec<u8>),
    /// Status and body.
    Refusal(u16, &'static str),
    /// As many bytes as given, then the connection ends, this many times; then all of it.
    Broken {
        content: Vec<u8>,
        sent: usize,
        times: u32,
    },
}

pub(super) struct Server {
    state: Arc<State>,
    accepting: JoinHandle<()>,
    pub(super) address: String,
}

struct State {
    access: Access,
    address: String,
    answers: Mutex<BTreeMap<String, Answer>>,
    requests: Mutex<Vec<String>>,
    /// Tokens given for identities, and whether the last one is still good.
    exchanged: Mutex<(usize, bool)>,
}

impl Server {
    pub(super) async fn start(access: Access) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(State {
            access,
            address: address.clone(),
            answers: Mutex::default(),
            requests: Mutex::default(),
            exchanged: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self {
            state,
            accepting,
            address,
        }
    }

    /// Serves `repository:tag`.
    pub(super) fn put(&self, repository: &str, tag: &str, image: &TestImage) {
        for blob in image.blobs() {
            self.answer(&blob_path(repository, &blob), Answer::Content("", blob));
        }
        let manifest = image.manifest();
        for name in [tag, &digest(&manifest)] {
            let path = format!("/v2/{repository}/manifests/{name}");
            self.answer(&path, Answer::Content(OCI_MANIFEST, manifest.clone()));
        }
    }

    /// Serves an index of images by architecture; answers its digest.
    pub(super) fn put_index(
        &self,
        repository: &str,
        tag: &str,
        of: &[(&str, &TestImage)],
    ) -> String {
        let mut entries = Vec::new();
        for (architecture, image) in of {
            self.put(repository, architecture, image);
            entries.push(entry(&image.manifest(), Some(architecture), None));
        }
        let list = index(&entries);
        let digest = digest(&list);
        for name in [tag, &digest] {
            let path = format!("/v2/{repository}/manifests/{name}");
            self.answer(&path, Answer::Content(OCI_INDEX, list.clone()));
        }
        digest
    }

    /// Stops listening and waits until the port is closed.
    pub(super) async fn stop(mut self) {
        self.accepting.abort();
        drop((&mut self.accepting).await);
    }

    pub(super) fn answer(&self, path: &str, answer: Answer) {
        self.state
            .answers
            .lock()
            .unwrap()
            .insert(path.to_owned(), answer);
    }

    /// How often a path with this part was asked for.
    pub(super) fn asked(&self, part: &str) -> usize {
        let requests = self.state.requests.lock().unwrap();
        requests.iter().filter(|path| path.contains(part)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

pub(super) fn blob_path(repository: &str, blob: &[u8]) -> String {
    format!("/v2/{repository}/blobs/{}", digest(blob))
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, Arc::clone(&state)));
    }
}

/// One request per connection.
async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let Some((path, authorization, body)) = request(&mut stream).await else {
        return;
    };
    state.requests.lock().unwrap().push(path.clone());
    let response = match body.is_empty() {
        true => state.respond(&path, authorization.as_deref()),
        false => state.exchange(&path, &body),
    };
    if stream.write_all(&response).await.is_ok() {
        drop(stream.shutdown().await);
    }
}

/// Path, authorization and body.
async fn request(stream: &mut TcpStream) -> Option<(String, Option<String>, String)> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next_line().await.ok()??;
    let path = first.split(' ').nth(1)?.to_owned();
    let (mut authorization, mut length) = (None, 0);
    while let Some(line) = lines
        .next_line()
        .await
        .ok()?
        .filter(|line| !line.is_empty())
    {
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                authorization = Some(value.to_owned());
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    lines.into_inner().read_exact(&mut body).await.ok()?;
    Some((path, authorization, String::from_utf8(body).unwrap()))
}

fn response(status: u16, headers: &str, body: &[u8], length: usize) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} Answer\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

impl State {
    fn respond(&self, path: &str, authorization: Option<&str>) -> Vec<u8> {
        let basic = format!("Basic {}", STANDARD.encode(ACCOUNT));
        let bearer = format!("Bearer {TOKEN}");
        if path.starts_with("/token") {
            return match authorization == Some(&basic) {
                true => {
                    let body = format!(r#"{{"token":"{TOKEN}"}}"#);
                    response(200, "", body.as_bytes(), body.len())
                }
                false => response(401, "", b"", 0),
            };
        }
        let allowed = match self.access {
            Access::Open => true,
            Access::Basic => authorization == Some(&basic),
            Access::Token => authorization == Some(&bearer),
            Access::Identity => {
                let mut exchanged = self.exchanged.lock().unwrap();
                let newest = format!("Bearer exchanged-{}", exchanged.0);
                std::mem::take(&mut exchanged.1) && authorization == Some(&newest)
            }
        };
        if !allowed {
            return response(401, &self.challenge(), b"", 0);
        }
        if path == "/v2/" {
            return response(200, "", b"{}", 2);
        }
        self.content(path)
    }

    fn exchange(&self, path: &str, form: &str) -> Vec<u8> {
        let wanted = "grant_type=refresh_token&service=test&client_id=longshore\
                      &scope=repository%3Aapp%3Apull&refresh_token=an+identity+%26+more";
        if path != "/token" || form != wanted {
            return response(401, "", IDENTITY.as_bytes(), IDENTITY.len());
        }
        let mut exchanged = self.exchanged.lock().unwrap();
        *exchanged = (exchanged.0 + 1, true);
        let body = format!(r#"{{"access_token":"exchanged-{}"}}"#, exchanged.0);
        response(200, "", body.as_bytes(), body.len())
    }

    fn challenge(&self) -> String {
        match self.access {
            Access::Token | Access::Identity => format!(
                "WWW-Authenticate: Bearer realm=\"http://{}/token\",service=\"test\"\r\n",
                self.address
            ),
            _ => "WWW-Authenticate: Basic realm=\"test\"\r\n".to_owned(),
        }
    }

    fn content(&self, path: &str) -> Vec<u8> {
        match self.answers.lock().unwrap().get_mut(path) {
            Some(Answer::Content(kind, body)) => {
                response(200, &format!("Content-Type: {kind}\r\n"), body, body.len())
            }
            Some(Answer::Refusal(status, body)) => {
                response(*status, "", body.as_bytes(), body.len())
            }
            Some(Answer::Broken {
                content,
                sent,
                times,
            }) if *times > 0 => {
                *times -= 1;
                response(200, "", &content[..*sent], content.len())
            }
            Some(Answer::Broken { content, .. }) => response(200, "", content, content.len()),
            None => {
                let body = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]}"#;
                response(
                    404,
                    "Content-Type: application/json\r\n",
                    body.as_bytes(),
                    body.len(),
                )
            }
        }
    }
}
