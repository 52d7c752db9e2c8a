//! Keys by way of `aws-config`: roles, web identity, processes.

use crate::credentials::{NO_METADATA, REGION, calls, fails, signer};
use crate::server::{Reply, Server};
use crate::settings::Settings;

const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

/// What STS answers to `action`.
fn sts(action: &str, id: &str) -> Reply {
    Reply::ok(format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
         <Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
         <SessionToken>TOKEN-{id}</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>\
         </Credentials></{action}Result></{action}Response>"
    ))
}

#[tokio::test]
async fn a_profile_assumes_a_role_with_the_keys_of_another() {
    let server = Server::start(vec![sts("AssumeRole", "AKIDROLE")]).await;
    let settings = Settings::new(&[REGION, NO_METADATA, ("AWS_PROFILE", "deploy")])
        .config_file(&format!(
            "[profile deploy]\nrole_arn = {ROLE}\nsource_profile = base\nendpoint_url = {}\n",
            server.url()
        ))
        .credentials_file("[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = s\n");
    let requests = calls(&settings, 1).await;
    assert_eq!(signer(&requests[0]), ("AKIDROLE", Some("TOKEN-AKIDROLE")));
    let asked = server.requests().remove(0);
    assert_eq!(signer(&asked).0, "AKIDBASE");
    assert!(
        asked.body.to_string().contains("Action=AssumeRole&"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_process_prints_keys() {
    let keys = r#"{"Version":1,"AccessKeyId":"AKIDPROCESS","SecretAccessKey":"s"}"#;
    let settings = Settings::new(&[REGION, NO_METADATA])
        .config_file(&format!("[default]\ncredential_process = echo '{keys}'\n"));
    assert_eq!(signer(&calls(&settings, 1).await[0]).0, "AKIDPROCESS");
}

#[tokio::test]
async fn a_way_that_fails_is_told() {
    let profile = format!("[default]\nrole_arn = {ROLE}\nsource_profile = nobody\n");
    let settings = Settings::new(&[REGION, NO_METADATA]).config_file(&profile);
    let error = fails(&settings).await.to_string();
    assert!(
        error.contains("no credentials: Profile: ") && error.contains("nobody"),
        "{error}"
    );
    let half = Settings::new(&[REGION, ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t")]);
    let error = half.config().unwrap_err().to_string();
    assert_eq!(
        error,
        "AWS_ROLE_ARN: not set, though AWS_WEB_IDENTITY_TOKEN_FILE is"
    );
}
