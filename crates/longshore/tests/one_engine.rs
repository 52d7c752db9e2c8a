//! One engine per data directory: who has no server brings its own, who comes second uses the
//! first one's, and what an engine leaves is taken up by the next.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expected by failing"
)]

#[allow(dead_code, reason = "some of it is for other tests")]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use support::{Place, assert_empty_handed, entries, id, is_alive, until};

/// Goes on when [`release`] says so.
const WAITS: &str = "until [ -e /tmp/go ]; do sleep 0.01; done";

/// The only task's folder.
fn task_folder(place: &Place) -> PathBuf {
    let tasks = place.data().join("native/tasks");
    until("the task's folder", || {
        let name = entries(&tasks).pop()?;
        Some(tasks.join(name))
    })
}

/// The first process of the only task's container.
fn container_pid(place: &Place) -> u32 {
    pid_in(&task_folder(place))
}

fn pid_in(task: &Path) -> u32 {
    let path = task.join("app/started.json");
    let record = until("the container's start", || fs::read(&path).ok());
    let record: Value = serde_json::from_slice(&record).unwrap();
    let pid = record["process"]["pid"].as_u64().unwrap();
    pid.try_into().unwrap()
}

fn release(pid: u32) {
    fs::write(format!("/proc/{pid}/root/tmp/go"), "").unwrap();
}

#[test]
fn what_a_run_without_a_server_did_can_be_looked_at_later() {
    let place = Place::with_image();
    let definition = place.definition("later", "echo one; echo two; exit 3", |_| {});
    let run = place.run(&["run", &definition]).ended_with(3);
    assert_eq!(run.out, "one\ntwo\n");
    assert!(!place.data().join("server.json").exists());
    let tasks = place.tasks();
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0]["containers"][0]["exitCode"], 3);
    let logs = place.run(&["logs", id(&tasks[0])]).succeeded();
    assert_eq!(logs.out, "one\ntwo\n");
    place.assert_no_cgroup(id(&tasks[0]));
    place.assert_nothing_left();
}

#[test]
fn runs_at_the_same_time_share_one_engine() {
    const RUNS: usize = 4;
    let place = Place::with_image();
    let runs: Vec<_> = (0..RUNS)
        .map(|number| {
            // The engine's own task ends first, so the others need it longer than itself.
            let script = format!("echo begin; sleep 0.{number}; echo end");
            let definition = place.definition(&format!("run{number}"), &script, |_| {});
            place.start(place.command(&["run", &definition]))
        })
        .collect();
    for run in runs {
        assert_eq!(run.wait().succeeded().out, "begin\nend\n");
    }
    let tasks = place.tasks();
    assert_eq!(tasks.len(), RUNS);
    let instances: Vec<&Value> = tasks
        .iter()
        .map(|task| &task["containerInstanceArn"])
        .collect();
    assert!(
        instances.iter().all(|one| *one == instances[0]),
        "{instances:?}"
    );
    place.assert_nothing_left();
}

#[test]
fn an_engine_stays_for_the_tasks_of_others() {
    let place = Place::with_image();
    let long = place.definition("long", &format!("echo long; {WAITS}"), |_| {});
    let first = place.start(place.command(&["run", &long]));
    first.until_line("long");
    let one = container_pid(&place);
    let other = place.definition("other", &format!("echo other; {WAITS}"), |_| {});
    let second = place.start(place.command(&["run", &other]));
    second.until_line("other");
    let tasks = place.data().join("native/tasks");
    assert_eq!(entries(&tasks).len(), 2);
    release(one);
    until("the first task's end", || {
        (entries(&tasks).len() == 1).then_some(())
    });
    let server = fs::read(place.data().join("server.json")).unwrap();
    let server: Value = serde_json::from_slice(&server).unwrap();
    assert_eq!(server["pid"], first.pid());
    release(container_pid(&place));
    second.wait().succeeded();
    first.wait().succeeded();
    place.assert_nothing_left();
}

#[test]
fn a_task_survives_kill_9_of_its_engine() {
    let place = Place::with_image();
    let script = format!(
        "echo before; {WAITS}; echo meanwhile; mv /tmp/go /tmp/went; {WAITS}; echo after; exit 7"
    );
    let definition = place.definition("survivor", &script, |_| {});
    let run = place.start(place.command(&["run", &definition]));
    run.until_line("before");
    let pid = container_pid(&place);
    run.signal(Signal::KILL);
    drop(run);
    // What it writes without an engine is not lost.
    release(pid);
    until("the container to go on", || {
        let went = format!("/proc/{pid}/root/tmp/went");
        Path::new(&went).exists().then_some(())
    });

    let tasks = place.tasks();
    assert_eq!(tasks[0]["lastStatus"], "RUNNING");
    let task = id(&tasks[0]).to_owned();
    let logs = place.start(place.command(&["logs", "--follow", &task]));
    logs.until_line("meanwhile");
    assert!(is_alive(pid));
    assert_eq!(container_pid(&place), pid);
    release(pid);
    assert_eq!(logs.wait().succeeded().out, "before\nmeanwhile\nafter\n");
    let tasks = place.tasks();
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0]["lastStatus"], "STOPPED");
    assert_eq!(tasks[0]["containers"][0]["exitCode"], 7);
    place.assert_no_cgroup(&task);
    place.assert_nothing_left();
}

#[test]
fn a_guest_is_told_that_its_engine_was_killed() {
    let place = Place::with_image();
    let long = |family| place.definition(family, &format!("echo {family}; {WAITS}"), |_| {});
    let engine = place.start(place.command(&["run", &long("one")]));
    engine.until_line("one");
    let guest = place.start(place.command(&["run", &long("two")]));
    guest.until_line("two");
    let holder = format!("process {}", engine.pid());
    engine.signal(Signal::KILL);
    drop(engine);
    let done = guest.wait().ended_with(125);
    assert!(done.err.contains(&holder), "{}", done.err);
    assert!(
        done.err.contains("the next command takes them up"),
        "{}",
        done.err
    );

    let tasks = place.tasks();
    assert_eq!(tasks.len(), 2);
    for task in &tasks {
        assert_eq!(task["lastStatus"], "RUNNING");
        let logs = place.start(place.command(&["logs", "--follow", id(task)]));
        let folder = place.data().join("native/tasks").join(id(task));
        release(pid_in(&folder));
        logs.wait().succeeded();
    }
    place.assert_nothing_left();
}

#[test]
fn an_interrupt_stops_the_task() {
    let place = Place::with_image();
    let script = format!("trap 'echo told; exit 0' TERM; echo ready; {WAITS}");
    let definition = place.definition("interrupted", &script, |_| {});
    let run = place.start(place.command(&["run", &definition]));
    run.until_line("ready");
    run.signal(Signal::INT);
    let done = run.wait().ended_with(130);
    assert_eq!(done.out, "ready\ntold\n");
    let tasks = place.tasks();
    assert_eq!(tasks[0]["lastStatus"], "STOPPED");
    assert_eq!(tasks[0]["stopCode"], "UserInitiated");
    assert_empty_handed(&place.data());
    place.assert_nothing_left();
}
