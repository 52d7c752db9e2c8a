//! Promises about containers: starts, exits, signals, logs, restarts.

use std::time::Duration;

use model::container::{ContainerSpec, Existing};

use super::host::{Behaviour, Host};
use crate::Executed;

const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;
/// Enough lines that a driver which drops what is in a pipe at the exit is found out.
const LINES: usize = 1000;

pub(crate) async fn check(host: &Host) {
    exit_and_output(host).await;
    image_at_its_mirror(host).await;
    many_lines(host).await;
    repeated_calls(host).await;
    unknown_containers(host).await;
    a_failed_start(host).await;
    stop_signal(host).await;
    kill(host).await;
    commands_inside(host).await;
    hanging_command(host).await;
}

async fn exit_and_output(host: &Host) {
    let does = Behaviour::new("log one; log two; exit 3", "echo one; echo two; exit 3");
    let spec = host.started(&does).await;
    let exit = host.wait(&spec.key).await;
    assert_eq!(
        (exit.code, exit.out_of_memory, &exit.reason),
        (Some(3), false, &None)
    );
    assert_eq!(
        host.lines(&spec),
        ["one", "two"],
        "every line is there before wait answers"
    );
    assert_eq!(
        host.wait(&spec.key).await,
        exit,
        "an end can be asked for again"
    );
    host.driver
        .signal(&spec.key, SIGTERM)
        .await
        .expect("an ended container needs no signal");
    let found = find(host, &spec)
        .await
        .expect("an ended container is known until it is removed");
    assert_eq!(found.exit, Some(exit));
    for _ in 0..2 {
        host.driver
            .remove(&spec.key)
            .await
            .expect("an ended container can be removed");
    }
    assert_eq!(find(host, &spec).await, None);
    assert_eq!(host.lines(&spec), ["one", "two"], "the log stays");
}

async fn image_at_its_mirror(host: &Host) {
    let does = Behaviour::new("exit 5", "exit 5");
    let mut spec = host.container(host.new_task(), "app", &does);
    spec.image = host.mirrored_image();
    host.start(&spec).await;
    assert_eq!(host.wait(&spec.key).await.code, Some(5));
}

async fn many_lines(host: &Host) {
    let script: String = (0..LINES).map(|n| format!("log line {n}\n")).collect();
    let shell = format!("i=0; while [ $i -lt {LINES} ]; do echo line $i; i=$((i+1)); done; exit 0");
    let spec = host
        .started(&Behaviour::new(&format!("{script}exit 0"), &shell))
        .await;
    assert_eq!(host.wait(&spec.key).await.code, Some(0));
    let expected: Vec<_> = (0..LINES).map(|n| format!("line {n}")).collect();
    assert_eq!(host.lines(&spec), expected);
}

async fn repeated_calls(host: &Host) {
    let spec = host.started(&Behaviour::service()).await;
    let network = host.network(spec.key.task).await;
    host.until_logged(&spec, "ready").await;
    let first = find(host, &spec)
        .await
        .expect("a running container is known");
    assert_eq!(first.exit, None);
    host.driver
        .pull(&spec)
        .await
        .expect("the image is still there");
    let again = host
        .driver
        .start(&spec, &network)
        .await
        .expect("a start can be repeated");
    assert_eq!(
        again, first.started,
        "the second start finds what the first one made"
    );
    for _ in 0..2 {
        host.driver
            .tear_down(spec.key.task)
            .await
            .expect("a task can be removed twice");
    }
    assert_eq!(
        find(host, &spec).await,
        None,
        "tear_down removes running containers too"
    );
}

async fn unknown_containers(host: &Host) {
    let spec = host.container(host.new_task(), "ghost", &Behaviour::service());
    let driver = &host.driver;
    driver
        .signal(&spec.key, SIGTERM)
        .await
        .expect("what does not run is stopped");
    driver
        .remove(&spec.key)
        .await
        .expect("what is not there is removed");
    driver
        .tear_down(spec.key.task)
        .await
        .expect("what is not there is torn down");
    let exit = host.wait(&spec.key).await;
    assert_eq!(exit.code, None, "nobody saw it end");
    assert!(exit.reason.is_some(), "an unknown code has a reason");
}

async fn a_failed_start(host: &Host) {
    let mut spec = host.container(
        host.new_task(),
        "app",
        &Behaviour::new("start fail no such program", ""),
    );
    spec.entry_point = Some(vec!["/no/such/program".to_owned()]);
    let network = host.network(spec.key.task).await;
    host.driver.pull(&spec).await.expect("the image is there");
    let failure = host
        .driver
        .start(&spec, &network)
        .await
        .expect_err("there is nothing to start");
    let text = failure.to_string();
    let names = [
        "CannotCreateContainerError: ",
        "CannotStartContainerError: ",
    ];
    assert!(names.iter().any(|name| text.starts_with(name)), "{text}");
    assert_eq!(
        find(host, &spec).await,
        None,
        "a failed start leaves nothing behind"
    );
}

async fn stop_signal(host: &Host) {
    let spec = host.started(&Behaviour::service()).await;
    host.until_logged(&spec, "ready").await;
    host.driver
        .signal(&spec.key, SIGTERM)
        .await
        .expect("a running container takes signals");
    assert_eq!(host.wait(&spec.key).await.code, Some(7));
}

async fn kill(host: &Host) {
    let does = Behaviour::new(
        "ignore SIGTERM; log ready",
        "trap '' TERM; echo ready; while :; do /bin/busybox sleep 0.05; done",
    );
    let spec = host.started(&does).await;
    host.until_logged(&spec, "ready").await;
    host.driver
        .signal(&spec.key, SIGTERM)
        .await
        .expect("a running container takes signals");
    let found = find(host, &spec).await.expect("it ignores the signal");
    assert_eq!(found.exit, None);
    host.driver
        .signal(&spec.key, SIGKILL)
        .await
        .expect("a running container takes signals");
    let exit = host.wait(&spec.key).await;
    assert_eq!(
        (exit.code, exit.out_of_memory),
        (Some(128 + SIGKILL), false)
    );
}

async fn commands_inside(host: &Host) {
    for (health, status, passes) in [("healthy", "0", true), ("unhealthy", "1", false)] {
        let mut does = Behaviour::service();
        does.script.push_str(&format!("; health {health}"));
        let spec = host.started(&does).await;
        host.until_logged(&spec, "ready").await;
        let command = ["/bin/busybox", "sh", "-c", &format!("exit {status}")].map(str::to_owned);
        let executed = host
            .driver
            .execute(&spec.key, &command, Duration::from_secs(20))
            .await;
        match executed.expect("a running container takes commands") {
            Executed::Exited { code, .. } => assert_eq!(code == 0, passes),
            Executed::TimedOut => panic!("`exit {status}` ended long ago"),
        }
    }
}

/// Only for drivers that run programs: a script has no command that hangs.
async fn hanging_command(host: &Host) {
    if host.driver.name() == "scripted" {
        return;
    }
    let spec = host.started(&Behaviour::service()).await;
    host.until_logged(&spec, "ready").await;
    let command = ["/bin/busybox", "sleep", "1000"].map(str::to_owned);
    let executed = host
        .driver
        .execute(&spec.key, &command, Duration::from_millis(500))
        .await;
    assert_eq!(executed, Ok(Executed::TimedOut));
    let found = find(host, &spec).await.expect("the container goes on");
    assert_eq!(found.exit, None, "only the command is killed");
}

/// What was running when the server went away: a container that ends by itself, and one
/// that does not.
pub(crate) struct LeftBehind {
    ends: ContainerSpec,
    serves: Existing,
}

pub(crate) async fn leave_running(host: &Host) -> LeftBehind {
    let ends = Behaviour::new(
        "log ready; run 100ms; log later; exit 5",
        "echo ready; /bin/busybox sleep 0.1; echo later; exit 5",
    );
    let ends = host.started(&ends).await;
    let serves = host.started(&Behaviour::service()).await;
    host.until_logged(&serves, "ready").await;
    let serves = find(host, &serves)
        .await
        .expect("a running container is known");
    LeftBehind { ends, serves }
}

pub(crate) async fn check_after_restart(host: &Host, left: LeftBehind) {
    let LeftBehind { ends, serves } = left;
    let existing = host.driver.existing().await.expect("the host can be asked");
    assert!(
        existing.contains(&serves),
        "a running container outlives the server"
    );
    host.driver
        .signal(&serves.key, SIGTERM)
        .await
        .expect("it still takes signals");
    assert_eq!(host.wait(&serves.key).await.code, Some(7));
    let exit = host.wait(&ends.key).await;
    assert_eq!(exit.code, Some(5), "an exit that no server saw is known");
    assert_eq!(
        host.lines(&ends),
        ["ready", "later"],
        "each line once, none lost"
    );
    let found = find(host, &ends)
        .await
        .expect("an ended container is known until it is removed");
    assert_eq!(found.exit, Some(exit));
}

async fn find(host: &Host, spec: &ContainerSpec) -> Option<Existing> {
    let existing = host.driver.existing().await.expect("the host can be asked");
    existing.into_iter().find(|found| found.key == spec.key)
}
