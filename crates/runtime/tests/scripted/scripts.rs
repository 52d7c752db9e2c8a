//! Scripts as a caller of RunTask meets them.

use std::path::Path;
use std::sync::Arc;

use model::TaskId;
use model::cloudwatch_logs::GetLogEventsInput;
use model::container::{ContainerKey, ContainerSpec, LogTarget};
use model::payload::{NetworkMode, NetworkSpec, NetworkState, PortMapping, Protocol};
use runtime::scripted::{SCRIPT_LABEL, Scripted};
use runtime::{Capacity, Clock, Driver, conformance};
use tempfile::TempDir;

use crate::clock::PausedClock;

struct Fixture {
    folder: TempDir,
    clock: Arc<PausedClock>,
}

impl Fixture {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(PausedClock::new()),
        }
    }

    fn logs(&self) -> std::path::PathBuf {
        self.folder.path().join("logs")
    }

    fn in_memory(&self) -> Scripted {
        Scripted::in_memory(self.clock(), &self.logs())
    }

    fn persistent(&self) -> Scripted {
        let folder = self.folder.path().join("scripted");
        Scripted::persistent(self.clock(), &self.logs(), &folder).unwrap()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::<PausedClock>::clone(&self.clock)
    }

    fn now(&self) -> i64 {
        self.clock.now().millis()
    }

    /// Time and text of every line in the container's log.
    fn lines(&self) -> Vec<(i64, String)> {
        lines(&self.logs())
    }
}

fn lines(root: &Path) -> Vec<(i64, String)> {
    let input = GetLogEventsInput {
        log_group_name: Some("g".to_owned()),
        log_stream_name: Some("s".to_owned()),
        start_from_head: Some(true),
        ..GetLogEventsInput::default()
    };
    let store = logs::Store::open(root, "us-east-1", "000000000000");
    let Ok(output) = store.get_log_events(&input) else {
        return Vec::new();
    };
    let line = |event: model::cloudwatch_logs::OutputLogEvent| {
        (event.timestamp.unwrap(), event.message.unwrap())
    };
    output.events.into_iter().map(line).collect()
}

fn spec(script: &str) -> ContainerSpec {
    ContainerSpec {
        labels: [(SCRIPT_LABEL.to_owned(), script.to_owned())].into(),
        ..ContainerSpec::new(
            ContainerKey {
                task: TaskId::from_bits(1),
                container: "app".to_owned(),
            },
            "busybox",
            LogTarget {
                group: "g".to_owned(),
                stream: "s".to_owned(),
            },
        )
    }
}

async fn start(driver: &Scripted, script: &str) -> ContainerKey {
    let spec = spec(script);
    driver.start(&spec, &NetworkState::default()).await.unwrap();
    spec.key
}

/// One life without signals: how long it took, how it ended, what it wrote.
async fn check(script: &str, millis: i64, code: Option<i32>, written: &[(i64, &str)]) {
    let fixture = Fixture::new();
    let driver = fixture.in_memory();
    let key = start(&driver, script).await;
    let exit = driver.wait(&key).await;
    assert_eq!((exit.at.millis(), exit.code), (millis, code), "{script}");
    assert_eq!(fixture.now(), millis, "{script}");
    let written: Vec<_> = written
        .iter()
        .map(|&(at, text)| (at, text.to_owned()))
        .collect();
    assert_eq!(fixture.lines(), written, "{script}");
}

#[tokio::test(start_paused = true)]
async fn a_life_follows_its_script() {
    check(
        "start 200ms; log hello; run 2s; exit 3",
        2200,
        Some(3),
        &[(200, "hello")],
    )
    .await;
    check("exit 0", 0, Some(0), &[]).await;
    check("run 1h; oom", 3_600_000, Some(137), &[]).await;
    check(
        "run 1s; log a; run 1s; log b; vanish",
        2000,
        None,
        &[(1000, "a"), (2000, "b")],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_pull_takes_its_time_and_may_fail() {
    let fixture = Fixture::new();
    let driver = fixture.in_memory();
    let failure = driver
        .pull(&spec("pull 3s; pull fail no such image"))
        .await
        .unwrap_err();
    assert_eq!(
        failure.to_string(),
        "CannotPullContainerError: no such image"
    );
    assert_eq!(fixture.now(), 3000);
    let image = driver.pull(&spec("stop-signal SIGINT")).await.unwrap();
    assert_eq!((image.stop_signal, fixture.now()), (2, 3000));
}

#[tokio::test(start_paused = true)]
async fn a_start_may_fail() {
    let fixture = Fixture::new();
    let driver = fixture.in_memory();
    let failed = |script| {
        let spec = spec(script);
        let driver = &driver;
        async move {
            driver
                .start(&spec, &NetworkState::default())
                .await
                .unwrap_err()
                .to_string()
        }
    };
    assert_eq!(
        failed("start fail no memory").await,
        "CannotStartContainerError: no memory"
    );
    let text = failed("run 2s; exot 3").await;
    assert!(
        text.starts_with("CannotStartContainerError: script, character 9: `exot`"),
        "{text}"
    );
    assert_eq!(driver.existing().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_written_is_told_at_the_start() {
    let fixture = Fixture::new();
    std::fs::write(fixture.logs(), "in the way").unwrap();
    let driver = fixture.in_memory();
    let failure = driver
        .start(&spec("log x"), &NetworkState::default())
        .await
        .unwrap_err();
    assert!(
        failure
            .to_string()
            .starts_with("CannotStartContainerError: "),
        "{failure}"
    );
    start(&driver, "exit 0").await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_hears_of_signals() {
    let fixture = Fixture::new();
    let driver = fixture.in_memory();
    let key = start(&driver, "on SIGTERM exit 0 after 5s; log up").await;
    let stop = async {
        fixture
            .clock
            .sleep_until(model::Timestamp::from_millis(1000))
            .await;
        driver.signal(&key, 15).await.unwrap();
    };
    let (exit, ()) = tokio::join!(driver.wait(&key), stop);
    assert_eq!((exit.code, exit.at.millis()), (Some(0), 6000));
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_the_task_is_removed() {
    let fixture = Fixture::new();
    let driver = fixture.in_memory();
    let key = start(&driver, "").await;
    let (exit, removed) = tokio::join!(driver.wait(&key), driver.tear_down(key.task));
    removed.unwrap();
    assert_eq!(exit.code, None);
}

#[tokio::test(start_paused = true)]
async fn a_life_goes_on_while_no_server_runs() {
    let fixture = Fixture::new();
    let key = start(
        &fixture.persistent(),
        "log a; run 1s; log b; run 1s; log c; exit 4",
    )
    .await;
    {
        let driver = fixture.persistent();
        tokio::select! {
            exit = driver.wait(&key) => panic!("too early: {exit:?}"),
            () = fixture.clock.sleep_until(model::Timestamp::from_millis(1500)) => {}
        }
    }
    assert_eq!(
        fixture.lines(),
        [(0, "a".to_owned()), (1000, "b".to_owned())]
    );
    fixture
        .clock
        .sleep_until(model::Timestamp::from_millis(9000))
        .await;
    let existing = fixture.persistent().existing().await.unwrap();
    let exit = existing[0].exit.clone().unwrap();
    assert_eq!((exit.code, exit.at.millis()), (Some(4), 2000));
    let expected = [(0, "a"), (1000, "b"), (2000, "c")].map(|(at, text)| (at, text.to_owned()));
    assert_eq!(fixture.lines(), expected);
}

#[tokio::test(start_paused = true)]
async fn signals_are_remembered() {
    let fixture = Fixture::new();
    let driver = fixture.persistent();
    let key = start(&driver, "on SIGTERM exit 9 after 5s").await;
    driver.signal(&key, 15).await.unwrap();
    drop(driver);
    let exit = fixture.persistent().wait(&key).await;
    assert_eq!((exit.code, exit.at.millis()), (Some(9), 5000));
}

#[tokio::test(start_paused = true)]
async fn what_was_torn_down_stays_away_and_what_was_held_stays_held() {
    let fixture = Fixture::new();
    let network = |task| NetworkSpec {
        ports: vec![PortMapping {
            container: "app".to_owned(),
            container_port: 80,
            host_port: None,
            protocol: Protocol::Tcp,
        }],
        ..NetworkSpec::new(
            TaskId::from_bits(task),
            NetworkMode::Bridge,
            vec!["app".to_owned()],
        )
    };
    let driver = fixture.persistent();
    let key = start(&driver, "").await;
    driver.set_up_network(&network(1)).await.unwrap();
    let held = driver.set_up_network(&network(2)).await.unwrap();
    driver.tear_down(key.task).await.unwrap();
    drop(driver);
    let driver = fixture.persistent();
    assert_eq!(driver.existing().await.unwrap(), []);
    assert_eq!(driver.set_up_network(&network(2)).await.unwrap(), held);
    let other = driver.set_up_network(&network(3)).await.unwrap();
    assert_ne!(other.containers[0].bindings, held.containers[0].bindings);
}

#[tokio::test(start_paused = true)]
async fn its_capacity_is_what_was_asked_for() {
    let driver = Fixture::new().in_memory();
    assert!(driver.capacity().cpu_units >= 1_000_000 * 1024);
    let small = Capacity {
        cpu_units: 1,
        memory_mib: 2,
        architecture: "arm64".to_owned(),
    };
    assert_eq!(driver.with_capacity(small.clone()).capacity(), small);
}

#[tokio::test(start_paused = true)]
async fn it_keeps_the_promises_of_every_driver() {
    let fixture = Fixture::new();
    let open = async || Arc::new(fixture.persistent()) as Arc<dyn Driver>;
    conformance::suite(open, "busybox", &fixture.logs()).await;
}
