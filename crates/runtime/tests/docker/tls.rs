//! Engines behind TLS, with certificates made here by openssl.

use std::fs;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::Command;
use std::thread;

use runtime::docker::{Surroundings, examine};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::engine::Engine;
use crate::testbed::PATIENCE;

const PORT: &str = "127.0.0.1:2376";
const KEY: [&str; 6] = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-keyout",
];
const PURPOSE: &str = "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n";

fn openssl(folder: &Path, words: &[&str]) {
    let done = Command::new("openssl")
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// A folder with an authority, and a certificate that it signed, for so many days.
fn certificates(folder: &Path, days: &str) {
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("purpose"), PURPOSE).unwrap();
    let authority = [
        "ca-key.pem",
        "-out",
        "ca.pem",
        "-subj",
        "/CN=authority",
        "-days",
        "2",
    ];
    openssl(folder, &[&["req", "-x509"], &KEY[..], &authority].concat());
    let request = ["key.pem", "-out", "request.pem", "-subj", "/CN=engine"];
    openssl(folder, &[&["req"], &KEY[..], &request].concat());
    let signed = [
        "x509",
        "-req",
        "-in",
        "request.pem",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca-key.pem",
    ];
    let written = [
        "-CAcreateserial",
        "-out",
        "cert.pem",
        "-extfile",
        "purpose",
        "-days",
        days,
    ];
    openssl(folder, &[&signed[..], &written].concat());
}

/// An engine that shows a certificate of its folder `own`.
fn behind_tls(days: &str) -> Engine {
    Engine::start(|folder, command| {
        let own = folder.join("own");
        certificates(&own, days);
        command.args(["--host", &format!("tcp://{PORT}"), "--tlsverify"]);
        for (option, name) in [
            ("--tlscacert", "ca.pem"),
            ("--tlscert", "cert.pem"),
            ("--tlskey", "key.pem"),
        ] {
            command.arg(option).arg(own.join(name));
        }
    })
}

/// What the engine says, asked from its own network with the certificates of a folder.
fn asked(engine: &Engine, folder: &Path) -> Result<String, String> {
    let namespace = fs::File::open(format!("/proc/{}/ns/net", engine.pid())).unwrap();
    let surroundings = Surroundings {
        host: Some(format!("tcp://{PORT}")),
        has_tls: true,
        certificates: Some(folder.to_owned()),
        ..Surroundings::default()
    };
    let asking = thread::spawn(move || {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        let told = runtime.block_on(examine(&surroundings, PATIENCE));
        told.map_err(|error| error.to_string())
    });
    asking.join().unwrap()
}

#[track_caller]
fn refused(told: Result<String, String>, words: &[&str]) {
    let error = told.unwrap_err();
    for word in words {
        assert!(error.contains(word), "{error}");
    }
    assert!(!error.contains(". "), "one sentence: {error}");
}

#[test]
fn an_engine_behind_tls_is_reached_with_its_certificates_only() {
    let engine = behind_tls("2");
    let own = engine.folder().join("own");
    let told = asked(&engine, &own).unwrap();
    assert!(told.contains(&format!("at tcp://{PORT}")), "{told}");
    let folder = tempfile::tempdir().unwrap();
    refused(
        asked(&engine, folder.path()),
        &["ca.pem", "DOCKER_CERT_PATH"],
    );
    let other = folder.path().join("other");
    certificates(&other, "2");
    refused(
        asked(&engine, &other),
        &["was not signed by the authority in ca.pem"],
    );
    fs::copy(own.join("ca.pem"), other.join("ca.pem")).unwrap();
    refused(
        asked(&engine, &other),
        &["the engine refuses the one in cert.pem"],
    );
    fs::remove_file(other.join("key.pem")).unwrap();
    refused(asked(&engine, &other), &["key.pem", "DOCKER_CERT_PATH"]);
}

#[test]
fn an_engine_whose_time_is_over() {
    let engine = behind_tls("-1");
    refused(
        asked(&engine, &engine.folder().join("own")),
        &["has expired"],
    );
}
