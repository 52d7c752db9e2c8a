//! Requests signed by botocore are accepted: a second signer that is not of our family.
//!
//! Needs a Python with botocore: `LONGSHORE_PYTHON`, else `target/venv/bin/python` under the
//! workspace's root (`python3 -m venv target/venv && target/venv/bin/pip install botocore`).

use std::path::PathBuf;
use std::process::Command;

use http::Request;
use http_body_util::Full;
use serde_json::Value;

use crate::client::send;
use crate::server::Server;

/// `None` where the usual place has no Python; a place that is named must have one.
fn python() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("LONGSHORE_PYTHON") {
        return Some(named.into());
    }
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    Some(root.join("target/venv/bin/python")).filter(|python| python.exists())
}

fn to_request(signed: &Value) -> Request<Full<bytes::Bytes>> {
    let member = |name: &str| signed[name].as_str().unwrap().to_owned();
    let mut request = Request::builder()
        .method(&*member("method"))
        .uri(member("path"));
    for (name, value) in signed["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    request.body(Full::new(member("body").into())).unwrap()
}

#[tokio::test]
async fn what_botocore_signs_is_accepted() {
    let Some(python) = python() else {
        println!("skipped: no LONGSHORE_PYTHON and no target/venv/bin/python");
        return;
    };
    let output = Command::new(python)
        .args(["-c", include_str!("sign.py")])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let requests: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(requests.len(), 6);
    let server = Server::start().await;
    for signed in &requests {
        let answer = send(server.address, to_request(signed)).await;
        assert_eq!(answer.status, 200, "{signed:#} {answer:?}");
    }
}
