//! What the program says when something is wrong around it or in what it was given: one
//! sentence that says what to change, and nothing half-made stays behind.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expected by failing"
)]

#[path = "support/disk.rs"]
mod disk;
#[path = "support/nobody.rs"]
mod nobody;
#[path = "support/signed.rs"]
mod signed;
#[allow(dead_code, reason = "some of it is for other tests")]
mod support;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use serde_json::Value;

use disk::SmallDisk;
use nobody::Nobody;
use support::{IMAGE, Place, assert_empty_handed, entries, text, until};

// The machine.

/// The command refuses to start an engine, and the data directory holds nothing but its locks.
#[track_caller]
fn check_no_engine(place: &Place, command: Command, words: &[&str]) {
    place.start(command).wait().refused(words);
    let mut left = entries(&place.data());
    left.retain(|name| !["guests", "lock"].contains(&name.as_str()));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn without_root() {
    let place = Place::new();
    let hello = place.definition("hello", "echo hello", |_| {});
    let nobody = Nobody::at(&place);
    let as_nobody = |words: &[&str]| nobody.command(words);
    let words = ["the native driver needs root", "start longshore with sudo"];
    check_no_engine(&place, as_nobody(&["run", &hello]), &words);
    check_no_engine(&place, as_nobody(&["up", "--driver", "native"]), &words);
}

#[test]
fn without_namespaces() {
    let place = Place::new();
    let hello = place.definition("hello", "echo hello", |_| {});
    let incapable = ["setpriv", "--bounding-set=-sys_admin", "--"];
    let run = place.command_through(&incapable, &["run", &hello]);
    let words = [
        "does not permit new namespaces",
        "give it the capability SYS_ADMIN",
    ];
    check_no_engine(&place, run, &words);
}

#[test]
fn without_control_groups() {
    let place = Place::new();
    let hello = place.definition("hello", "echo hello", |_| {});
    let script = "umount --recursive /sys/fs/cgroup && exec \"$0\" \"$@\"";
    let without = ["unshare", "--mount", "sh", "-c", script];
    let run = place.command_through(&without, &["run", &hello]);
    let words = [
        "no control groups are mounted",
        "mount cgroup2 at /sys/fs/cgroup",
    ];
    check_no_engine(&place, run, &words);
}

#[test]
fn a_port_of_another_program() {
    let place = Place::with_image();
    let other = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let web = place.definition("web", "echo hello", |web| {
        web["networkMode"] = "bridge".into();
        let mapping = serde_json::json!([{ "containerPort": 80, "hostPort": port }]);
        web["containerDefinitions"][0]["portMappings"] = mapping;
    });
    let words = [format!("port {port}"), "another program".to_owned()];
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    place.run(&["run", &web]).refused(&words);
    place.assert_nothing_left();
    close(other);
    let done = place.run(&["run", &web]).succeeded();
    assert_eq!(done.out, "hello\n");
    place.assert_works();
}

#[test]
fn a_full_disk_under_an_import() {
    let place = Place::new();
    let disk = SmallDisk::under(&place, 16);
    disk.fill();
    let root = place.root_file_system();
    let on_disk = |words: &[&str]| {
        let command = place.command_through(&disk.entrance(), words);
        place.start(command).wait()
    };
    let import = ["image", "import", &root, "--tag", IMAGE];
    on_disk(&import).refused(&["the disk that holds", "is full", "free some space"]);
    assert_empty_handed(&disk.data);
    let images = disk.data.join("native/images");
    for folder in ["layers", "images", "refs"] {
        let left = entries(&images.join(folder));
        assert!(left.is_empty(), "{folder}: {left:?}");
    }
    disk.free();
    on_disk(&import).succeeded();
    let hello = place.definition("hello", "echo hello", |_| {});
    assert_eq!(on_disk(&["run", &hello]).succeeded().out, "hello\n");
    assert_empty_handed(&disk.data);
}

#[test]
fn a_full_disk_under_a_server() {
    let place = Place::new();
    let disk = SmallDisk::under(&place, 24);
    let on_disk = |words: &[&str]| place.command_through(&disk.entrance(), words);
    let root = place.root_file_system();
    let import = ["image", "import", &root, "--tag", IMAGE];
    place.start(on_disk(&import)).wait().succeeded();
    let hello = place.definition("hello", "echo hello", |_| {});
    disk.fill();
    let run = |words: &[&str]| place.start(on_disk(words)).wait();
    run(&["run", &hello]).refused(&["is full", "free some space"]);
    disk.free();

    let server = place.serve_with(on_disk(&["up", "--listen", "127.0.0.1:0"]));
    assert_eq!(run(&["run", &hello]).succeeded().out, "hello\n");
    disk.fill();
    run(&["run", "hello"]).refused(&["disk is full", "Free some space"]);
    disk.free();
    assert_eq!(run(&["run", "hello"]).succeeded().out, "hello\n");
    let tasks = run(&["ps", "--all", "--json"]).succeeded();
    let tasks: Value = serde_json::from_str(&tasks.out).unwrap();
    assert_eq!(tasks["tasks"].as_array().unwrap().len(), 2);
    assert_empty_handed(&disk.data);
    server.stop().succeeded();
}

/// Waits until nobody listens there any more: a process that another test is just starting may
/// still have the listener, too.
#[track_caller]
fn close(listener: TcpListener) {
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    until("the port to be free", || {
        TcpStream::connect(("127.0.0.1", port))
            .is_err()
            .then_some(())
    });
}

// How the server is told to be.

#[test]
fn a_listen_address_in_use() {
    let place = Place::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let up = ["up", "--driver", "scripted", "--listen", &address];
    let words = [
        &address,
        "Address already in use",
        "choose another address with --listen",
    ];
    check_no_engine(&place, place.command(&up), &words);
    close(other);
    let server = place.serve_with(place.command(&up));
    assert_eq!(server.url, format!("http://{address}"));
    server.stop().succeeded();
}

#[test]
fn an_open_door() {
    let place = Place::new();
    let up = place.run(&["up", "--auth", "none", "--listen", "0.0.0.0:0"]);
    up.refused(&[
        "--auth none is allowed on a loopback address only",
        "--listen is '0.0.0.0:0'",
    ]);
    assert!(!place.data().exists());
}

#[test]
fn an_unknown_key_in_the_configuration() {
    let place = Place::new();
    let file = place.file(
        "longshore.toml",
        "driver = 'scripted'\n\n[retention]\nstoped-tasks = 60\n",
    );
    let up = place.run(&["up", "--config", &file]);
    up.refused(&[
        &file,
        "line 4, column 1",
        "unknown field `stoped-tasks`, expected `stopped-tasks`",
    ]);
    let up = place.run(&["up", "--config", "nowhere.toml"]);
    up.refused(&["nowhere.toml cannot be read", "No such file"]);
    assert!(!place.data().exists());
}

// The task-definition file.

/// The engine starts, the file is refused, no task and no definition is made.
#[track_caller]
fn check_definition(what: &str, content: Option<&[u8]>, words: &[&str]) {
    let place = Place::new();
    if let Some(content) = content {
        place.file(what, content);
    }
    place.run(&["run", what]).refused(words);
    let definitions = place.run(&["task-definitions"]).succeeded();
    assert_eq!(
        definitions.out.lines().count(),
        1,
        "more than the headings: {}",
        definitions.out
    );
    assert!(place.tasks().is_empty());
    place.assert_nothing_left();
}

#[test]
fn a_definition_that_cannot_be_read() {
    check_definition(
        "nowhere.json",
        None,
        &["nowhere.json cannot be read", "No such file"],
    );
    check_definition("./", None, &["./ cannot be read", "Is a directory"]);
    check_definition("bytes.json", Some(b"\xff\xfe"), &["bytes.json", "UTF-8"]);
}

#[test]
fn a_definition_that_is_not_valid() {
    check_definition(
        "syntax.json",
        Some(b"{\n  \"family\": \"x\",\n}\n"),
        &["syntax.json, line 3, column 1: trailing comma"],
    );
    check_definition(
        "type.json",
        Some(b"{\"family\": \"x\",\n  \"containerDefinitions\": [{\"memory\": \"64\"}]}"),
        &["type.json, line 2, column 42: `containerDefinitions[0].memory`"],
    );
    check_definition(
        "empty.json",
        Some(b"{\"family\": \"x\", \"containerDefinitions\": []}"),
        &["RegisterTaskDefinition", "ClientException"],
    );
}

// Who asks.

/// The key in the server's file.
fn key(place: &Place) -> [String; 2] {
    let file = fs::read(place.data().join("server.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    ["accessKeyId", "secretAccessKey"].map(|name| file["key"][name].as_str().unwrap().to_owned())
}

#[test]
fn a_wrong_key() {
    let place = Place::new();
    let server = place.serve(&["--driver", "scripted"]);
    let hello = place.definition("hello", "echo hello", |hello| {
        hello["networkMode"] = Value::Null;
    });
    let [id, secret] = key(&place);
    let run = |id: &str, secret: &str| {
        let mut run = place.command(&["run", "--no-wait", &hello, "--endpoint-url", &server.url]);
        run.env("AWS_REGION", "us-east-1");
        run.env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret);
        place.start(run).wait()
    };
    let hint = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    run("AKIAAAAAAAAAAAAAAAAA", &secret).refused(&["UnrecognizedClientException", hint]);
    run(&id, "wrong").refused(&["InvalidSignatureException", hint]);
    assert!(place.tasks().is_empty());
    let done = run(&id, &secret).succeeded();
    assert!(done.out.starts_with("arn:aws:ecs:us-east-1:"));
    server.stop().succeeded();
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the caller's clock is the matter"
)]
fn a_clock_off_by_an_hour() {
    let place = Place::new();
    let server = place.serve(&["--driver", "scripted"]);
    let [id, secret] = key(&place);
    let key = Credentials::new(id, secret, None, None, "test");
    let now = SystemTime::now();
    let hour = Duration::from_secs(3600);
    let create = |at| signed::call(&server.url, &key, "CreateCluster", "{}", at);
    for (at, words) in [
        (now - hour, "Signature expired: "),
        (now + hour, "Signature not yet current: "),
    ] {
        let answer = create(at);
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.contains("InvalidSignatureException"), "{answer}");
        assert!(answer.contains(words), "{answer}");
        // By which callers set theirs right.
        assert!(answer.contains("\r\ndate: "), "{answer}");
    }
    let answer = create(now);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.stop().succeeded();
}

#[test]
fn a_second_server() {
    let place = Place::new();
    let server = place.serve(&["--driver", "scripted"]);
    let second = place.run(&["up", "--driver", "scripted", "--listen", "127.0.0.1:0"]);
    let holder = format!("process {}", server.pid());
    let data = text(&place.data());
    second.refused(&[&data, &holder, "stop it or choose another directory"]);
    // The first is none the worse for it.
    place.run(&["instances"]).succeeded();
    server.stop().succeeded();
    until("the server's file to go", || {
        (!place.data().join("server.json").exists()).then_some(())
    });
}
