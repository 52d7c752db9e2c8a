//! Calls that block.

use longshore_client::blocking::{Client, InAsyncCode};
use longshore_client::{CallOptions, ErrorKind};
use model::operations::{DescribeTasks, ListTasks, RunTask};
use model::shapes::{DescribeTasksInput, ListTasksInput};
use serde_json::json;

use crate::calls::run_task;
use crate::server::{Reply, Server};

#[test]
fn calls_block_until_they_are_over() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(vec![Reply::throttle(), Reply::ok("{}")]));
    let client = Client::new(server.config().build().unwrap()).unwrap();
    let response = client.call::<RunTask>(run_task()).unwrap();
    assert_eq!(response.metadata().attempts(), 2);
    let options = CallOptions::new().region("eu-west-1");
    let input = DescribeTasksInput {
        tasks: Some(vec!["t".into()]),
        ..Default::default()
    };
    client.call_with::<DescribeTasks>(input, &options).unwrap();
    assert!(
        server.requests()[2]
            .header("authorization")
            .contains("/eu-west-1/")
    );
    let waited = client.wait(client.inner().run_task(run_task()));
    waited.unwrap().unwrap();
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_listing_is_an_iterator_that_ends_after_an_error() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let script = vec![
        Reply::ok(json!({"taskArns": ["a", "b"], "nextToken": "p2"})),
        Reply::error(400, "InvalidParameterException", "Invalid token."),
    ];
    let server = runtime.block_on(Server::start(script));
    let client = Client::new(server.config().build().unwrap()).unwrap();
    let items = client.items::<ListTasks>(ListTasksInput::default());
    let items: Vec<_> = items
        .map(|item| item.map_err(|error| error.to_string()))
        .collect();
    assert_eq!(items[..2], [Ok("a".to_owned()), Ok("b".to_owned())]);
    let error = items[2].clone().unwrap_err();
    assert!(error.contains("Invalid token."), "{error}");
    assert_eq!((items.len(), server.requests().len()), (3, 2));
}

#[tokio::test]
async fn in_async_code_a_call_says_what_to_use() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let client = Client::new(server.config().build().unwrap()).unwrap();
    assert_eq!(client.wait(std::future::ready(())), Err(InAsyncCode));
    let error = client.call::<RunTask>(run_task()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Config(_)), "{error:?}");
    assert!(
        error.to_string().contains("use `longshore_client::Client`"),
        "{error}"
    );
    let items = client.items::<ListTasks>(ListTasksInput::default());
    assert_eq!(items.filter(Result::is_err).count(), 1);
    assert!(server.requests().is_empty());
    // A runtime must not be dropped where it may not block.
    tokio::task::spawn_blocking(move || drop(client))
        .await
        .unwrap();
}
