//! Deadlines, clocks, hooks: what surrounds a call.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextMut, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use longshore_client::extension::{Intercept, Prepared};
use longshore_client::{CallOptions, Client, ErrorKind, Retry, Timeout};
use model::operations::RunTask;
use model::shapes::RunTaskInput;

use crate::calls::run_task;
use crate::scripted::{Answer, START, Scripted};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + START + Duration::from_secs(seconds)
}

/// An HTTP date so many seconds after [`START`].
fn date(offset: i64) -> String {
    let seconds = START.as_secs().checked_add_signed(offset).unwrap();
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_told_with_repeated_attempts_by_the_clock_of_the_service() {
    let service = Scripted::new(vec![
        Answer::throttle().with("date", date(3600)),
        Answer::ok(),
    ]);
    let client = Client::new(service.config().build().unwrap());
    let options = CallOptions::new().deadline(at(30));
    let call = client.call_with::<RunTask>(run_task(), &options);
    call.await.unwrap();
    client.run_task(run_task()).await.unwrap();
    let seen = service.take();
    let counts: Vec<_> = seen
        .iter()
        .map(|seen| seen.header("amz-sdk-request"))
        .collect();
    assert_eq!(
        counts,
        [
            "attempt=1; max=3",
            "ttl=20260102T040435Z; attempt=2; max=3",
            "attempt=1; max=3"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_call_while_it_waits() {
    let service = Scripted::new(vec![Answer::throttle()]);
    let retry = Retry {
        max_attempts: 1000,
        ..Retry::default()
    };
    let client = Client::new(service.config().retry(retry).build().unwrap());
    let options = CallOptions::new().deadline(at(7));
    let call = client.call_with::<RunTask>(run_task(), &options);
    let error = call.await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Timeout(Timeout::Operation));
    assert!(error.attempts() > 1 && !error.is_stopped_by_quota());
    assert!(
        service
            .take()
            .iter()
            .all(|seen| seen.at <= Duration::from_secs(7))
    );

    let options = CallOptions::new().deadline(at(0));
    let call = client.call_with::<RunTask>(run_task(), &options);
    let error = call.await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Timeout(Timeout::Operation));
    assert_eq!(error.attempts(), 0, "the deadline was over before");
}

/// What the metadata tell of a `Date`, and whether the next call is signed by it.
async fn check_clock(dates: &[(&'static str, String)], skew_seconds: i64, signed_at: &str) {
    let answer = Answer(200, dates.to_vec(), "{}");
    let service = Scripted::new(vec![answer]);
    let client = Client::new(service.config().build().unwrap());
    let response = client.run_task(run_task()).await.unwrap();
    let metadata = response.metadata();
    assert_eq!(metadata.answered_at(), Some(at(0)), "{dates:?}");
    assert_eq!(
        metadata.clock_skew_millis(),
        skew_seconds * 1000,
        "{dates:?}"
    );
    let has_time = metadata.server_time().is_some();
    assert_eq!(has_time, skew_seconds != 0, "{dates:?}");
    client.run_task(run_task()).await.unwrap();
    assert_eq!(
        service.take()[1].header("x-amz-date"),
        signed_at,
        "{dates:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn item_7_the_clock_of_the_service_is_read_from_every_answer() {
    check_clock(&[("date", date(180))], 180, "20260102T030705Z").await;
    check_clock(&[("date", date(-180))], -180, "20260102T030105Z").await;
    check_clock(&[], 0, "20260102T030405Z").await;
    check_clock(&[("date", "soon".into())], 0, "20260102T030405Z").await;
    // The date of an answer from a cache is old.
    let cached = [("date", date(180)), ("age", "180".to_owned())];
    check_clock(&cached, 180, "20260102T030405Z").await;
}

#[tokio::test(start_paused = true)]
async fn item_7_a_clock_that_must_not_be_repaired_stays() {
    let service = Scripted::new(vec![Answer::ok().with("date", date(180))]);
    let config = service.config().repair_clock(false).build().unwrap();
    let client = Client::new(config);
    for _ in 0..2 {
        client.run_task(run_task()).await.unwrap();
    }
    assert_eq!(service.take()[1].header("x-amz-date"), "20260102T030405Z");
}

#[derive(Debug)]
struct Noted(String);

impl Storable for Noted {
    type Storer = StoreReplace<Self>;
}

/// Writes down where it is called, and what an earlier hook of the same call noted.
#[derive(Debug, Clone, Default)]
struct Spy {
    log: Arc<Mutex<Vec<String>>>,
    note: &'static str,
}

impl Spy {
    fn log(&self, place: &str, config: &ConfigBag) {
        let noted = config.load::<Noted>().map_or("", |noted| noted.0.as_str());
        self.log.lock().unwrap().push(format!("{place} {noted}"));
    }
}

impl Intercept for Spy {
    fn name(&self) -> &'static str {
        "Spy"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let prepared = context.input().downcast_ref::<Prepared>().unwrap();
        let input: RunTaskInput = prepared.input()?;
        let definition = input.task_definition.unwrap_or_default();
        self.log(&format!("{} of {definition}", prepared.operation()), config);
        if !self.note.is_empty() {
            let state = config.interceptor_state();
            state.store_put(Noted(self.note.to_owned()));
        }
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.log("sent", config);
        Ok(())
    }

    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.log("over", config);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_hook_notes_is_there_for_the_call_and_gone_with_it() {
    let service = Scripted::new(vec![Answer::throttle(), Answer::ok()]);
    let spy = Spy::default();
    let config = service.config().interceptor(spy.clone()).build().unwrap();
    let client = Client::new(config);
    let noting = Spy {
        log: Arc::default(),
        note: "mine",
    };
    let options = CallOptions::new().interceptor(noting);
    let call = client.call_with::<RunTask>(run_task(), &options);
    call.await.unwrap();
    client.run_task(run_task()).await.unwrap();
    let log = spy.log.lock().unwrap();
    assert_eq!(
        *log,
        [
            "RunTask of demo:1 ",
            "sent mine",
            "sent mine",
            "over mine",
            "RunTask of demo:1 ",
            "sent ",
            "over ",
        ]
    );
}
