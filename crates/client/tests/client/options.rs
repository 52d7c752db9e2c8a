//! Options of one call, and calls that are canceled.

use std::time::Duration;

use longshore_client::{
    CallOptions, CancelToken, Client, Config, Credentials, EndpointParameters, ErrorKind,
    ResolveEndpoint, ResolvedEndpoint, Retry, Timeouts, TokenProvider,
};
use model::operations::{DescribeTasks, RunTask};
use model::shapes::DescribeTasksInput;

use crate::calls::run_task;
use crate::server::{Reply, Request, Server};

/// What arrives when a call with these options is made, and that the next call of the
/// same client knows nothing of them.
async fn check(options: CallOptions, differs: impl Fn(&Request) -> bool) {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let client = server.client();
    client
        .call_with::<RunTask>(run_task(), &options)
        .await
        .unwrap();
    client.run_task(run_task()).await.unwrap();
    let requests = server.requests();
    assert!(differs(&requests[0]), "{:?}", requests[0]);
    assert!(!differs(&requests[1]), "{:?}", requests[1]);
}

fn has(header: &'static str, text: &'static str) -> impl Fn(&Request) -> bool {
    move |request| {
        let value = request.headers.get(header);
        value.is_some_and(|value| value.contains(text))
    }
}

#[derive(Debug)]
struct Fixed(&'static str);

impl TokenProvider for Fixed {
    fn token(&self) -> Result<String, String> {
        Ok(self.0.to_owned())
    }
}

#[tokio::test]
async fn an_option_changes_this_call_and_no_other() {
    let new = CallOptions::new;
    let scope = |text| has("authorization", text);
    check(new().region("eu-west-1"), scope("/eu-west-1/ecs/")).await;
    check(new().signing_region("sa-east-1"), scope("/sa-east-1/ecs/")).await;
    check(new().signing_name("ecs-x"), scope("/us-east-1/ecs-x/")).await;
    check(
        new().credentials(Credentials::new("OTHER", "KEY")),
        scope("Credential=OTHER/"),
    )
    .await;
    check(new().app_id("batch"), has("user-agent", " app/batch")).await;
    check(new().header("X-Team", "blue"), has("x-team", "blue")).await;
    check(new().header("X-Team", "blue"), scope(";x-team,")).await;
    check(new().max_attempts(7), has("amz-sdk-request", "max=7")).await;
    check(
        new().retry(Retry::never()),
        has("amz-sdk-request", "attempt=1; max=1"),
    )
    .await;
    check(new().token_provider(Fixed("mine")), |request| {
        request.body["clientToken"] == "mine"
    })
    .await;
    check(new().without_token(), |request| {
        request.body.get("clientToken").is_none()
    })
    .await;
}

#[tokio::test]
async fn an_anonymous_client_signs_nothing_until_it_has_a_key() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let client = Client::new(server.config().anonymous().build().unwrap());
    client.run_task(run_task()).await.unwrap();
    let request = server.requests().remove(0);
    assert!(
        !request.headers.contains_key("authorization"),
        "{request:?}"
    );
    assert!(!request.headers.contains_key("x-amz-security-token"));

    let options = CallOptions::new().credentials(Credentials::new("AKID", "KEY"));
    let call = client.call_with::<RunTask>(run_task(), &options);
    call.await.unwrap();
    let again = server.config().anonymous();
    let signed = again.credentials(Credentials::new("AKID", "KEY"));
    let client = Client::new(signed.build().unwrap());
    client.run_task(run_task()).await.unwrap();
    let scope = has("authorization", "Credential=AKID/");
    assert!(server.requests()[1..].iter().all(scope));
}

#[tokio::test]
async fn the_last_option_wins() {
    let options = CallOptions::new()
        .region("eu-west-1")
        .region("eu-west-2")
        .max_attempts(9)
        .max_attempts(4);
    check(options.clone(), has("authorization", "/eu-west-2/ecs/")).await;
    check(options, has("amz-sdk-request", "max=4")).await;
}

#[tokio::test]
async fn a_call_may_go_elsewhere() {
    let usual = Server::start(vec![Reply::ok("{}")]).await;
    let other = Server::start(vec![Reply::ok("{}")]).await;
    let client = usual.client();
    let options = CallOptions::new().endpoint_url(format!("{}/base", other.url()));
    for _ in 0..2 {
        let call = client.call_with::<RunTask>(run_task(), &options);
        call.await.unwrap();
    }
    client.run_task(run_task()).await.unwrap();
    let lines: Vec<_> = other.requests().into_iter().map(|r| r.line).collect();
    assert_eq!(lines, ["POST /base/ HTTP/1.1"; 2]);
    assert_eq!(usual.requests().len(), 1);
}

/// Sends every call to one place, signed for another service and region.
#[derive(Debug)]
struct There(String);

impl ResolveEndpoint for There {
    fn endpoint(&self, asked: &EndpointParameters<'_>) -> Result<ResolvedEndpoint, String> {
        assert_eq!((asked.service, asked.region), ("ecs", "eu-west-1"));
        let mut endpoint = ResolvedEndpoint::new(&self.0);
        endpoint.signing_region = Some("there-1".to_owned());
        Ok(endpoint)
    }
}

#[tokio::test]
async fn a_resolver_may_decide_for_one_call() {
    let usual = Server::start(vec![Reply::ok("{}")]).await;
    let other = Server::start(vec![Reply::ok("{}")]).await;
    let client = usual.client();
    let options = CallOptions::new()
        .region("eu-west-1")
        .endpoint_resolver(There(other.url().to_owned()));
    let call = client.call_with::<RunTask>(run_task(), &options);
    call.await.unwrap();
    client.run_task(run_task()).await.unwrap();
    let scope = has("authorization", "/there-1/ecs/");
    assert!(scope(&other.requests()[0]));
    assert_eq!((other.requests().len(), usual.requests().len()), (1, 1));
}

#[tokio::test]
async fn plain_http_replaces_the_scheme() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let url = server.url().replacen("http://", "https://", 1);
    let client = Client::new(server.config().endpoint_url(url).build().unwrap());
    let options = CallOptions::new().plain_http(true);
    let call = client.call_with::<RunTask>(run_task(), &options);
    call.await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn checks_can_be_left_out_for_one_call() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let client = server.client();
    let options = CallOptions::new().validate(false);
    let call = client.call_with::<DescribeTasks>(DescribeTasksInput::default(), &options);
    call.await.unwrap();
    let call = client.call::<DescribeTasks>(DescribeTasksInput::default());
    assert!(matches!(
        call.await.unwrap_err().kind(),
        ErrorKind::Validation { .. }
    ));
    assert_eq!(server.requests().len(), 1);
}

/// Options that cannot be used: nothing is sent, and the error says what to change.
async fn check_refused(options: CallOptions, text: &str) {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let client = server.client();
    let call = client.call_with::<RunTask>(run_task(), &options);
    let error = call.await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Config(_)), "{error:?}");
    assert!(error.to_string().contains(text), "{error}");
    assert_eq!((error.attempts(), server.requests().len()), (0, 0));
}

#[tokio::test]
async fn options_that_cannot_be_used_send_nothing() {
    let new = CallOptions::new;
    check_refused(new().max_attempts(0), "at least 1").await;
    check_refused(new().endpoint_url("localhost:80"), "has no scheme").await;
    check_refused(new().header("a b", "c"), "`a b` cannot be a header").await;
    check_refused(new().header("a", "b\n"), "`a` cannot be a header").await;
    check_refused(new().app_id("x".repeat(51)), "longer than 50").await;
}

#[tokio::test]
async fn a_region_of_its_own_moves_a_public_endpoint() {
    let config = Config::builder()
        .region("us-east-1")
        .credentials(Credentials::new("a", "b"));
    let client = Client::new(config.build().unwrap());
    // An impossible region shows that the rules were asked without leaving this machine.
    for region in ["", "not a region"] {
        let options = CallOptions::new().region(region);
        let call = client.call_with::<RunTask>(run_task(), &options);
        let error = call.await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Config(_)), "{error:?}");
        assert!(error.to_string().contains("cannot be a region"), "{error}");
    }
}

#[tokio::test]
async fn a_call_that_is_canceled_before_it_starts_sends_nothing() {
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let token = CancelToken::new();
    token.cancel();
    let options = CallOptions::new().cancel(&token);
    let client = server.client();
    let call = client.call_with::<RunTask>(run_task(), &options);
    let error = call.await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Canceled);
    assert_eq!((error.attempts(), server.requests().len()), (0, 0));
    assert!(
        error
            .to_string()
            .ends_with("RunTask: canceled by the caller")
    );
}

#[tokio::test]
async fn a_request_on_its_way_is_canceled() {
    let server = Server::start(vec![Reply::Silence]).await;
    let token = CancelToken::new();
    let options = CallOptions::new().cancel(&token);
    let client = server.client();
    let call = client.call_with::<RunTask>(run_task(), &options);
    let (error, ()) = tokio::join!(call, async {
        server.until(1).await;
        token.cancel();
    });
    let error = error.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Canceled);
    assert!(!error.is_retryable() && !error.is_stopped_by_quota());
    assert_eq!(error.attempts(), 1, "what was sent counts: {error}");
    assert!(error.token().is_some());
}

#[tokio::test]
async fn a_wait_before_another_attempt_is_canceled() {
    let server = Server::start(vec![Reply::throttle()]).await;
    let retry = Retry {
        max_attempts: 2,
        initial_backoff: Duration::from_secs(3600),
        max_backoff: Duration::from_secs(3600),
        ..Retry::default()
    };
    let timeouts = Timeouts {
        operation: None,
        ..Timeouts::default()
    };
    let config = server.config().retry(retry).timeouts(timeouts);
    let client = Client::new(config.build().unwrap());
    let token = CancelToken::new();
    let options = CallOptions::new().cancel(&token);
    let call = client.call_with::<RunTask>(run_task(), &options);
    let (error, ()) = tokio::join!(call, async {
        server.until(1).await;
        tokio::task::yield_now().await;
        token.cancel();
    });
    let error = error.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Canceled);
    assert_eq!((error.attempts(), server.requests().len()), (1, 1));
}
