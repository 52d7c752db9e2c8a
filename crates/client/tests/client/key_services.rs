//! Services that hand out keys: the endpoint of a container, the metadata of an instance.

use longshore_client::Client;
use serde_json::json;

use crate::calls::run_task;
use crate::credentials::{
    FAR, FULL_URI, METADATA, NO_METADATA, REGION, calls, document, fails, signer, soon,
};
use crate::server::{Reply, Server};
use crate::settings::{KEYS, Settings};

/// What the metadata service says, in order.
fn metadata(rest: Vec<Reply>) -> Vec<Reply> {
    [vec![Reply::ok("SESSION-1"), Reply::ok("ecs-role\n")], rest].concat()
}

#[tokio::test]
async fn the_instance_gives_keys_last() {
    let instance = Server::start(metadata(vec![document("AKIDROLE", FAR)])).await;
    let settings = Settings::new(&[REGION, (METADATA, instance.url())]);
    let requests = calls(&settings, 2).await;
    assert_eq!(signer(&requests[1]), ("AKIDROLE", Some("TOKEN-AKIDROLE")));
    let asked = instance.requests();
    let lines: Vec<&str> = asked.iter().map(|request| request.line.as_str()).collect();
    let roles = "GET /latest/meta-data/iam/security-credentials/";
    assert_eq!(
        lines,
        [
            "PUT /latest/api/token HTTP/1.1",
            &format!("{roles} HTTP/1.1"),
            &format!("{roles}ecs-role HTTP/1.1"),
        ]
    );
    let ttl = asked[0].header("x-aws-ec2-metadata-token-ttl-seconds");
    assert_eq!(ttl, "21600");
    for request in &asked[1..] {
        assert_eq!(request.header("x-aws-ec2-metadata-token"), "SESSION-1");
    }
    // A container's keys go before those of its host.
    let container = Server::start(vec![document("AKIDTASK", FAR)]).await;
    let both = [
        REGION,
        (METADATA, instance.url()),
        (FULL_URI, container.url()),
    ];
    assert_eq!(
        signer(&calls(&Settings::new(&both), 1).await[0]).0,
        "AKIDTASK"
    );
}

#[tokio::test]
async fn a_container_shows_its_token_and_reads_it_again() {
    let replies = vec![document("AKID1", &soon(2)), document("AKID2", FAR)];
    let container = Server::start(replies).await;
    let settings = Settings::new(&[
        REGION,
        NO_METADATA,
        (FULL_URI, container.url()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "of-the-variable"),
    ])
    .file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "token", "first");
    let server = Server::start(vec![Reply::ok("{}")]).await;
    let builder = settings.builder().unwrap().endpoint_url(server.url());
    let client = Client::new(builder.build().unwrap());
    client.run_task(run_task()).await.unwrap();
    settings.write("token", "second");
    client.run_task(run_task()).await.unwrap();
    client.run_task(run_task()).await.unwrap();
    let signers: Vec<_> = server
        .requests()
        .iter()
        .map(|r| signer(r).0.to_owned())
        .collect();
    assert_eq!(signers, ["AKID1", "AKID2", "AKID2"]);
    let shown: Vec<_> = container.requests();
    let shown: Vec<_> = shown.iter().map(|r| r.header("authorization")).collect();
    assert_eq!(shown, ["first", "second"]);
}

#[tokio::test]
async fn a_token_that_cannot_be_sent_is_told() {
    let of_file = |text: &str| {
        Settings::new(&[REGION, (FULL_URI, "http://127.0.0.1:1/")]).file(
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            "token",
            text,
        )
    };
    let error = fails(&of_file("secret-token\n")).await.to_string();
    assert!(error.ends_with("/token, named in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: the token has a line break: remove it"), "{error}");
    assert!(!error.contains("secret-token"), "{error}");
    let gone = of_file("");
    gone.remove("token");
    let error = fails(&gone).await.to_string();
    assert!(
        error.contains("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: No such file"),
        "{error}"
    );
}

/// What the container's endpoint answers, how often it is asked, and the end of the error
/// if no keys come of it.
async fn container(replies: Vec<Reply>, asked: usize, error: Option<&str>) {
    let container = Server::start(replies).await;
    let settings = Settings::new(&[REGION, NO_METADATA, (FULL_URI, container.url())]);
    match error {
        None => assert_eq!(signer(&calls(&settings, 1).await[0]).0, "AKIDTASK"),
        Some(text) => {
            let error = fails(&settings).await.to_string();
            let whole = format!("EcsContainer: {}: {text}", container.url());
            assert!(error.ends_with(&whole), "{error}");
        }
    }
    assert_eq!(container.requests().len(), asked);
}

#[tokio::test]
async fn a_container_is_asked_again_when_that_can_help() {
    let good = || document("AKIDTASK", FAR);
    container(vec![Reply::error(500, "x", ""), good()], 2, None).await;
    container(vec![Reply::ok("<html>"), Reply::ok("{}"), good()], 3, None).await;
    container(vec![Reply::HangUp, good()], 2, None).await;
    let denied = json!({"code": "AccessDenied", "message": "not yours"}).to_string();
    let denied = Reply::Answer(403, vec![], denied);
    container(
        vec![denied, good()],
        1,
        Some("status 403: AccessDenied: not yours"),
    )
    .await;
    container(
        vec![Reply::Answer(404, vec![], String::new())],
        1,
        Some("status 404"),
    )
    .await;
    let broken = Reply::Answer(503, vec![], "down".to_owned());
    container(vec![broken], 3, Some("status 503: down")).await;
    let no_keys = "an answer that holds no credentials";
    container(vec![Reply::ok("{}")], 3, Some(no_keys)).await;
}

#[tokio::test]
async fn a_forbidden_host_is_not_asked() {
    for (url, host) in [
        ("http://10.0.0.1/creds", "`10.0.0.1` (10.0.0.1)"),
        (
            "http://169.254.170.3/creds",
            "`169.254.170.3` (169.254.170.3)",
        ),
        (
            "http://[fd00:ec2::24]/creds",
            "`fd00:ec2::24` (fd00:ec2::24)",
        ),
    ] {
        let error = fails(&Settings::new(&[REGION, (FULL_URI, url)])).await;
        let text = format!(
            "{FULL_URI}: {host} may not be asked over http: use https, an address of this \
             machine, 169.254.170.2 or 169.254.170.23 or fd00:ec2::23"
        );
        assert!(error.to_string().ends_with(&text), "{error}");
    }
    // A name of this machine is resolved first.
    let container = Server::start(vec![document("AKIDTASK", FAR)]).await;
    let url = container.url().replace("127.0.0.1", "localhost");
    let requests = calls(&Settings::new(&[REGION, (FULL_URI, &url)]), 1).await;
    assert_eq!(signer(&requests[0]).0, "AKIDTASK");
}

#[tokio::test]
async fn the_instance_says_why_it_gives_no_keys() {
    let refusal = json!({"Code": "AssumeRoleUnauthorizedAccess", "Message": "no trust"});
    let instance = Server::start(metadata(vec![Reply::ok(refusal)])).await;
    let settings = Settings::new(&[REGION, (METADATA, instance.url())]);
    let error = fails(&settings).await.to_string();
    let told = "Ec2InstanceMetadata: role ecs-role: AssumeRoleUnauthorizedAccess: no trust";
    assert!(error.ends_with(told), "{error}");
    assert_eq!(instance.requests().len(), 3);

    let refused = vec![Reply::Answer(403, vec![], String::new())];
    let instance = Server::start(refused).await;
    let settings = Settings::new(&[REGION, (METADATA, instance.url())]);
    let error = fails(&settings).await.to_string();
    assert!(error.ends_with("no session token: status 403"), "{error}");
}

#[tokio::test]
async fn a_session_token_that_is_refused_is_renewed_once() {
    let instance = Server::start(vec![
        Reply::ok("SESSION-1"),
        Reply::Answer(401, vec![], String::new()),
        Reply::ok("SESSION-2"),
        Reply::ok("ecs-role"),
        document("AKIDROLE", FAR),
    ])
    .await;
    let settings = Settings::new(&[REGION, (METADATA, instance.url())]);
    assert_eq!(signer(&calls(&settings, 1).await[0]).0, "AKIDROLE");
    let last = instance.requests().pop().unwrap();
    assert_eq!(last.header("x-aws-ec2-metadata-token"), "SESSION-2");
}

#[tokio::test]
async fn keys_of_the_instance_are_used_on_when_it_cannot_renew_them() {
    let gone = Reply::Answer(404, vec![], String::new());
    let replies = metadata(vec![document("AKIDROLE", &soon(2)), gone]);
    let instance = Server::start(replies).await;
    let settings = Settings::new(&[REGION, (METADATA, instance.url())]);
    let requests = calls(&settings, 3).await;
    assert!(
        requests
            .iter()
            .all(|request| signer(request).0 == "AKIDROLE")
    );
    // Once for the keys, once in vain, and then not again for minutes.
    assert_eq!(instance.requests().len(), 4);
    // Keys that are over when they come are used too.
    let instance = Server::start(metadata(vec![document("AKIDOLD", "2026-01-01T00:00:00Z")])).await;
    let settings = Settings::new(&[REGION, (METADATA, instance.url())]);
    assert_eq!(signer(&calls(&settings, 2).await[1]).0, "AKIDOLD");
    assert_eq!(instance.requests().len(), 3);
}

#[tokio::test]
async fn the_instance_tells_the_region_last() {
    let replies = vec![Reply::ok("SESSION-1"), Reply::ok("us-west-2")];
    let instance = Server::start(replies).await;
    let variables = [&KEYS[..], &[(METADATA, instance.url())]].concat();
    let found = Settings::new(&variables)
        .builder()
        .unwrap()
        .find_region()
        .await;
    assert_eq!(found.build().unwrap().region(), "us-west-2");
    let asked = instance.requests();
    assert_eq!(
        asked[1].line,
        "GET /latest/meta-data/placement/region HTTP/1.1"
    );
    for not_asked in [REGION, NO_METADATA] {
        let variables = [&variables[..], &[not_asked]].concat();
        let found = Settings::new(&variables)
            .builder()
            .unwrap()
            .find_region()
            .await;
        assert_eq!(found.build().is_ok(), not_asked == REGION);
    }
    assert_eq!(instance.requests().len(), 2);
}
