//! `longshore doctor`: says how each thing of the machine stands, with what mends it, and
//! changes nothing.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expected by failing"
)]

#[path = "support/nobody.rs"]
mod nobody;
#[allow(dead_code, reason = "some of it is for other tests")]
mod support;

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use nobody::Nobody;
use support::{Done, Place};

/// No server would start here, or none that could run containers.
const NOT_READY: i32 = 1;

/// What the doctor says in JSON; it ends with this code.
#[track_caller]
fn examined(place: &Place, command: Command, code: i32) -> Value {
    let done: Done = place.start(command).wait().ended_with(code);
    serde_json::from_str(&done.out).unwrap()
}

/// That the thing stands so, in these words.
#[track_caller]
fn check(report: &Value, subject: &str, state: &str, words: &str) {
    let parts = ["native", "docker", "server"].map(|part| report[part].as_array().unwrap());
    let one = parts
        .into_iter()
        .flatten()
        .find(|check| check["subject"] == subject);
    let one = one.unwrap_or_else(|| panic!("no {subject} in {report:#}"));
    assert_eq!(one["state"], state, "{one:#}");
    let text = format!("{} -> {}", one["found"], one["remedy"]);
    assert!(text.contains(words), "{one:#}");
    assert_eq!(one["remedy"].is_string(), state != "ok", "{one:#}");
}

#[test]
fn a_machine_that_can_run_containers() {
    let place = Place::new();
    let report = examined(&place, place.command(&["doctor", "--json"]), 0);
    assert_eq!(report["driver"], "native", "{report:#}");
    let fine = [
        ("kernel", "Linux "),
        ("root", "root"),
        ("namespaces", "network"),
        ("cgroups", "memory"),
        ("overlay", "kernel"),
        ("data directory", "made by the first command"),
        ("disk", "MiB"),
        ("dynamic ports", " to "),
        ("images", "none yet"),
        ("configuration", "can be read"),
    ];
    for (subject, words) in fine {
        check(&report, subject, "ok", words);
    }
    assert!(!place.data().exists(), "the doctor makes nothing");
    let table = place.run(&["doctor"]).succeeded().out;
    for (subject, _) in fine {
        assert!(
            table.lines().any(|line| line.trim().starts_with(subject)),
            "{table}"
        );
    }
    let last = table.lines().last().unwrap();
    assert!(last.contains("driver native"), "{table}");
}

#[test]
fn a_user_without_rights() {
    let place = Place::new();
    let nobody = Nobody::at(&place);
    let mut command = nobody.command(&["doctor", "--json"]);
    command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let report = examined(&place, command, NOT_READY);
    assert_eq!(report["driver"], Value::Null);
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("the native driver needs root"), "{reason}");
    assert!(reason.contains("no container engine listens"), "{reason}");
    check(&report, "docker engine", "missing", "start Docker");
    check(&report, "root", "missing", "sudo");
    for subject in ["namespaces", "cgroups", "nf_tables"] {
        check(&report, subject, "warning", "-> \"sudo /");
    }
    check(&report, "data directory", "ok", "free");
}

#[test]
fn a_machine_without_control_groups() {
    let place = Place::new();
    let script = "umount --recursive /sys/fs/cgroup && exec \"$0\" \"$@\"";
    let without = ["unshare", "--mount", "sh", "-c", script];
    let mut command = place.command_through(&without, &["doctor", "--json"]);
    command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let report = examined(&place, command, NOT_READY);
    check(
        &report,
        "cgroups",
        "missing",
        "mount cgroup2 at /sys/fs/cgroup",
    );
}

#[test]
fn a_port_of_another_program_and_one_of_ours() {
    let place = Place::with_image();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let file = place.file("longshore.toml", format!("listen = \"{address}\""));
    let words = ["doctor", "--json", "--config", file.as_str()];
    let report = examined(&place, place.command(&words), 0);
    check(&report, "port", "warning", "--listen");
    check(&report, "images", "ok", "1 of together");

    let server = place.serve(&["--driver", "scripted"]);
    let address = server.url.trim_start_matches("http://");
    let file = place.file("ours.toml", format!("listen = \"{address}\""));
    let words = ["doctor", "--json", "--config", file.as_str()];
    let report = examined(&place, place.command(&words), 0);
    check(&report, "port", "ok", "our own server");
    let holder = format!("process {}, which serves {}", server.pid(), server.url);
    check(&report, "data directory", "ok", &holder);
    server.stop().succeeded();
}

/// It takes the connection and says nothing.
#[test]
fn an_engine_that_hangs() {
    let place = Place::new();
    let socket = place.path("docker.sock");
    let _engine = UnixListener::bind(&socket).unwrap();
    let mut command = place.command(&["doctor", "--json"]);
    command.env("DOCKER_HOST", format!("unix://{}", socket.display()));
    #[expect(
        clippy::disallowed_methods,
        reason = "the promise is about time as it passes"
    )]
    let begun = SystemTime::now();
    let report = examined(&place, command, 0);
    assert!(begun.elapsed().unwrap() < Duration::from_secs(1));
    check(&report, "docker engine", "missing", "does not answer");
    assert_eq!(report["driver"], "native");
}

/// The driver that the configuration names, whatever `auto` would take.
#[test]
fn a_driver_by_name() {
    let place = Place::new();
    let examined = |driver: &str, code| {
        let file = place.file("longshore.toml", format!("driver = \"{driver}\""));
        let mut command = place.command(&["doctor", "--json", "--config", file.as_str()]);
        command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
        examined(&place, command, code)
    };
    assert_eq!(examined("scripted", 0)["driver"], "scripted");
    let report = examined("docker", NOT_READY);
    assert_eq!(report["driver"], Value::Null);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("no container engine listens"),
        "{reason}"
    );
}

#[test]
fn a_server_that_answers_and_none() {
    let place = Place::new();
    let question = ["doctor", "--server"];
    place.run(&question).refused(&["no server is running"]);
    let server = place.serve(&["--driver", "scripted"]);
    let done = place.run(&question).succeeded();
    assert_eq!(done.out, "");
    server.stop().succeeded();
    place.run(&question).refused(&["no server is running"]);
}

#[test]
fn a_configuration_with_a_mistake() {
    let place = Place::new();
    let file = place.file("longshore.toml", "drivr = \"native\"");
    let words = ["doctor", "--json", "--config", file.as_str()];
    let report = examined(&place, place.command(&words), NOT_READY);
    check(&report, "configuration", "missing", "drivr");
    assert_eq!(report["missing"], json!(["configuration"]));
}
