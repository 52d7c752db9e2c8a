//! Item 1 of the test list: the signatures of a request that is known byte by byte.
//!
//! Both vectors were computed apart from this program. The body is put in by a hook,
//! because its members stand in an order of their own.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use longshore_client::extension::Intercept;
use longshore_client::{Client, ConfigBuilder, Credentials, TokenProvider};

use crate::calls::run_task;
use crate::scripted::{Answer, Scripted, Seen};

const BODY: &str = concat!(
    r#"{"cluster":"default","taskDefinition":"demo:1","count":1,"#,
    r#""clientToken":"00000000-0000-4000-8000-000000000000"}"#
);

#[derive(Debug)]
struct Body {
    has_length: bool,
}

impl Intercept for Body {
    fn name(&self) -> &'static str {
        "Body"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        *request.body_mut() = SdkBody::from(BODY);
        let headers = request.headers_mut();
        if self.has_length {
            headers.try_insert("content-length", BODY.len().to_string())?;
        } else {
            headers.remove("content-length");
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Id;

impl TokenProvider for Id {
    fn token(&self) -> Result<String, String> {
        Ok("11111111-1111-4111-8111-111111111111".to_owned())
    }
}

async fn sent(has_length: bool, change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Seen {
    let service = Scripted::new(vec![Answer::ok()]);
    let config = change(service.config().interceptor(Body { has_length }));
    let client = Client::new(config.build().unwrap());
    client.run_task(run_task()).await.unwrap();
    service.take().remove(0)
}

fn authorization(signed_headers: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/ecs/aws4_request, \
         SignedHeaders={signed_headers}, Signature={signature}"
    )
}

#[tokio::test(start_paused = true)]
async fn item_1_vector_a_has_the_fewest_headers() {
    let request = sent(false, |config| config).await;
    assert_eq!(request.uri, "https://ecs.us-east-1.amazonaws.com/");
    assert_eq!(request.header("x-amz-date"), "20260102T030405Z");
    assert_eq!(
        request.header("authorization"),
        authorization(
            "content-type;host;x-amz-date;x-amz-target",
            "e5846bdfb988237ab9967c49d6e378d371efe70f13c3028831a6651ca67f8fd7",
        )
    );
}

#[tokio::test(start_paused = true)]
async fn item_1_vector_b_signs_what_the_sdk_for_go_signs() {
    let keys = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        .with_session_token("TOKEN");
    let request = sent(true, |config| {
        config
            .credentials(keys)
            .invocation_id_provider(Id)
            .sign_attempts(true)
    })
    .await;
    assert_eq!(request.header("amz-sdk-request"), "attempt=1; max=3");
    assert_eq!(
        request.header("authorization"),
        authorization(
            "amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-date;\
             x-amz-security-token;x-amz-target",
            "ca9cb6132b6a56a07dc4874b2ee1b52e3aea97854e7a027e5d1294ade1342b61",
        )
    );
}
