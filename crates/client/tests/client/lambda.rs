//! Inside AWS Lambda a call carries the trace of its caller. The variables that say so are
//! read from the process, so the calls are made by a child with variables of its own.

use std::process::Command;

use longshore_client::CallOptions;
use model::operations::RunTask;

use crate::calls::run_task;
use crate::server::{Reply, Server};

/// Makes a call and prints what it carried; does nothing as part of an ordinary run.
#[tokio::test]
async fn child() {
    let Ok(own) = std::env::var("LONGSHORE_TEST_TRACE_HEADER") else {
        return;
    };
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let mut options = CallOptions::new();
    if !own.is_empty() {
        options = options.header("x-amzn-trace-id", own);
    }
    let client = server.client();
    let call = client.call_with::<RunTask>(run_task(), &options);
    call.await.unwrap();
    let request = server.requests().remove(0);
    let trace = request.headers.get("x-amzn-trace-id");
    let signed = request.header("authorization").contains("x-amzn-trace-id");
    println!(
        "carried <{}> signed <{signed}>",
        trace.map_or("", String::as_str)
    );
}

/// What a call carries, given function name, trace id and a header of the caller's.
#[track_caller]
fn check(function: &str, trace: &str, own: &str, carried: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["lambda::child", "--exact", "--nocapture"]);
    child.env("LONGSHORE_TEST_TRACE_HEADER", own);
    for (name, value) in [
        ("AWS_LAMBDA_FUNCTION_NAME", function),
        ("_X_AMZN_TRACE_ID", trace),
    ] {
        match value {
            "" => child.env_remove(name),
            value => child.env(name, value),
        };
    }
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains(&format!("carried <{carried}> signed <false>")),
        "{text}"
    );
}

#[test]
fn a_trace_is_passed_on_inside_lambda_only() {
    let trace = "Root=1-5759e988;Parent=53995c3f;Sampled=1;lineage=a:1+b[c]{d}&\"',";
    check("f", trace, "", trace);
    check("f", "a\u{e9}", "", "a%C3%A9");
    check("", trace, "", "");
    check("f", "", "", "");
    check("f", trace, "mine", "mine");
}
