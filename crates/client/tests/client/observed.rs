//! What can be seen of a call from outside: spans, measurements, the log of the wire, and
//! the order of its steps.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use longshore_client::{
    Client, ConfigBuilder, Credentials, CredentialsFuture, Measurement, Meter, ProvideCredentials,
    TokenProvider, WireLog,
};
use model::shapes::RunTaskInput;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::calls::run_task;
use crate::scripted::{Answer, Scripted};
use crate::secrets::Log;

/// Spans as they open and close: `+outer/inner`, `-outer/inner`.
#[derive(Debug, Clone, Default)]
struct Spans {
    log: Arc<Mutex<Vec<String>>>,
    fields: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Spans {
    fn note(&self, sign: char, id: &Id, context: &Context<'_, Registry>) {
        let span = context.span(id).unwrap();
        let path: Vec<_> = span.scope().from_root().map(|span| span.name()).collect();
        self.log
            .lock()
            .unwrap()
            .push(format!("{sign}{}", path.join("/")));
    }
}

impl Layer<Registry> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, Registry>) {
        self.note('+', id, &context);
        attributes.record(&mut Fields(&mut self.fields.lock().unwrap()));
    }

    fn on_close(&self, id: Id, context: Context<'_, Registry>) {
        self.note('-', &id, &context);
    }
}

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let value = format!("{value:?}").trim_matches('"').to_owned();
        self.0.insert(field.name().to_owned(), value);
    }
}

async fn spans_of(script: Vec<Answer>, input: RunTaskInput) -> Spans {
    let spans = Spans::default();
    let subscriber = tracing_subscriber::registry().with(spans.clone());
    let service = Scripted::new(script);
    let client = Client::new(service.config().log(subscriber).build().unwrap());
    let _ = client.run_task(input).await;
    spans
}

const INITIALIZE: [&str; 5] = [
    "+call",
    "+call/Initialize",
    "+call/Initialize/OperationIdempotencyTokenAutoFill",
    "-call/Initialize/OperationIdempotencyTokenAutoFill",
    "-call/Initialize",
];

#[tokio::test(start_paused = true)]
async fn spans_have_the_names_of_the_sdk_for_go() {
    let spans = spans_of(vec![Answer::throttle(), Answer::ok()], run_task()).await;
    let rest = [
        "+call/BuildRequest",
        "-call/BuildRequest",
        "+call/RetryLoop",
        "+call/RetryLoop/Attempt",
        "-call/RetryLoop/Attempt",
        "+call/RetryLoop/Attempt",
        "-call/RetryLoop/Attempt",
        "-call/RetryLoop",
        "-call",
    ];
    assert_eq!(
        *spans.log.lock().unwrap(),
        [&INITIALIZE[..], &rest].concat()
    );
    let fields = spans.fields.lock().unwrap();
    for (name, value) in [
        ("otel.name", "ECS.RunTask"),
        ("otel.kind", "client"),
        ("rpc.system", "aws-api"),
        ("rpc.service", "ECS"),
        ("rpc.method", "RunTask"),
    ] {
        assert_eq!(fields[name], value, "{name}");
    }
}

#[derive(Debug)]
struct BrokenHook;

impl longshore_client::extension::Intercept for BrokenHook {
    fn name(&self) -> &'static str {
        "BrokenHook"
    }

    fn read_before_serialization(
        &self,
        _: &aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef<'_>,
        _: &aws_smithy_runtime_api::client::runtime_components::RuntimeComponents,
        _: &mut aws_smithy_types::config_bag::ConfigBag,
    ) -> Result<(), aws_smithy_runtime_api::box_error::BoxError> {
        Err("the hook is broken".into())
    }
}

#[tokio::test(start_paused = true)]
async fn spans_are_closed_when_a_step_fails() {
    let spans = spans_of(vec![Answer::ok()], RunTaskInput::default()).await;
    let expected = [&INITIALIZE[..], &["-call"]].concat();
    assert_eq!(*spans.log.lock().unwrap(), expected);

    let spans = Spans::default();
    let subscriber = tracing_subscriber::registry().with(spans.clone());
    let service = Scripted::new(vec![Answer::ok()]);
    let config = service.config().log(subscriber).interceptor(BrokenHook);
    let client = Client::new(config.build().unwrap());
    let error = client.run_task(run_task()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("ECS RunTask: "), "{text}");
    assert!(
        text.contains("BrokenHook") && text.contains("the hook is broken"),
        "{text}"
    );
    assert!(service.take().is_empty());
    let rest = ["+call/BuildRequest", "-call/BuildRequest", "-call"];
    assert_eq!(
        *spans.log.lock().unwrap(),
        [&INITIALIZE[..], &rest].concat()
    );
}

/// Everything that happens, in one list.
#[derive(Debug, Clone, Default)]
struct Course(Arc<Mutex<Vec<String>>>);

impl Course {
    fn note(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
}

impl Meter for Course {
    fn record(&self, measurement: &Measurement) {
        assert_eq!(
            (measurement.service, measurement.operation),
            ("ECS", "RunTask")
        );
        assert!(
            (0.0..60.0).contains(&measurement.seconds),
            "{measurement:?}"
        );
        self.note(measurement.name);
    }
}

impl TokenProvider for Course {
    fn token(&self) -> Result<String, String> {
        self.note("token");
        Ok("t".to_owned())
    }
}

impl ProvideCredentials for Course {
    fn credentials(&self) -> CredentialsFuture<'_> {
        self.note("credentials");
        Box::pin(std::future::ready(Ok(Credentials::new("a", "b"))))
    }
}

fn watched(config: ConfigBuilder, course: &Course) -> Client {
    let config = config
        .meter(course.clone())
        .token_provider(course.clone())
        .credentials_provider(course.clone());
    Client::new(config.build().unwrap())
}

#[tokio::test(start_paused = true)]
async fn the_steps_have_the_order_of_the_seed_and_are_measured() {
    let course = Course::default();
    let service = Scripted::new(vec![Answer::throttle(), Answer::ok()]);
    let client = watched(service.config(), &course);
    client.run_task(run_task()).await.unwrap();
    // The endpoint is known before the key, because it may choose how to sign; neither
    // can be told from the other on the wire.
    let attempt = [
        "client.call.auth.resolve_identity_duration",
        "client.call.auth.signing_duration",
        "client.call.deserialization_duration",
        "client.call.attempt_duration",
    ];
    let endpoint = "client.call.resolve_endpoint_duration";
    let start = [
        "token",
        "client.call.serialization_duration",
        endpoint,
        "credentials",
    ];
    let end = ["client.call.duration"];
    let expected = [&start[..], &attempt, &[endpoint], &attempt, &end].concat();
    assert_eq!(*course.0.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_token_comes_before_the_checks() {
    let course = Course::default();
    let service = Scripted::new(vec![Answer::ok()]);
    let client = watched(service.config(), &course);
    let error = client.run_task(RunTaskInput::default()).await.unwrap_err();
    assert!(error.to_string().contains("taskDefinition"), "{error}");
    assert_eq!(*course.0.lock().unwrap(), ["token"]);
}

/// The log of one call with some switches on.
async fn log_of(wanted: WireLog) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let answer = Answer(200, vec![("x-secret", "hunter2".into())], r#"{"tasks":[]}"#);
    let service = Scripted::new(vec![answer]);
    let config = service.config().log(subscriber).wire_log(wanted);
    let client = Client::new(config.build().unwrap());
    client.run_task(run_task()).await.unwrap();
    log.text()
}

async fn check_log(wanted: WireLog, shown: &[&str]) {
    let log = log_of(wanted).await;
    let all = [
        "https://ecs.us-east-1.amazonaws.com/",
        "PASSWORD",
        "status=200 headers",
        "{\\\"tasks\\\":[]}",
    ];
    for text in all {
        assert_eq!(
            log.contains(text),
            shown.contains(&text),
            "{text} in\n{log}"
        );
    }
    for secret in ["hunter2", "Signature=", "wJalr"] {
        assert!(!log.contains(secret), "{secret} in\n{log}");
    }
    assert!(log.contains("call ended"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn the_wire_is_logged_as_far_as_wanted_and_without_secrets() {
    let none = WireLog::default();
    check_log(none, &[]).await;
    let request = WireLog {
        request: true,
        ..none
    };
    check_log(request, &["https://ecs.us-east-1.amazonaws.com/"]).await;
    let request_body = WireLog {
        request_body: true,
        ..none
    };
    check_log(request_body, &["PASSWORD"]).await;
    let response = WireLog {
        response: true,
        ..none
    };
    check_log(response, &["status=200 headers"]).await;
    let response_body = WireLog {
        response_body: true,
        ..none
    };
    check_log(response_body, &["{\\\"tasks\\\":[]}"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_of_the_clients_own_gets_everything() {
    let around = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(around.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let own = log_of(WireLog::default()).await;
    drop(guard);
    assert!(own.contains("call ended"), "{own}");
    assert_eq!(around.text(), "");
}
