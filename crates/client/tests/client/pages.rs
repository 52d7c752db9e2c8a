//! Listings page by page and item by item.

use std::pin::Pin;

use futures_core::Stream;
use longshore_client::{Client, Listing, PageError, Retry};
use model::operations::*;
use model::shapes::ListTasksInput;
use serde_json::{Value, json};

use crate::server::{Reply, Server};

fn page(items: &[&str], token: Option<&str>) -> Reply {
    let mut page = json!({"taskArns": items});
    if let Some(token) = token {
        page["nextToken"] = token.into();
    }
    Reply::ok(page)
}

fn tokens(server: &Server) -> Vec<Value> {
    let requests = server.requests().into_iter();
    requests
        .map(|request| request.body["nextToken"].clone())
        .collect()
}

/// Lists through the trait, so that a type that is no stream does not compile.
async fn drain<T>(
    mut stream: impl Stream<Item = Result<T, PageError>> + Unpin,
) -> (Vec<T>, Option<PageError>) {
    let mut items = Vec::new();
    loop {
        let next = std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context));
        match next.await {
            Some(Ok(item)) => items.push(item),
            Some(Err(error)) => return (items, Some(error)),
            None => return (items, None),
        }
    }
}

async fn list(script: Vec<Reply>) -> (Vec<String>, Option<PageError>, Server) {
    let server = Server::start(script).await;
    let client = Client::new(server.config().retry(Retry::never()).build().unwrap());
    let items = client.pages::<ListTasks>(ListTasksInput::default()).items();
    let (items, error) = drain(items).await;
    (items, error, server)
}

#[tokio::test]
async fn an_empty_page_with_a_token_is_not_the_end() {
    let script = vec![
        page(&[], Some("p2")),
        page(&["a"], Some("p3")),
        page(&["b"], None),
    ];
    let (items, error, server) = list(script).await;
    assert_eq!(
        (items, error.is_none()),
        (vec!["a".to_owned(), "b".to_owned()], true)
    );
    assert_eq!(tokens(&server), [Value::Null, "p2".into(), "p3".into()]);
}

#[tokio::test]
async fn an_empty_token_is_the_end() {
    let (items, error, server) = list(vec![page(&["a"], Some(""))]).await;
    assert_eq!(
        (items.len(), error.is_none(), server.requests().len()),
        (1, true, 1)
    );
}

#[tokio::test]
async fn a_repeated_token_is_an_error_after_the_items() {
    for last in ["p3", "p2"] {
        let script = vec![
            page(&["a"], Some("p2")),
            page(&["b"], Some("p3")),
            page(&["c"], Some(last)),
        ];
        let (items, error, server) = list(script).await;
        assert_eq!(items, ["a", "b", "c"]);
        let text = error.unwrap().to_string();
        assert!(
            text.starts_with("ListTasks: nextToken came a second time"),
            "{text}"
        );
        assert_eq!(server.requests().len(), 3);
    }
}

#[tokio::test]
async fn a_repeated_token_ends_quietly_on_request() {
    let server = Server::start(vec![page(&["a"], Some("p1"))]).await;
    let client = server.client();
    let input = ListTasksInput {
        next_token: Some("p1".into()),
        ..Default::default()
    };
    let pages = client.pages::<ListTasks>(input).stop_on_repeated_token();
    assert_eq!(pages.items().collect().await.unwrap(), ["a"]);
    assert_eq!(tokens(&server), ["p1"]);
}

#[tokio::test]
async fn an_error_on_page_two_keeps_what_came_before() {
    let refusal = Reply::error(400, "InvalidParameterException", "Invalid token.");
    let (items, error, server) = list(vec![page(&["a", "b"], Some("p2")), refusal]).await;
    assert_eq!(items, ["a", "b"]);
    let Some(PageError::Call(error)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.code(), Some("InvalidParameterException"));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn after_an_error_the_stream_is_over() {
    let refusal = Reply::error(400, "InvalidParameterException", "no");
    let server = Server::start(vec![refusal]).await;
    let client = server.client();
    let mut pages = client.pages::<ListTasks>(ListTasksInput::default());
    assert!(pages.next().await.unwrap().is_err());
    assert!(pages.next().await.is_none());
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn max_results_and_filters_go_out_with_every_page() {
    let server = Server::start(vec![page(&["a"], Some("p2")), page(&["b"], None)]).await;
    let client = server.client();
    let input = ListTasksInput {
        cluster: Some("c".into()),
        max_results: Some(1),
        ..Default::default()
    };
    let (pages, error) = drain(client.pages::<ListTasks>(input)).await;
    assert_eq!((pages.len(), error.is_none()), (2, true));
    assert_eq!(pages[1].task_arns.as_deref(), Some(&["b".to_owned()][..]));
    let bodies: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| request.body)
        .collect();
    assert_eq!(
        bodies,
        [
            json!({"cluster": "c", "maxResults": 1}),
            json!({"cluster": "c", "maxResults": 1, "nextToken": "p2"}),
        ]
    );
}

/// Two pages of an item each, under the member's wire name.
async fn check<L: Listing>(input: Value, member: &str, items: [Value; 2]) {
    let [first, second] = items;
    let script = [
        Reply::ok(json!({member: first, "nextToken": "p2"})),
        Reply::ok(json!({member: second})),
    ];
    let server = Server::start(script.to_vec()).await;
    let client = server.client();
    let input = serde_json::from_value(input).unwrap();
    let items = client.pages::<L>(input).items().collect().await.unwrap();
    assert_eq!(items.len(), 2, "{}", L::NAME);
    assert_eq!(tokens(&server), [Value::Null, "p2".into()], "{}", L::NAME);
}

#[tokio::test]
async fn every_listing_is_paged() {
    let arns = || [json!(["a"]), json!(["b"])];
    let shapes = || [json!([{}]), json!([{}])];
    let none = || json!({});
    check::<ListAccountSettings>(none(), "settings", shapes()).await;
    check::<ListAttributes>(
        json!({"targetType": "container-instance"}),
        "attributes",
        shapes(),
    )
    .await;
    check::<ListClusters>(none(), "clusterArns", arns()).await;
    check::<ListContainerInstances>(none(), "containerInstanceArns", arns()).await;
    check::<ListServices>(none(), "serviceArns", arns()).await;
    check::<ListServicesByNamespace>(json!({"namespace": "n"}), "serviceArns", arns()).await;
    check::<ListTaskDefinitionFamilies>(none(), "families", arns()).await;
    check::<ListTaskDefinitions>(none(), "taskDefinitionArns", arns()).await;
    check::<ListTasks>(none(), "taskArns", arns()).await;
    check::<ListGateways>(none(), "gateways", shapes()).await;
    check::<ListGatewayRoutes>(none(), "gatewayRoutes", shapes()).await;
    check::<ListGatewayClusterAssociations>(none(), "gatewayClusterAssociations", shapes()).await;
    check::<DescribeCapacityProviders>(none(), "capacityProviders", shapes()).await;
    let gateway = [json!({}), json!({})];
    check::<DescribeGatewayResources>(json!({"gateway": "g"}), "gatewayResources", gateway).await;
    check::<ListDaemonDeployments>(json!({"daemonArn": "d"}), "daemonDeployments", shapes()).await;
    check::<ListDaemonTaskDefinitions>(none(), "daemonTaskDefinitions", shapes()).await;
    check::<ListDaemons>(none(), "daemonSummariesList", shapes()).await;
    check::<ListServiceDeployments>(json!({"service": "s"}), "serviceDeployments", shapes()).await;
}
